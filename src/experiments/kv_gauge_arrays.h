// What kv_gauge found of every layer, as members of its artifact (docs/artifacts.md, 16).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "experiments/common.h"
#include "experiments/kv_gauge_head.h"

namespace rg::experiments {

struct KvLayer {
  int layer;
  uint32_t width;  // d
  bool ceiling;    // the keys are those after RoPE
  Json attention;
  std::vector<KvHead> heads;
};

// What attention of the layer is, and what each of the kinds of gauges costs there.
Json kv_attention_json(const tap::KeyView& view, const keys::Placement& placement,
                       const std::vector<keys::GaugeKind>& kinds);
Json kv_heads_json(const KvLayer& layer, Nulls& nulls);

}  // namespace rg::experiments
