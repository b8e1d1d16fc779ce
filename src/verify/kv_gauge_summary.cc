#include "verify/kv_gauge_summary.h"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "verify/analysis.h"

namespace rg::verify::kv {
namespace {

constexpr double kPi = boost::math::constants::pi<double>();

void claim_anchors(Claims& claims) {
  const Claims::Path at = {"summary", "anchors"};
  claims.mean(below(at, "gaussian_mse_1bit"), 0.3634);
  claims.mean(below(at, "gaussian_mse_2bit"), 0.1175);
  claims.interval(below(at, "published_learned"), kPublishedLearned);
  claims.mean(below(at, "published_random"), 0.7979);
  claims.mean(below(at, "published_beta"), 0.7016);
}

// Of keys of uniform direction in d dimensions.
void claim_uniform(double width, const Claims::Path& at, Claims& claims) {
  const double ratio = boost::math::tgamma_ratio(width / 2, (width + 1) / 2);
  claims.near(below(at, "gaussian_cosine"), std::sqrt(width / kPi) * ratio, Check::summary_mean);
  claims.near(below(at, "gaussian_beta"), 2 / kPi + (1 - 2 / kPi) / width, Check::summary_mean);
}

double keys_per_width(const LayerKeys& layer) {
  double smallest = layer.heads.front().fit_keys;
  for (const Head& head : layer.heads) smallest = std::min(smallest, head.fit_keys);
  return smallest / static_cast<double>(layer.width);
}

// With the centring that has it largest.
void count_cell(const Blocks& head, Cells& cells) {
  std::optional<double> largest;
  for (size_t i = 0; i < kCentrings; ++i) {
    const std::optional<double>& cosine = head[kCentred + i].estimate;
    if (cosine && (!largest || *cosine > *largest)) largest = cosine;
  }
  if (!largest) return;
  if (*largest < kPublishedLearned.lo) {
    ++cells.below;
  } else if (*largest > kPublishedLearned.hi) {
    ++cells.above;
  } else {
    ++cells.within;
  }
}

// Its heads and itself; the layer's Blocks are the mean over its defined heads.
MeanOfBlocks claim_layer(int number, const LayerKeys& layer, const UnitBootstrap& bootstrap,
                         Cells& cells, Claims& claims) {
  const std::string key = std::to_string(number);
  const Claims::Path at = {"summary", "per_layer", key};
  const auto width = static_cast<double>(layer.width);
  MeanOfBlocks heads;
  for (size_t h = 0; h < layer.heads.size(); ++h) {
    const Head& head = layer.heads[h];
    const std::string index = std::to_string(h);
    const HeadColumns& columns = bootstrap.of(number, h);
    const Blocks blocks = bootstrap.blocks(columns);
    claim_stated_head(head, width, {"heads", key, index}, claims);
    claim_head(head, width, columns, bootstrap, blocks, below(at, "heads", index), claims);
    if (!head.defined()) continue;
    heads.add(blocks);
    count_cell(blocks, cells);
  }
  claims.absent(below(at, "heads", std::to_string(layer.heads.size())));
  claims.count(below(at, "width"), layer.width);
  claim_uniform(width, at, claims);
  claims.count(below(at, "defined_heads"), static_cast<int64_t>(heads.count()));
  claims.mean(below(at, "keys_per_width"), keys_per_width(layer));
  const Blocks blocks = heads.mean(bootstrap.replicates());
  claim_blocks(blocks, Words::both, at, claims);
  claims.text(below(at, "sentence"), name_of(support_of(blocks)));
  return heads;
}

void claim_model(const Record& record, const Model& model, Claims& claims) {
  const Claims::Path at = {"summary", "verdict"};
  claims.mean(below(at, "margin"), kMargin);
  claims.text(below(at, "outcome"), model.degenerate ? "DEGENERATE" : name_of(model.outcome));
  claims.text(below(at, "sentence"), name_of(model.support));
  claim_blocks(model.blocks, Words::excess, at, claims);
  claims.count(below(at, "cells", "below"), model.cells.below);
  claims.count(below(at, "cells", "within"), model.cells.within);
  claims.count(below(at, "cells", "above"), model.cells.above);
  claims.mean(below(at, "keys_per_width"), model.keys_per_width);
  claims.count(below(at, "fitted_documents"), record.units.fitted_documents);
  const Claims::Path replication = {"summary", "replication"};
  claim_replication(claims, replication, model.replication);
  claims.text(below(replication, "unit"), "document");
}

}  // namespace

Model claim_summary(const Case& c, const Record& record, const UnitBootstrap& bootstrap,
                    Claims& claims) {
  claim_anchors(claims);
  Model model;
  MeanOfBlocks layers;
  for (const auto& [number, layer] : record.layers) {
    Cells cells;
    const MeanOfBlocks heads = claim_layer(number, layer, bootstrap, cells, claims);
    if (!is_required(c, number)) continue;
    if (heads.count() > 0) layers.add(heads.mean(bootstrap.replicates()));
    if (heads.count() < layer.heads.size()) model.undefined.push_back(number);
    model.cells.below += cells.below;
    model.cells.within += cells.within;
    model.cells.above += cells.above;
    const double keys = keys_per_width(layer);
    model.keys_per_width = std::min(model.keys_per_width.value_or(keys), keys);
  }
  model.blocks = layers.mean(bootstrap.replicates());
  model.degenerate = c.header.required.empty() || !model.undefined.empty();
  model.outcome = outcome_of(model.blocks[kAdvantage].interval());
  if (!model.degenerate) {
    model.support = support_of(model.blocks);
    model.replication =
        replication_of(record.units.count, distance(model.blocks[kAdvantage], model.outcome));
  }
  // The summary speaks of the artifact's own list of layers.
  if (!c.header.required_by_verifier) claim_model(record, model, claims);
  return model;
}

Series model_advantage(const Case& c, const Record& record, const UnitBootstrap& bootstrap) {
  MeanOfBlocks layers;
  for (const auto& [number, layer] : record.layers) {
    if (!is_required(c, number)) continue;
    MeanOfBlocks heads;
    for (size_t h = 0; h < layer.heads.size(); ++h) {
      if (!layer.heads[h].defined()) continue;
      Blocks blocks;
      blocks[kAdvantage] = bootstrap.ratio(bootstrap.of(number, h).advantage);
      heads.add(blocks);
    }
    if (heads.count() > 0) layers.add(heads.mean(bootstrap.replicates()));
  }
  return layers.mean(bootstrap.replicates())[kAdvantage];
}

}  // namespace rg::verify::kv
