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
  float remaining[kMaxExperts];  // logits, NaN where an expert is masked
  bool masked[kMaxExperts];
  uint64_t keys[kMaxExperts + 1];
  uint64_t group_keys[kMaxExperts + 1];
};
thread_local Scratch scratch;

// What one decision works with: all experts, or those that aren't masked.
struct Candidates {
  std::span<const float> logits;
  const bool* masked;  // (E); null: none

  bool contain(uint32_t expert) const noexcept { return masked == nullptr || !masked[expert]; }
};

// `masked`: distinct ids. A NaN logit takes no part in the others' softmax.
Candidates all_but(std::span<const int32_t> masked, std::span<const float> logits) noexcept {
  if (masked.empty()) return {logits, nullptr};
  std::copy(logits.begin(), logits.end(), scratch.remaining);
  std::fill_n(scratch.masked, logits.size(), false);
  for (const int32_t expert : masked) {
    scratch.remaining[expert] = kNaN;
    scratch.masked[expert] = true;
  }
  return {{scratch.remaining, logits.size()}, scratch.masked};
}

struct KeptGroups {
  uint32_t count;
  float margin;
};

// Keeps the best groups and masks the experts of the others in `selection`. A group without
// candidates is never kept.
KeptGroups keep_groups(const GateSpec& spec, const Candidates& candidates,
                       float* selection) noexcept {
  if (spec.groups == 1) return {1, kNaN};
  const uint32_t size = spec.experts / spec.groups;
  float* scores = scratch.chosen;  // free until the selection, which comes after the mask
  TopKeys ranking(scratch.group_keys, spec.groups);
  for (uint32_t g = 0; g < spec.groups; ++g) {
    uint64_t keys[2];
    TopKeys best(keys, 2);
    for (uint32_t e = g * size; e < (g + 1) * size; ++e) {
      if (candidates.contain(e)) best.offer(order_key(selection[e], e));
    }
    if (best.kept() == 0) continue;
    scores[g] = selection[best.index(0)];
    if (spec.group_score == GroupScore::top2_sum && best.kept() > 1) {
      scores[g] += selection[best.index(1)];
    }
    ranking.offer(order_key(scores[g], g));
  }
  const auto ranked = static_cast<uint32_t>(ranking.kept());
  const uint32_t kept = std::min(spec.groups_kept.value, ranked);
  for (uint32_t rank = kept; rank < ranked; ++rank) {
    std::fill_n(selection + ranking.index(rank) * size, size, -kInfinity);
  }
  const float margin =
      kept < ranked ? scores[ranking.index(kept - 1)] - scores[ranking.index(kept)] : kNaN;
  return {kept, margin};
}

// Offers eligible experts only: a masked one is never selected, even before a NaN. Returns how
// many these are.
uint32_t rank_experts(const GateSpec& spec, const Candidates& candidates, const KeptGroups& kept,
                      const float* selection, TopKeys& ranking) noexcept {
  const uint32_t size = spec.experts / spec.groups;
  uint32_t eligible = 0;
  for (uint32_t rank = 0; rank < kept.count; ++rank) {
    const uint32_t first = spec.groups == 1 ? 0 : key_index(scratch.group_keys[rank]) * size;
    for (uint32_t e = first; e < first + size; ++e) {
      if (!candidates.contain(e)) continue;
      ranking.offer(order_key(selection[e], e));
      ++eligible;
    }
  }
  return eligible;
}

// Scores of all experts: `plain` for the weights, `selection` for ranking, masked.
KeptGroups score_experts(const GateSpec& spec, const Candidates& candidates,
                         std::span<const float> selection_bias, float* plain,
                         float* selection) noexcept {
  const uint32_t experts = spec.experts;
  score_logits(spec.score, candidates.logits.data(), experts, plain);
  if (spec.selection_bias) {
    for (uint32_t e = 0; e < experts; ++e) selection[e] = plain[e] + selection_bias[e];
  } else {
    std::copy_n(plain, experts, selection);
  }
  for (uint32_t e = 0; candidates.masked != nullptr && e < experts; ++e) {
    if (candidates.masked[e]) selection[e] = -kInfinity;
  }
  return keep_groups(spec, candidates, selection);
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

// Weights of the selected; scratch.plain has the scores.
void weigh_scored(const GateSpec& spec, std::span<const float> logits,
                  std::span<const int32_t> selected, std::span<float> weights) noexcept {
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
  decide_without({}, spec, logits, selection_bias, out);
}

void decide_without(std::span<const int32_t> masked, const GateSpec& spec,
                    std::span<const float> logits, std::span<const float> selection_bias,
                    DecisionView& out) noexcept {
  const size_t k = spec.top_k;
  const Candidates candidates = all_but(masked, logits);
  const KeptGroups kept =
      score_experts(spec, candidates, selection_bias, scratch.plain, out.scores.data());
  TopKeys ranking(scratch.keys, k + 1);
  out.eligible = rank_experts(spec, candidates, kept, out.scores.data(), ranking);
  for (size_t i = 0; i <= k; ++i) {
    out.ranked[i] = i < ranking.kept() ? static_cast<int32_t>(ranking.index(i)) : -1;
  }
  out.margin_group = kept.margin;
  out.margin = kNaN;
  out.margin_logit = kNaN;
  if (ranking.kept() > k) {
    const uint32_t last = ranking.index(k - 1), next = ranking.index(k);
    out.margin = out.scores[last] - out.scores[next];
    out.margin_logit = logits[last] - logits[next];
  }
  weigh_scored(spec, candidates.logits, out.ranked.first(k), out.weights);
}

void weigh(const GateSpec& spec, std::span<const int32_t> masked, std::span<const float> logits,
           std::span<const int32_t> selected, std::span<float> weights) noexcept {
  const Candidates candidates = all_but(masked, logits);
  score_logits(spec.score, candidates.logits.data(), spec.experts, scratch.plain);
  weigh_scored(spec, candidates.logits, selected, weights);
}

void scale_by_expert(std::span<const float> scale, std::span<const int32_t> ranked,
                     std::span<float> weights) noexcept {
  for (size_t i = 0; i < weights.size(); ++i) weights[i] *= scale[static_cast<size_t>(ranked[i])];
}

void select(const GateSpec& spec, std::span<const float> logits,
            std::span<const float> selection_bias, std::span<int32_t> top) noexcept {
  const Candidates all = {logits, nullptr};
  const KeptGroups kept =
      score_experts(spec, all, selection_bias, scratch.plain, scratch.selection);
  TopKeys ranking(scratch.keys, top.size());
  rank_experts(spec, all, kept, scratch.selection, ranking);
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
