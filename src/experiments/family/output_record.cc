#include "experiments/family/output_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/logits.h"

namespace rg::experiments {

OutputRecord::OutputRecord(const tap::SequenceSet* windows, uint32_t seq_len)
    : windows_(windows), positions_(seq_len - 1) {
  check_internal(seq_len >= 2, "a window has a position whose next token is known");
  check_internal(std::all_of(windows->lengths.begin(), windows->lengths.end(),
                             [&](uint32_t length) { return length == seq_len; }),
                 "windows are equally long");
}

tap::Needs OutputRecord::needs() const {
  constexpr size_t kMeans = 5;
  tap::Needs needs;
  needs.logits = true;
  needs.held_bytes = windows_->sequences() * (kMeans + positions_) * sizeof(double);
  return needs;
}

// Not in the constructor: records of later passes take no memory yet.
void OutputRecord::begin_layer(const tap::LayerView&) {
  const size_t windows = windows_->sequences();
  if (log_p_.size() == windows * positions_) return;
  for (std::vector<double>* const sums :
       {&loss_, &kl_, &entropy_, &varentropy_, &collision_entropy_}) {
    sums->assign(windows, 0.0);
  }
  log_p_.assign(windows * positions_, 0.0);
}

void OutputRecord::add(const tap::LogitsBlock& block, uint32_t row) {
  const uint32_t position = block.first_position + row;
  const size_t w = block.sequence, at = size_t{row} * block.vocabulary;
  const float* const logits = block.logits + at;
  const kernels::LogitFacts facts = kernels::logit_facts(logits, block.vocabulary);
  const int32_t next = windows_->ids[w * (positions_ + 1) + position + 1];
  const double log_p = static_cast<double>(logits[next]) - facts.log_total;
  log_p_[w * positions_ + position] = log_p;
  loss_[w] -= log_p;
  entropy_[w] += facts.entropy;
  varentropy_[w] += facts.varentropy;
  collision_entropy_[w] += facts.collision_entropy;
  if (block.reference_logits == nullptr) return;
  kl_[w] += kernels::kl_divergence(logits, block.reference_logits + at, block.vocabulary);
}

void OutputRecord::on_logits(const tap::LogitsBlock& block) {
  if (block.reference_logits != nullptr) has_reference_ = true;
  for (uint32_t row = 0; row < block.rows && block.first_position + row < positions_; ++row) {
    add(block, row);
    if (block.first_position + row + 1 < positions_) continue;
    for (std::vector<double>* const sums :
         {&loss_, &kl_, &entropy_, &varentropy_, &collision_entropy_}) {
      (*sums)[block.sequence] /= static_cast<double>(positions_);
    }
  }
}

std::span<const double> OutputRecord::kl() const {
  return has_reference_ ? std::span<const double>(kl_) : std::span<const double>();
}

void OutputRecord::require_finite(const std::string& checkpoint) const {
  for (const auto& means : {loss(), kl()}) {
    const auto at = std::find_if_not(means.begin(), means.end(),
                                     [](double mean) { return std::isfinite(mean); });
    if (at == means.end()) continue;
    throw Error(ErrorId::RT012,
                {.object = checkpoint,
                 .found = fmt::format("a prediction in window {} of {} that is not finite",
                                      at - means.begin(), windows_->name),
                 .expected = "finite logits",
                 .hint = "Losses and divergences have no value there. Look for weights that "
                         "overflow."});
  }
}

}  // namespace rg::experiments
