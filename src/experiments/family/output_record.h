// What one checkpoint says about the next token of every position of a domain's windows: per window
// the means over its positions, and per position the log-probability of the token that follows.
// Units: nats. Formulas: kernels/logits.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tap/tap.h"

namespace rg::experiments {

// A window of seq_len tokens has T = seq_len - 1 positions; its last token has no next one. A value
// that some position leaves undefined is NaN, or infinite: a logit that is NaN or +inf, or, for
// kl(), a token that the reference excludes and the checkpoint doesn't.
class OutputRecord : public tap::Observer {
 public:
  // `windows`: sequences of seq_len tokens each.
  OutputRecord(const tap::SequenceSet* windows, uint32_t seq_len);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&windows_, 1}; }
  void begin_layer(const tap::LayerView&) override;
  void on_logits(const tap::LogitsBlock& block) override;

  // After the pass. (windows), means over positions of the next token's -ln p; KL(p || reference);
  // Shannon entropy; varentropy; collision entropy.
  std::span<const double> loss() const { return loss_; }
  std::span<const double> kl() const;  // empty where the pass had no reference
  std::span<const double> entropy() const { return entropy_; }
  std::span<const double> varentropy() const { return varentropy_; }
  std::span<const double> collision_entropy() const { return collision_entropy_; }
  std::span<const double> log_p() const { return log_p_; }  // (windows, T) ln p of the next token

  // RT012 with the first window where the pass over `checkpoint` left a loss or divergence without
  // a value.
  void require_finite(const std::string& checkpoint) const;

 private:
  void add(const tap::LogitsBlock& block, uint32_t row);

  const tap::SequenceSet* const windows_;
  const uint32_t positions_;  // T
  // Sums in the order of positions until a window is complete, then means.
  std::vector<double> loss_, kl_, entropy_, varentropy_, collision_entropy_;
  std::vector<double> log_p_;
  std::atomic<bool> has_reference_ = false;
};

}  // namespace rg::experiments
