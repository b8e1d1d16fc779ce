// What key_only_router found of every layer, as members of its artifact (docs/artifacts.md, 20).
#pragma once

#include <optional>

#include "experiments/common.h"
#include "experiments/key_only_geometry.h"
#include "experiments/key_only_predictors.h"

namespace rg::experiments {

struct RouterLayer {
  int layer;
  uint32_t experts, top_k;
  Json architecture;
  std::optional<RouterGeometry> geometry;  // none: a norm that is no RMS norm
  RouterPredictors predictors;
};

// The layer's attention and gate, and the rows of the decision table that apply.
Json router_architecture_json(const tap::KeyView& keys, const tap::LayerView& gate);
Json router_geometry_json(const RouterLayer& layer, Nulls& nulls);
Json router_truth_json(const RouterPredictors& predictors);
Json router_predictors_json(const RouterLayer& layer, Nulls& nulls);
Json router_ceiling_json(const RouterLayer& layer, Nulls& nulls);
Json router_split_json(const RouterSplit& split);

}  // namespace rg::experiments
