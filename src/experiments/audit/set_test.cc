#include "experiments/audit/set_test.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rg::experiments {
namespace {

constexpr float kBeyond = std::numeric_limits<float>::infinity();
// Logits this far apart, and this near to the largest, have fp32 softmax scores in their order: an
// exponential is off by less than 1e-5 of itself, and isn't rounded to 0.
constexpr float kSoftmaxGap = 1e-4f, kSoftmaxRange = 60.0f;

// Of each row after the change: the lowest logit inside the set, the highest outside, the largest
// change. The minimum and maximum don't depend on the order, so every width gives the same bits.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
__attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
#endif
void boundaries_after(const float* __restrict inside, const float* __restrict outside,
                      const FlipBank& bank, std::span<const uint32_t> rows,
                      float* __restrict lowest, float* __restrict highest,
                      float* __restrict largest) {
  const size_t stride = bank.stride();
  for (size_t r = 0; r < rows.size(); ++r) {
    const float* const change = bank.row(rows[r]);
    float low[kBankLanes], high[kBankLanes], most[kBankLanes];
    for (size_t lane = 0; lane < kBankLanes; ++lane) {
      low[lane] = kBeyond;
      high[lane] = most[lane] = -kBeyond;
    }
    for (size_t e = 0; e < stride; e += kBankLanes) {
      for (size_t lane = 0; lane < kBankLanes; ++lane) {
        const float d = change[e + lane];
        const float in = inside[e + lane] + d, out = outside[e + lane] + d;
        low[lane] = in < low[lane] ? in : low[lane];
        high[lane] = out > high[lane] ? out : high[lane];
        most[lane] = d > most[lane] ? d : most[lane];
      }
    }
    for (size_t half = kBankLanes / 2; half > 0; half /= 2) {
      for (size_t lane = 0; lane < half; ++lane) {
        low[lane] = low[lane + half] < low[lane] ? low[lane + half] : low[lane];
        high[lane] = high[lane + half] > high[lane] ? high[lane + half] : high[lane];
        most[lane] = most[lane + half] > most[lane] ? most[lane + half] : most[lane];
      }
    }
    lowest[r] = low[0];
    highest[r] = high[0];
    largest[r] = most[0];
  }
}

}  // namespace

SetTest::SetTest(const gate::GateSpec& spec, std::span<const float> selection_bias)
    : spec_(spec),
      selection_bias_(selection_bias),
      top_(spec.top_k),
      selected_(spec.experts),
      inside_(bank_stride(spec.experts), kBeyond),
      outside_(bank_stride(spec.experts), -kBeyond),
      changed_(spec.experts),
      ordered_(shift_invariant(spec) && spec.groups == 1u) {}

void SetTest::decide(std::span<const float> logits) {
  logits_ = logits;
  gate::select(spec_, logits, selection_bias_, top_);
  std::fill(selected_.begin(), selected_.end(), uint8_t{0});
  for (const int32_t e : top_) selected_[static_cast<size_t>(e)] = 1;
  for (size_t e = 0; e < logits.size(); ++e) {
    inside_[e] = selected_[e] != 0 ? logits[e] : kBeyond;
    outside_[e] = selected_[e] != 0 ? -kBeyond : logits[e];
  }
}

bool SetTest::by_gate(const float* change) {
  for (size_t e = 0; e < changed_.size(); ++e) changed_[e] = logits_[e] + change[e];
  gate::select(spec_, changed_, selection_bias_, top_);
  return !std::all_of(top_.begin(), top_.end(),
                      [&](int32_t e) { return selected_[static_cast<size_t>(e)] != 0; });
}

uint32_t SetTest::changes(const FlipBank& bank, std::span<const uint32_t> rows) {
  uint32_t count = 0;
  if (!ordered_) {
    for (const uint32_t row : rows) count += by_gate(bank.row(row)) ? 1u : 0u;
    return count;
  }
  lowest_.resize(rows.size());
  highest_.resize(rows.size());
  largest_.resize(rows.size());
  boundaries_after(inside_.data(), outside_.data(), bank, rows, lowest_.data(), highest_.data(),
                   largest_.data());
  const bool softmax = spec_.score == gate::Score::softmax;
  const float gap = softmax ? kSoftmaxGap : 0.0f;
  const float top = *std::max_element(logits_.begin(), logits_.end());
  for (size_t r = 0; r < rows.size(); ++r) {
    // A difference of infinities is no answer. A NaN logit isn't compared: it ranks last.
    const float ahead = lowest_[r] - highest_[r];
    const bool near_top = std::max(lowest_[r], highest_[r]) > top + largest_[r] - kSoftmaxRange;
    const bool plain = std::fabs(ahead) > gap && (!softmax || near_top);
    const bool change = plain ? ahead < 0 : by_gate(bank.row(rows[r]));
    count += change ? 1u : 0u;
  }
  return count;
}

}  // namespace rg::experiments
