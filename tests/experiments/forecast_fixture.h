// Gates and random decisions of one layer, for the tests of an audit's forecasts.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/random.h"
#include "experiments/audit/forecast.h"
#include "experiments/fake_engine.h"

namespace rg::experiments::testing {

inline gate::GateSpec audit_gate(uint32_t experts, uint32_t k, gate::Score score) {
  gate::GateSpec spec = softmax_spec(experts, k);
  spec.score = score;
  if (score == gate::Score::logits) spec.weigh = gate::Weigh::selected_softmax;
  return spec;
}

inline gate::GateSpec biased(gate::GateSpec spec) {
  spec.selection_bias = true;
  return spec;
}

inline gate::GateSpec grouped(gate::GateSpec spec, uint32_t groups, uint32_t kept,
                              gate::GroupScore score) {
  spec.groups = groups;
  spec.groups_kept = kept;
  spec.group_score = score;
  return spec;
}

inline std::vector<float> audit_normals(uint64_t seed, size_t count, double scale) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(scale * normal(seed, static_cast<uint32_t>(i), 0, 77));
  }
  return values;
}

// As a set: does the gate choose otherwise?
inline bool chooses_otherwise(const gate::GateSpec& spec, std::span<const float> bias,
                              std::span<const float> a, std::span<const float> b) {
  std::vector<int32_t> of_a(spec.top_k), of_b(spec.top_k);
  gate::select(spec, a, bias, of_a);
  gate::select(spec, b, bias, of_b);
  return gate::overlap(of_a, of_b) != spec.top_k;
}

// Decisions of both runs, all defined; folds alternate. `change` fills the change of the logits of
// a row.
struct AuditLayer {
  using Change = std::function<void(uint32_t row, std::span<float> change)>;

  AuditLayer(const gate::GateSpec& spec_, uint32_t windows_, uint32_t positions_, uint64_t seed_,
             const Change& change, double logit_scale = 1)
      : spec(spec_), windows(windows_), positions(positions_), seed(seed_) {
    const size_t experts = spec.experts, rows = size_t{windows} * positions;
    logits_a = audit_normals(seed, rows * experts, logit_scale);
    logits_b = logits_a;
    gate = audit_normals(seed + 1, experts * kWidth, 1);
    defined.assign(rows, 1);
    flipped.assign(rows, 0);
    for (uint32_t w = 0; w < windows; ++w) fold.push_back(static_cast<uint8_t>(w % 2));
    std::vector<float> by(experts);
    for (uint32_t row = 0; row < rows; ++row) {
      change(row, by);
      for (size_t e = 0; e < experts; ++e) logits_b[row * experts + e] += by[e];
      const std::span<const float> a = std::span(logits_a).subspan(row * experts, experts);
      const std::span<const float> b = std::span(logits_b).subspan(row * experts, experts);
      flipped[row] = chooses_otherwise(spec, bias, a, b) ? 1 : 0;
    }
  }

  LayerDecisions view(int threads = 1) const {
    return {.spec = spec,
            .selection_bias = bias,
            .gate_a = gate,
            .width = kWidth,
            .windows = windows,
            .positions = positions,
            .logits_a = logits_a,
            .logits_b = logits_b,
            .defined = defined,
            .flipped = flipped,
            .fold = fold,
            .input_variance = input_variance,
            .seed = seed,
            .layer = 5,
            .threads = threads};
  }

  static constexpr uint32_t kWidth = 12;
  gate::GateSpec spec;
  uint32_t windows, positions;
  uint64_t seed;
  std::vector<float> bias, logits_a, logits_b, gate;
  std::vector<uint8_t> defined, flipped, fold;
  std::array<double, 2> input_variance = {0.01, 0.01};
};

}  // namespace rg::experiments::testing
