// Routing logs with the statistics of a trained router, a pure function of their shape: Zipf
// tokens, experts with uneven loads, a first layer that reads the token and later ones that read
// more and more of the context.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "gate/gate.h"
#include "logs/checks/check.h"
#include "logs/record.h"
#include "support/safetensors_builder.h"

namespace rg::logs::testing {

inline gate::GateSpec softmax_gate(uint32_t experts, uint32_t k) {
  return {.experts = experts,
          .top_k = k,
          .logit_bias = false,
          .score = gate::Score::softmax,
          .selection_bias = false,
          .groups = 1u,
          .groups_kept = 1u,
          .group_score = gate::GroupScore::none,
          .weigh = gate::Weigh::scores,
          .normalise = gate::Normalise::no,
          .epsilon = 0.0f,
          .scaling = 1.0f,
          .per_expert_scale = false,
          .ids_from_table = false,
          .shared_experts = 0u};
}

struct LogShape {
  uint32_t sequences = 12, length = 100, experts = 16, k = 4, layers = 6, vocabulary = 300;
  int first_layer = 0;
  uint64_t seed = 1;
  bool logits = false;
};

inline ModelFacts facts_of(const LogShape& shape) {
  ModelFacts facts{.name = "synthetic",
                   .width = 128,
                   .vocabulary = shape.vocabulary,
                   .layers = shape.layers + static_cast<uint32_t>(shape.first_layer),
                   .extra_layers = 0,
                   .moe_layers = {},
                   .hash_layers = {},
                   .gate = softmax_gate(shape.experts, shape.k)};
  for (uint32_t layer = 0; layer < shape.layers; ++layer) {
    facts.moe_layers.push_back(shape.first_layer + static_cast<int>(layer));
  }
  return facts;
}

// Logits of one row at one layer.
inline std::vector<float> logits_of(const LogShape& shape, uint32_t layer, uint32_t token,
                                    uint32_t before, uint32_t place) {
  std::vector<float> logits(shape.experts);
  const float own = 2.0f - 0.2f * static_cast<float>(layer);
  for (uint32_t e = 0; e < shape.experts; ++e) {
    const uint32_t at = layer * shape.experts + e;
    logits[e] = 0.6f * test::normal_value(shape.seed, 1, at, 1) +
                own * test::normal_value(shape.seed, 1000 + at, token, 1) +
                0.7f * test::normal_value(shape.seed, 9000 + at, before, 1) +
                0.5f * test::normal_value(shape.seed, 20000 + at, place, 1);
  }
  return logits;
}

inline Record make_log(const LogShape& shape) {
  Record record;
  record.model = "synthetic";
  record.format = "routegauge";
  record.rows = shape.sequences * shape.length;
  record.k = shape.k;
  record.experts = shape.experts;
  record.positions_stated = true;
  if (shape.logits) record.logit_columns = shape.experts;
  std::vector<uint32_t> tokens;
  for (uint32_t row = 0; row < record.rows; ++row) {
    const double u = (draw_word(shape.seed, Purpose::audit, {row, 7, 7}, 0) + 1.0) / 4294967297.0;
    tokens.push_back(static_cast<uint32_t>(std::pow(shape.vocabulary, u)) - 1);
    record.tokens.push_back(static_cast<int32_t>(tokens.back()));
    record.sequence.push_back(static_cast<int32_t>(row / shape.length));
    record.position.push_back(static_cast<int32_t>(row % shape.length));
    record.phase.push_back(Phase::prefill);
  }
  const gate::GateSpec spec = softmax_gate(shape.experts, shape.k);
  std::vector<float> scores(shape.experts);
  std::vector<int32_t> ranked(shape.k + 1);
  std::vector<float> weights(shape.k);
  for (uint32_t layer = 0; layer < shape.layers; ++layer) {
    LayerLog log{.layer = shape.first_layer + static_cast<int>(layer)};
    for (uint32_t row = 0; row < record.rows; ++row) {
      const uint32_t before = row % shape.length == 0 ? 0 : tokens[row - 1];
      const std::vector<float> logits = logits_of(shape, layer, tokens[row], before, row);
      gate::DecisionView view{.scores = scores,
                              .ranked = ranked,
                              .weights = weights,
                              .margin = 0,
                              .margin_logit = 0,
                              .margin_group = 0,
                              .eligible = 0};
      gate::decide(spec, logits, {}, view);
      log.ids.insert(log.ids.end(), ranked.begin(), ranked.end() - 1);
      log.weights.insert(log.weights.end(), weights.begin(), weights.end());
      if (shape.logits) log.logits.insert(log.logits.end(), logits.begin(), logits.end());
    }
    record.layers.push_back(std::move(log));
  }
  check_shapes(record);
  return record;
}

inline std::vector<CheckOutcome> check_log(const Record& record,
                                           const std::optional<ModelFacts>& model,
                                           const Thresholds& thresholds = {}) {
  const Census census = take_census(record, model ? model->gate.experts.value : 0u, 2);
  return run_checks(
      {.record = record, .census = census, .model = model, .thresholds = thresholds, .threads = 2});
}

// Ids of the checks that found something: "L6", or "L2 L9".
inline std::string found_in(const std::vector<CheckOutcome>& outcomes) {
  std::string ids;
  for (const CheckOutcome& outcome : outcomes) {
    if (outcome.result.findings.empty()) continue;
    ids += (ids.empty() ? "" : " ") + outcome.id;
  }
  return ids;
}

inline const Finding& finding_of(const std::vector<CheckOutcome>& outcomes, const std::string& id) {
  for (const CheckOutcome& outcome : outcomes) {
    if (outcome.id == id && !outcome.result.findings.empty()) return outcome.result.findings[0];
  }
  throw std::runtime_error("no finding of " + id);
}

}  // namespace rg::logs::testing
