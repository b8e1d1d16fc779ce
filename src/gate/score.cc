#include "gate/score.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementwise.h"

namespace rg::gate {
namespace {

// The kernels promise nothing about NaN and +inf, so those are settled here.
void softmax_with_nonfinite(const float* logits, size_t n, float* scores) noexcept {
  const auto infinite = static_cast<float>(std::count(logits, logits + n, kInfinity));
  if (infinite > 0) {
    for (size_t i = 0; i < n; ++i) {
      const float share = logits[i] == kInfinity ? 1.0f / infinite : 0.0f;
      scores[i] = std::isnan(logits[i]) ? kNaN : share;
    }
    return;
  }
  bool any = false;
  for (size_t i = 0; i < n; ++i) {
    scores[i] = std::isnan(logits[i]) ? -kInfinity : logits[i];
    any = any || scores[i] != -kInfinity;
  }
  if (!any) {
    std::fill_n(scores, n, kNaN);
    return;
  }
  kernels::softmax(scores, n, scores);
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(logits[i])) scores[i] = std::isnan(logits[i]) ? kNaN : 0.0f;
  }
}

void sigmoid_with_nonfinite(const float* logits, size_t n, float* scores) noexcept {
  for (size_t i = 0; i < n; ++i) scores[i] = std::isfinite(logits[i]) ? logits[i] : 0.0f;
  kernels::sigmoid(scores, n, scores);
  for (size_t i = 0; i < n; ++i) {
    if (std::isfinite(logits[i])) continue;
    scores[i] = std::isnan(logits[i]) ? kNaN : (logits[i] > 0 ? 1.0f : 0.0f);
  }
}

}  // namespace

void score_logits(Score score, const float* logits, size_t n, float* scores) noexcept {
  if (score == Score::logits) {
    std::copy_n(logits, n, scores);
    return;
  }
  const bool finite = std::all_of(logits, logits + n, [](float z) { return std::isfinite(z); });
  if (score == Score::softmax) {
    finite ? kernels::softmax(logits, n, scores) : softmax_with_nonfinite(logits, n, scores);
  } else {
    finite ? kernels::sigmoid(logits, n, scores) : sigmoid_with_nonfinite(logits, n, scores);
  }
}

}  // namespace rg::gate
