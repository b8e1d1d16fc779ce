#include <algorithm>
#include <cmath>

#include "gate/gate.h"
#include "gate/order.h"
#include "gate/score.h"

namespace rg::gate {
namespace {

// Per thread and never initialised: clearing it would cost more than a decision.
struct Scratch {
  float plain[kMaxExperts];      // scores without the selection bias
  float selection[kMaxExperts];  // for select(), whose caller passes no memory for them
  float chosen[kMaxExperts];     // logits of the selected experts
  uint64_t keys[kMaxExperts + 1];
  uint64_t group_keys[kMaxExperts + 1];
};
thread_local Scratch scratch;

struct Eligibility {
  uint32_t experts;
  float margin_group;
};

float group_score(GroupScore rule, const float* scores, uint32_t count) noexcept {
  uint64_t keys[2];
  TopKeys best(keys, 2);
  for (uint32_t i = 0; i < count; ++i) best.offer(order_key(scores[i], i));
  const float first = scores[best.index(0)];
  return rule == GroupScore::top2_sum && count > 1 ? first + scores[best.index(1)] : first;
}

// Masks the experts of dropped groups in `selection`.
Eligibility mask_groups(const GateSpec& spec, float* selection) noexcept {
  const uint32_t experts = spec.experts, groups = spec.groups, kept = spec.groups_kept;
  if (groups == 1) return {experts, kNaN};
  const uint32_t size = experts / groups;
  float* scores = scratch.chosen;  // free until the selection, which comes after the mask
  TopKeys ranking(scratch.group_keys, groups);
  for (uint32_t g = 0; g < groups; ++g) {
    scores[g] = group_score(spec.group_score, selection + g * size, size);
    ranking.offer(order_key(scores[g], g));
  }
  for (uint32_t rank = kept; rank < groups; ++rank) {
    std::fill_n(selection + ranking.index(rank) * size, size, -kInfinity);
  }
  const float margin =
      kept < groups ? scores[ranking.index(kept - 1)] - scores[ranking.index(kept)] : kNaN;
  return {kept * size, margin};
}

// Offers eligible experts only: a masked one is never selected, even before a NaN.
void rank_experts(const GateSpec& spec, const float* selection, TopKeys& ranking) noexcept {
  if (spec.groups == 1) {
    for (uint32_t e = 0; e < spec.experts; ++e) ranking.offer(order_key(selection[e], e));
    return;
  }
  const uint32_t size = spec.experts / spec.groups;
  for (uint32_t rank = 0; rank < spec.groups_kept; ++rank) {
    const uint32_t first = key_index(scratch.group_keys[rank]) * size;
    for (uint32_t e = first; e < first + size; ++e) ranking.offer(order_key(selection[e], e));
  }
}

// Scores of all experts: `plain` for the weights, `selection` for ranking, masked.
Eligibility score_experts(const GateSpec& spec, std::span<const float> logits,
                          std::span<const float> selection_bias, float* plain,
                          float* selection) noexcept {
  const uint32_t experts = spec.experts;
  score_logits(spec.score, logits.data(), experts, plain);
  if (spec.selection_bias) {
    for (uint32_t e = 0; e < experts; ++e) selection[e] = plain[e] + selection_bias[e];
  } else {
    std::copy_n(plain, experts, selection);
  }
  return mask_groups(spec, selection);
}

// The weight of the selected expert at `rank`: exp(z) over the sum of exp(z_j) of the experts j
// that are not selected before it and whose logit is near: (z - z_j) / max(|z_j|, z) <= 2 epsilon.
float sparsemixer_weight(float epsilon, std::span<const float> logits,
                         std::span<const int32_t> selected, size_t rank) noexcept {
  const float top = logits[static_cast<size_t>(selected[rank])];
  float* near = scratch.plain;  // scores are the logits, so nothing needs the plain ones
  size_t count = 0;
  near[count++] = top;
  for (size_t j = 0; j < logits.size(); ++j) {
    const auto before = selected.first(rank + 1);
    if (std::find(before.begin(), before.end(), static_cast<int32_t>(j)) != before.end()) continue;
    const float distance = (top - logits[j]) / std::max(std::abs(logits[j]), top);
    // Two logits of 0 are equal, and 0 / 0 isn't a distance.
    if (logits[j] == top || distance <= 2 * epsilon) near[count++] = logits[j];
  }
  score_logits(Score::softmax, near, count, scratch.selection);
  return scratch.selection[0];
}

void weigh(const GateSpec& spec, std::span<const float> logits, std::span<const int32_t> selected,
           std::span<float> weights) noexcept {
  const size_t k = selected.size();
  const float* from = spec.weigh == Weigh::scores ? scratch.plain : logits.data();
  for (size_t i = 0; i < k; ++i) scratch.chosen[i] = from[selected[i]];
  switch (spec.weigh) {
    case Weigh::scores:
      std::copy_n(scratch.chosen, k, weights.data());
      break;
    case Weigh::selected_softmax:
      score_logits(Score::softmax, scratch.chosen, k, weights.data());
      break;
    case Weigh::selected_sigmoid:
      score_logits(Score::sigmoid, scratch.chosen, k, weights.data());
      break;
    case Weigh::sparsemixer:
      for (size_t rank = 0; rank < k; ++rank) {
        weights[rank] = sparsemixer_weight(spec.epsilon, logits, selected, rank);
      }
      break;
  }
  float sum = 0;
  for (const float w : weights) sum += w;
  switch (spec.normalise) {
    case Normalise::no:
      sum = 1;
      break;
    case Normalise::by_sum:
      break;
    case Normalise::by_sum_plus_epsilon:
      sum += spec.epsilon;
      break;
    case Normalise::by_max_of_sum_and_epsilon:
      sum = sum < spec.epsilon ? spec.epsilon.value : sum;
      break;
  }
  for (float& w : weights) w = w / sum * spec.scaling;
}

}  // namespace

void decide(const GateSpec& spec, std::span<const float> logits,
            std::span<const float> selection_bias, DecisionView& out) noexcept {
  const size_t k = spec.top_k;
  const Eligibility eligible =
      score_experts(spec, logits, selection_bias, scratch.plain, out.scores.data());
  TopKeys ranking(scratch.keys, k + 1);
  rank_experts(spec, out.scores.data(), ranking);
  for (size_t i = 0; i <= k; ++i) {
    out.ranked[i] = i < ranking.kept() ? static_cast<int32_t>(ranking.index(i)) : -1;
  }
  out.eligible = eligible.experts;
  out.margin_group = eligible.margin_group;
  out.margin = kNaN;
  out.margin_logit = kNaN;
  if (ranking.kept() > k) {
    const uint32_t last = ranking.index(k - 1), next = ranking.index(k);
    out.margin = out.scores[last] - out.scores[next];
    out.margin_logit = logits[last] - logits[next];
  }
  weigh(spec, logits, out.ranked.first(k), out.weights);
}

void scale_by_expert(std::span<const float> scale, std::span<const int32_t> ranked,
                     std::span<float> weights) noexcept {
  for (size_t i = 0; i < weights.size(); ++i) weights[i] *= scale[static_cast<size_t>(ranked[i])];
}

void select(const GateSpec& spec, std::span<const float> logits,
            std::span<const float> selection_bias, std::span<int32_t> top) noexcept {
  score_experts(spec, logits, selection_bias, scratch.plain, scratch.selection);
  TopKeys ranking(scratch.keys, top.size());
  rank_experts(spec, scratch.selection, ranking);
  for (size_t i = 0; i < top.size(); ++i) top[i] = static_cast<int32_t>(ranking.index(i));
}

uint32_t overlap(std::span<const int32_t> a, std::span<const int32_t> b) noexcept {
  uint32_t shared = 0;
  for (const int32_t in_a : a) {
    for (const int32_t in_b : b) shared += in_a == in_b ? 1u : 0u;
  }
  return shared;
}

}  // namespace rg::gate
