// The summary that the arrays of key_only_router give.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/analysis.h"
#include "verify/key_only_statistics.h"

namespace rg::verify::key_only {

// Over the layers that the verdict asks for.
struct Model {
  SharedBlocks blocks;
  kv::Outcome outcome = kv::Outcome::inconclusive;  // of the key_gap, whatever is degenerate
  std::string degenerate;                           // "layers", "pipeline", ...; empty: it isn't
  std::string sentence = "undecided";
  std::optional<double> oracle, rows_per_feature;
  std::vector<int> unsound, incomplete;  // layers that make it degenerate
  std::optional<Convergence> replication;

  const kv::Series& gap(size_t index) const { return blocks[kFirstGap + index]; }
  const kv::Series& overlap(size_t feature) const { return blocks[kOverlaps + feature]; }
};

// Claims all of `summary` and what of the other members follows. Resamples, layer by layer.
Model claim_summary(const Case& c, const Record& record, Claims& claims);

}  // namespace rg::verify::key_only
