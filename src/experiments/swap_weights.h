// The combination weights of a swap at the selection boundary: the weight of a competitor that
// replaces the last selected expert e_k in the set R that the gate chose.
#pragma once

#include <cstdint>

#include "gate/gate.h"

namespace rg::experiments {

struct GatedToken {
  const gate::GateSpec* spec;
  const float* logits;    // (E)
  const float* scores;    // (E) selection scores, bias included
  const int32_t* ranked;  // (k+1)
  const float* weights;   // (k) of ranked[0..k)
};

// Weight of `competitor` in R with e_k replaced by it (gate::weigh); its present weight if R
// already contains it.
double swapped_weight(const GatedToken& token, int32_t competitor);

}  // namespace rg::experiments
