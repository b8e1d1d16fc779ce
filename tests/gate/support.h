// Gates of released families at toy sizes, and decisions that own their memory.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "gate/gate.h"

namespace rg::gate {

struct Decision {
  std::vector<float> scores, weights;
  std::vector<int32_t> ranked;
  float margin, margin_logit, margin_group;
  uint32_t eligible;

  std::vector<int32_t> selected() const { return {ranked.begin(), ranked.end() - 1}; }
};

inline Decision run(const GateSpec& spec, const std::vector<float>& logits,
                    const std::vector<float>& bias = {}) {
  Decision made{std::vector<float>(spec.experts),
                std::vector<float>(spec.top_k),
                std::vector<int32_t>(spec.top_k + 1),
                0,
                0,
                0,
                0};
  DecisionView view{made.scores, made.ranked, made.weights, 0, 0, 0, 0};
  decide(spec, logits, bias, view);
  made.margin = view.margin;
  made.margin_logit = view.margin_logit;
  made.margin_group = view.margin_group;
  made.eligible = view.eligible;
  return made;
}

// Bit for bit, so that NaN equals itself.
inline bool same(const Decision& a, const Decision& b) {
  const auto bits = [](const std::vector<float>& x, const std::vector<float>& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
  };
  return bits(a.scores, b.scores) && bits(a.weights, b.weights) && a.ranked == b.ranked &&
         bits({a.margin, a.margin_logit, a.margin_group},
              {b.margin, b.margin_logit, b.margin_group}) &&
         a.eligible == b.eligible;
}

inline GateSpec olmoe_gate(uint32_t experts, uint32_t top_k) {
  return {.experts = experts,
          .top_k = top_k,
          .logit_bias = false,
          .score = Score::softmax,
          .selection_bias = false,
          .groups = 1u,
          .groups_kept = 1u,
          .group_score = GroupScore::none,
          .weigh = Weigh::scores,
          .normalise = Normalise::no,
          .epsilon = 0.0f,
          .scaling = 1.0f,
          .per_expert_scale = false,
          .ids_from_table = false,
          .shared_experts = 0u};
}

inline GateSpec qwen3_gate(uint32_t experts, uint32_t top_k) {
  GateSpec spec = olmoe_gate(experts, top_k);
  spec.normalise = Normalise::by_sum;
  return spec;
}

inline GateSpec gpt_oss_gate(uint32_t experts, uint32_t top_k) {
  GateSpec spec = olmoe_gate(experts, top_k);
  spec.logit_bias = true;
  spec.score = Score::logits;
  spec.weigh = Weigh::selected_softmax;
  return spec;
}

inline GateSpec llama4_gate(uint32_t experts) {
  GateSpec spec = olmoe_gate(experts, 1);
  spec.score = Score::logits;
  spec.weigh = Weigh::selected_sigmoid;
  spec.shared_experts = 1u;
  return spec;
}

inline GateSpec ernie_gate(uint32_t experts, uint32_t top_k) {
  GateSpec spec = olmoe_gate(experts, top_k);
  spec.selection_bias = true;
  spec.normalise = Normalise::by_max_of_sum_and_epsilon;
  spec.epsilon = 1e-12f;
  spec.shared_experts = 2u;
  return spec;
}

// Groups of two, half of them kept.
inline GateSpec deepseek_v3_gate(uint32_t experts, uint32_t top_k) {
  GateSpec spec = olmoe_gate(experts, top_k);
  spec.score = Score::sigmoid;
  spec.selection_bias = true;
  spec.groups = experts / 2;
  spec.groups_kept = experts / 4;
  spec.group_score = GroupScore::top2_sum;
  spec.normalise = Normalise::by_sum_plus_epsilon;
  spec.epsilon = 1e-20f;
  spec.scaling = 2.5f;
  spec.shared_experts = 1u;
  return spec;
}

}  // namespace rg::gate
