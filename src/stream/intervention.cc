#include "stream/intervention.h"

#include <algorithm>
#include <array>

namespace rg::stream {
namespace {

bool has(std::span<const int32_t> experts, int32_t expert) {
  return std::find(experts.begin(), experts.end(), expert) != experts.end();
}

void mask(std::span<const int32_t> masked, const GateInputs& inputs,
          gate::DecisionView& decision) noexcept {
  std::array<float, gate::kMaxExperts> scores;
  gate::DecisionView remaining{.scores = std::span(scores).first(inputs.logits.size()),
                               .ranked = decision.ranked,
                               .weights = decision.weights,
                               .margin = 0,
                               .margin_logit = 0,
                               .margin_group = 0,
                               .eligible = 0};
  gate::decide_without(masked, inputs.spec, inputs.logits, inputs.selection_bias, remaining);
}

// Whether the set has changed.
bool force(std::span<const int32_t> forced, std::span<int32_t> ranked) noexcept {
  const auto selected = ranked.first(ranked.size() - 1);
  size_t last = selected.size();
  bool changed = false;
  for (const int32_t expert : forced) {
    if (has(selected, expert)) continue;
    do --last;
    while (has(forced, selected[last]));
    ranked.back() = selected[last];  // no expert outside the set ranks before it
    selected[last] = expert;
    changed = true;
  }
  return changed;
}

void impose(std::span<const int32_t> ids, std::span<int32_t> ranked) noexcept {
  const auto left_out =
      std::find_if(ranked.begin(), ranked.end(), [&](int32_t expert) { return !has(ids, expert); });
  ranked.back() = *left_out;  // one of k+1 is not among k; -1 where nothing more is eligible
  std::copy(ids.begin(), ids.end(), ranked.begin());
}

}  // namespace

const LayerIntervention* Intervention::of(int layer) const {
  const auto at = layers.find(layer);
  return at == layers.end() ? nullptr : &at->second;
}

const char* key_step_name(model::KeyStep step) {
  switch (step) {
    case model::KeyStep::normed:
      return "normed";
    case model::KeyStep::scored:
      return "scored";
    case model::KeyStep::latent:
      break;
  }
  return "latent";
}

const LayerKeyChange* Intervention::keys_of(int layer) const {
  const auto at = keys.find(layer);
  return at == keys.end() ? nullptr : &at->second;
}

uint64_t Intervention::key_scratch_bytes(const model::Model& model, uint32_t length) const {
  uint64_t bytes = 0;
  for (const auto& [layer, how] : keys) {
    const auto facts = model::key_facts(model.layer(layer).mixer);
    if (facts) bytes = std::max<uint64_t>(bytes, model::key_change_bytes(*facts, length));
  }
  return bytes;
}

uint64_t Intervention::imposed_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [layer, how] : layers) {
    bytes += how.imposed_ids.size_bytes() + how.imposed_weights.size_bytes();
  }
  return bytes;
}

void intervene(const LayerIntervention& how, size_t row, const GateInputs& inputs,
               gate::DecisionView& decision) noexcept {
  const size_t k = decision.weights.size();
  bool weigh = false;
  if (!how.masked.empty()) mask(how.masked, inputs, decision);
  if (!how.imposed_ids.empty()) {
    impose(how.imposed_ids.subspan(row * k, k), decision.ranked);
    weigh = true;
  } else {
    weigh = force(how.forced, decision.ranked);
  }
  if (weigh) {
    gate::weigh(inputs.spec, how.masked, inputs.logits, decision.ranked.first(k), decision.weights);
  }
  if ((weigh || !how.masked.empty()) && inputs.spec.per_expert_scale) {
    gate::scale_by_expert(inputs.per_expert_scale, decision.ranked, decision.weights);
  }
  if (!how.imposed_weights.empty()) {
    const auto weights = how.imposed_weights.subspan(row * k, k);
    std::copy(weights.begin(), weights.end(), decision.weights.begin());
  }
  for (const ExpertScale& scale : how.scaled) {
    for (size_t i = 0; i < k; ++i) {
      if (decision.ranked[i] == scale.expert) decision.weights[i] *= scale.factor;
    }
  }
}

}  // namespace rg::stream
