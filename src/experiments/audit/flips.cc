#include "experiments/audit/flips.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "gate/order.h"

namespace rg::experiments {
namespace {

bool holds(std::span<const int32_t> set, int32_t expert) noexcept {
  return std::find(set.begin(), set.end(), expert) != set.end();
}

// Rank from 1 among the experts that A may select. What a group mask took out has the score -inf.
uint32_t rank_in_reference(const gate::GateSpec& spec, std::span<const float> scores,
                           int32_t expert) noexcept {
  const auto eligible = [&](size_t e) {
    return spec.groups == 1 || !(std::isinf(scores[e]) && scores[e] < 0);
  };
  if (!eligible(static_cast<size_t>(expert))) return spec.experts;
  const uint64_t own =
      gate::order_key(scores[static_cast<size_t>(expert)], static_cast<uint32_t>(expert));
  uint32_t rank = 1;
  for (uint32_t e = 0; e < spec.experts; ++e) {
    if (eligible(e) && gate::order_key(scores[e], e) > own) ++rank;
  }
  return rank;
}

// Of equal sets: some expert's weight has other bits, so that two NaN of one kind are equal.
bool other_weights(const Choice& a, const Choice& b) noexcept {
  for (size_t i = 0; i < a.selected.size(); ++i) {
    const auto at = std::find(b.selected.begin(), b.selected.end(), a.selected[i]);
    const float theirs = b.weights[static_cast<size_t>(at - b.selected.begin())];
    if (std::bit_cast<uint32_t>(a.weights[i]) != std::bit_cast<uint32_t>(theirs)) return true;
  }
  return false;
}

}  // namespace

uint32_t set_distance(std::span<const int32_t> a, std::span<const int32_t> b) noexcept {
  return static_cast<uint32_t>(a.size()) - gate::overlap(a, b);
}

Flip compare_choices(const gate::GateSpec& spec, const gate::DecisionView& reference,
                     const Choice& a, const Choice& b) noexcept {
  Flip flip;
  flip.mass = set_distance(a.selected, b.selected);
  if (flip.mass == 0) {
    flip.reordered = !std::equal(a.selected.begin(), a.selected.end(), b.selected.begin());
    flip.reweighted = other_weights(a, b);
    return flip;
  }
  const uint32_t k = spec.top_k;
  const std::span<const float> scores = reference.scores;
  const float last = scores[static_cast<size_t>(reference.ranked[k - 1])];
  bool far = false;
  for (const int32_t entering : b.selected) {
    if (holds(a.selected, entering)) continue;
    far = far || rank_in_reference(spec, scores, entering) > 2 * k;
    const float score = scores[static_cast<size_t>(entering)];
    if (!std::isfinite(score)) continue;
    flip.depth_sum += static_cast<double>(last) - static_cast<double>(score);
    ++flip.depth_n;
  }
  const bool neighbour = flip.mass == 1 && !holds(b.selected, reference.ranked[k - 1]) &&
                         holds(b.selected, reference.ranked[k]);
  flip.distance = neighbour ? FlipDistance::neighbour
                  : far     ? FlipDistance::far
                            : FlipDistance::middle;
  return flip;
}

}  // namespace rg::experiments
