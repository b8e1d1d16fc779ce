#include "experiments/audit/flip_bank.h"

#include <algorithm>
#include <cmath>

namespace rg::experiments {
namespace {

// The rows of the logits that seen_changes takes.
std::vector<size_t> rows_of_fold(const LayerDecisions& decisions, int fold) {
  const size_t experts = decisions.spec.experts;
  std::vector<size_t> rows;
  for (size_t w = 0; w < decisions.windows; ++w) {
    if (decisions.fold[w] != fold) continue;
    for (size_t row = w * decisions.positions; row < (w + 1) * decisions.positions; ++row) {
      if (decisions.defined[row] != 0 &&
          all_finite(decisions.logits_a.subspan(row * experts, experts)) &&
          all_finite(decisions.logits_b.subspan(row * experts, experts))) {
        rows.push_back(row);
      }
    }
  }
  return rows;
}

}  // namespace

FlipBank::FlipBank(size_t rows, uint32_t experts)
    : rows_(rows), stride_(bank_stride(experts)), values_(rows_ * stride_) {
  std::fill_n(values_.data(), values_.size(), 0.0f);
}

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

bool shift_invariant(const gate::GateSpec& spec) {
  return spec.score != gate::Score::sigmoid && !spec.selection_bias;
}

FlipBank seen_changes(const LayerDecisions& decisions, int fold) {
  const uint32_t experts = decisions.spec.experts;
  const bool centre = shift_invariant(decisions.spec);
  const std::vector<size_t> rows = rows_of_fold(decisions, fold);
  FlipBank bank(rows.size(), experts);
  std::vector<double> change(experts);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float* const a = decisions.logits_a.data() + rows[i] * experts;
    const float* const b = decisions.logits_b.data() + rows[i] * experts;
    double mean = 0;
    for (uint32_t e = 0; e < experts; ++e) {
      change[e] = static_cast<double>(b[e]) - static_cast<double>(a[e]);
      mean += change[e];
    }
    mean = centre ? mean / experts : 0.0;
    for (uint32_t e = 0; e < experts; ++e) bank.row(i)[e] = static_cast<float>(change[e] - mean);
  }
  return bank;
}

}  // namespace rg::experiments
