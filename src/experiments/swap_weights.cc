#include "experiments/swap_weights.h"

#include <algorithm>
#include <array>

namespace rg::experiments {

double swapped_weight(const GatedToken& token, int32_t competitor) {
  const gate::GateSpec& spec = *token.spec;
  const uint32_t k = spec.top_k;
  const int32_t* member = std::find(token.ranked, token.ranked + k, competitor);
  if (member != token.ranked + k) {
    return static_cast<double>(token.weights[member - token.ranked]);
  }
  std::array<int32_t, gate::kMaxExperts> set;
  std::array<float, gate::kMaxExperts> weights;
  std::copy_n(token.ranked, k - 1, set.begin());
  set[k - 1] = competitor;
  // A sparsemixer would count e_k among the logits near the competitor's.
  const size_t masked = spec.weigh == gate::Weigh::sparsemixer ? 1 : 0;
  gate::weigh(spec, {token.ranked + k - 1, masked}, {token.logits, spec.experts},
              std::span(set).first(k), std::span(weights).first(k));
  return static_cast<double>(weights[k - 1]);
}

}  // namespace rg::experiments
