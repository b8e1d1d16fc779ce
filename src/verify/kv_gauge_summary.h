// The summary that the arrays of kv_gauge give.
#pragma once

#include "verify/kv_gauge_statistics.h"

namespace rg::verify::kv {

// Defined heads by their largest learned mean cosine over the centrings.
struct Cells {
  int64_t below = 0, within = 0, above = 0;
};

// Over the layers that the verdict asks for.
struct Model {
  Blocks blocks;
  Cells cells;
  std::optional<double> keys_per_width;  // none without a required layer
  std::vector<int> undefined;            // required layers with a head that is not defined
  bool degenerate = false;
  Outcome outcome = Outcome::inconclusive;  // of the advantage, whatever is degenerate
  Support support = Support::undecided;
  std::optional<Convergence> replication;
};

// Claims all of `summary` and what of `heads` follows from the rest. `bootstrap`: resampled.
Model claim_summary(const Case& c, const Record& record, const UnitBootstrap& bootstrap,
                    Claims& claims);
// Of heads alone (kv_gauge_head_summary.cc). `at`: summary.per_layer.L.heads.H.
void claim_head(const Head& head, double width, const HeadColumns& columns,
                const UnitBootstrap& bootstrap, const Blocks& blocks, const Claims::Path& at,
                Claims& claims);
// What of heads.L[H] follows from its other members. `at`: that path.
void claim_stated_head(const Head& head, double width, const Claims::Path& at, Claims& claims);

// Whether words for where intervals lie go with the blocks.
enum class Words { none, excess, both };  // both: of advantage and excess; places with either
void claim_blocks(const Blocks& blocks, Words words, const Claims::Path& at, Claims& claims);

// Of the layers that the verdict asks for, the advantage alone, by other replicates.
Series model_advantage(const Case& c, const Record& record, const UnitBootstrap& bootstrap);

}  // namespace rg::verify::kv
