// Changes of the logits of one layer, from which forecasts draw. Rows are padded with zeros to
// whole lanes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "experiments/audit/forecast.h"
#include "tensor/buffer.h"

namespace rg::experiments {

inline constexpr size_t kBankLanes = 16;
constexpr size_t bank_stride(size_t experts) {
  return (experts + kBankLanes - 1) / kBankLanes * kBankLanes;
}

// (rows, stride) of finite numbers.
class FlipBank {
 public:
  FlipBank() = default;
  FlipBank(size_t rows, uint32_t experts);  // zeros

  size_t rows() const noexcept { return rows_; }
  size_t stride() const noexcept { return stride_; }
  float* row(size_t i) noexcept { return values_.data() + i * stride_; }
  const float* row(size_t i) const noexcept { return values_.data() + i * stride_; }

 private:
  size_t rows_ = 0, stride_ = 0;
  Buffer<float> values_;
};

bool all_finite(std::span<const float> values);

// True where adding a constant to all logits selects the same set: softmax or logits ranked,
// without a selection bias. Changes are then centred over experts.
bool shift_invariant(const gate::GateSpec& spec);

// z_B - z_A of the defined decisions of the windows of `fold`, in window order, then position. A
// decision with a logit that isn't finite is left out.
FlipBank seen_changes(const LayerDecisions& decisions, int fold);

}  // namespace rg::experiments
