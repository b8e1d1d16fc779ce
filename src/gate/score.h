// Logits to scores, whatever the logits hold. Formulas: the column "score" of docs/gates.md.
#pragma once

#include <cstddef>
#include <limits>

#include "gate/gate.h"

namespace rg::gate {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// logits (n) -> scores (n), two different arrays. NaN stays NaN and takes no part in the others'
// softmax; +inf takes the limit (equal shares among the infinite ones), -inf gives 0.
void score_logits(Score score, const float* logits, size_t n, float* scores) noexcept;

}  // namespace rg::gate
