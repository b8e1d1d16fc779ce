// What the true gate decides for every row of logits, and the gate that judges predicted logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gate/gate.h"

namespace rg::readout {

// A gate that ranks (not ids_from_table), and its vectors. Spans belong to the caller.
struct Gate {
  const gate::GateSpec& spec;               // validated
  std::span<const float> selection_bias;    // (E) iff spec.selection_bias
  std::span<const float> scale_per_expert;  // (E) iff spec.per_expert_scale
  uint32_t experts() const { return spec.experts; }
  uint32_t top_k() const { return spec.top_k; }
};

struct Routes {
  uint32_t experts, top_k;
  std::span<const float> logits;  // (n, E), the caller's
  std::vector<int32_t> ranked;    // (n, k+1) ids in rank order, -1 where nothing is eligible
  std::vector<float> weights;     // (n, k)
  std::vector<float> margins;     // (n) between ranks k and k+1, in the units of the scores; NaN
                                  // where undefined
  std::vector<float> logit_gaps;  // (n) the same two experts' difference of logits

  uint32_t rows() const { return static_cast<uint32_t>(margins.size()); }
  std::span<const float> logits_of(uint32_t row) const {
    return logits.subspan(size_t{row} * experts, experts);
  }
  std::span<const int32_t> ranked_of(uint32_t row) const {
    return std::span(ranked).subspan(size_t{row} * (top_k + 1), top_k + 1);
  }
  std::span<const int32_t> set_of(uint32_t row) const { return ranked_of(row).first(top_k); }
  std::span<const float> weights_of(uint32_t row) const {
    return std::span(weights).subspan(size_t{row} * top_k, top_k);
  }
};

// logits (n, E), the logit bias already in, finite.
Routes routes_of(const Gate& gate, std::span<const float> logits);

// RG-2: how often each expert is chosen among `rows`, (E), adding up to k.
std::vector<double> popularity(const Routes& routes, std::span<const uint32_t> rows);
// (1/k) sum pi_e rho_e: expected overlap of two independent sets with these inclusion
// probabilities; with rho = pi the chance level of RG-2 (a).
double chance_overlap(std::span<const double> pi, std::span<const double> rho, uint32_t top_k);
// Ids by falling popularity, ties to the lower: the first k are RG-2's best constant set.
std::vector<int32_t> by_popularity(std::span<const double> popularity);

}  // namespace rg::readout
