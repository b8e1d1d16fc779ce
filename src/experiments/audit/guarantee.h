// How far a gate's input may move before the selected set can change: the radius of theorem RG-6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gate/gate.h"

namespace rg::experiments {

// Distances between the rows G_i of a router matrix, in fp64, computed once per layer.
class GateDistances {
 public:
  GateDistances(std::span<const float> gate, uint32_t experts, uint32_t width);  // gate (E,d)

  double between(size_t i, size_t j) const noexcept { return between_[i * norm_.size() + j]; }
  double norm(size_t i) const noexcept { return norm_[i]; }          // |G_i|
  double farthest(size_t i) const noexcept { return farthest_[i]; }  // max_j |G_i - G_j|

 private:
  std::vector<double> between_;  // (E,E)
  std::vector<double> norm_, farthest_;
};

// The distance in the space of gate inputs within which the same gate selects the same set as from
// `logits` (E). Exact where logits or their softmax are ranked, one group and no selection bias:
//   min over i in the set, j outside, G_i != G_j, of (z_i - z_j) / |G_i - G_j|  (RG-6 a, b).
// Else a lower bound: where scores s and not logits decide, |G_i - G_j| becomes L_i + L_j, with L_i
// how fast s_i can change (RG-6 d): |G_i| / 4 for a sigmoid, max_j |G_i - G_j| / 4 for a softmax
// (its gradient is p_i sum_j p_j (G_i - G_j)), |G_i| for a sum of logits; and every kept group must
// stay ahead of every dropped one. Numerators are smaller by what rounding to fp32 can do to two
// computed logits, so that no computed set changes either. 0 where nothing is guaranteed, as with a
// logit that isn't finite; infinity where nothing can change. `selection_bias` (E) or empty.
double guaranteed_radius(const gate::GateSpec& spec, std::span<const float> selection_bias,
                         std::span<const float> logits, const GateDistances& distances);

}  // namespace rg::experiments
