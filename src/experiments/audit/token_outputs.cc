#include "experiments/audit/token_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/logits.h"

namespace rg::experiments {
TokenOutputs::TokenOutputs(const tap::SequenceSet* windows, uint32_t seq_len, Compared compared,
                           uint64_t held_beside)
    : windows_(windows), positions_(seq_len - 1), compared_(compared), held_beside_(held_beside) {
  check_internal(seq_len >= 2, "a window has a position whose next token is known");
  check_internal(std::all_of(windows->lengths.begin(), windows->lengths.end(),
                             [&](uint32_t length) { return length == seq_len; }),
                 "windows are equally long");
}

uint64_t TokenOutputs::kept_bytes() const {
  const uint64_t arrays = compared_ == Compared::yes ? 2 : 1;
  return windows_->sequences() *
         (arrays * positions_ * sizeof(double) + (arrays - 1) * sizeof(uint32_t));
}

tap::Needs TokenOutputs::needs() const {
  tap::Needs needs;
  needs.logits = true;
  needs.held_bytes = kept_bytes() + held_beside_;
  return needs;
}

// Not in the constructor: records of later passes take no memory yet.
void TokenOutputs::begin_layer(const tap::LayerView&) {
  const size_t windows = windows_->sequences();
  if (!loss_.empty()) return;
  loss_.assign(windows * positions_, 0.0);
  if (compared_ == Compared::no) return;
  kl_.assign(windows * positions_, 0.0);
  top1_equal_.assign(windows, 0);
}

void TokenOutputs::on_logits(const tap::LogitsBlock& block) {
  check_internal(compared_ == Compared::no || block.reference_logits != nullptr,
                 "the pass has a reference model");
  const size_t n = block.vocabulary;
  for (uint32_t row = 0; row < block.rows && block.first_position + row < positions_; ++row) {
    const uint32_t position = block.first_position + row;
    const size_t token = block.sequence * positions_ + position;
    const float* const logits = block.logits + row * n;
    const int32_t next = windows_->ids[block.sequence * (positions_ + 1) + position + 1];
    loss_[token] = kernels::logit_facts(logits, n).log_total - static_cast<double>(logits[next]);
    double kl = 0;
    if (compared_ == Compared::yes) {
      const float* const reference = block.reference_logits + row * n;
      kl_[token] = kl = kernels::kl_divergence(logits, reference, n);
      if (kernels::most_probable(logits, n) == kernels::most_probable(reference, n)) {
        ++top1_equal_[block.sequence];
      }
    }
    if (std::isfinite(loss_[token]) && std::isfinite(kl)) continue;
    throw Error(ErrorId::RT012,
                {.object = "audit",
                 .found = fmt::format("a prediction at position {} of window {} that is not finite",
                                      position, block.sequence),
                 .expected = "finite logits, whatever the routes",
                 .hint = "Losses and divergences have no value there. Look for weights that "
                         "overflow."});
  }
}

std::vector<double> TokenOutputs::window_means(std::span<const double> of_tokens) const {
  std::vector<double> means(windows_->sequences(), 0.0);
  for (size_t w = 0; w < means.size(); ++w) {
    for (size_t t = 0; t < positions_; ++t) means[w] += of_tokens[w * positions_ + t];
    means[w] /= static_cast<double>(positions_);
  }
  return means;
}

}  // namespace rg::experiments
