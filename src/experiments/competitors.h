// Which experts of a token a random partner is drawn from (the controls of chart_compatibility).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "experiments/swap_weights.h"
#include "gate/gate.h"

namespace rg::experiments {

// The experts of one token that random partners are drawn from, ascending.
class Competitors {
 public:
  Competitors(const GatedToken& token, uint32_t experts) {
    for (uint32_t e = 0; e < experts; ++e) {
      if (token.scores[e] != -std::numeric_limits<float>::infinity()) {
        eligible_[count_++] = static_cast<int32_t>(e);
      }
    }
  }
  std::span<const int32_t> eligible() const { return {eligible_.data(), count_}; }
  // A member outside `left_out` (eligible and distinct experts) by ascending index: the one of rank
  // draw(how many there are); -1 if there is none.
  template <typename Draw>
  int32_t outside(std::span<const int32_t> left_out, const Draw& draw) const {
    if (count_ <= left_out.size()) return -1;
    uint32_t nth = draw(static_cast<uint32_t>(count_ - left_out.size()));
    for (const int32_t expert : eligible()) {
      if (std::find(left_out.begin(), left_out.end(), expert) != left_out.end()) continue;
      if (nth-- == 0) return expert;
    }
    return -1;
  }

 private:
  std::array<int32_t, gate::kMaxExperts> eligible_;
  size_t count_ = 0;
};

}  // namespace rg::experiments
