// The combination weights around a swap at the selection boundary: of the last selected expert in
// the set R that the gate chose, and of a competitor in the set that has it instead.
#pragma once

#include <cstdint>
#include <span>

#include "gate/gate.h"

namespace rg::experiments {

struct GatedToken {
  const gate::GateSpec* spec;
  std::span<const float> selection_bias;  // (E) or empty
  const float* logits;                    // (E)
  const float* scores;                    // (E) selection scores, bias included
  const int32_t* ranked;                  // (k+1)
  const float* weights;                   // (k) of ranked[0..k)
};

// Weight that `competitor` would have in R without e_k and with it; its own weight if it is a
// member of R already.
double swapped_weight(const GatedToken& token, int32_t competitor);

}  // namespace rg::experiments
