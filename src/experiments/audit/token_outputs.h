// What a pass says about the next token of every measured position of a domain's windows, in nats;
// with a reference model, how far its distribution is from the reference's. Formulas:
// kernels/logits.h.
#pragma once

#include <span>
#include <vector>

#include "tap/tap.h"

namespace rg::experiments {

class TokenOutputs : public tap::Observer {
 public:
  enum class Compared : bool { no, yes };  // with the pass's reference model
  // `windows`: sequences of seq_len tokens each. `held_beside`: bytes that others hold meanwhile,
  // for the plan.
  TokenOutputs(const tap::SequenceSet* windows, uint32_t seq_len, Compared compared,
               uint64_t held_beside);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&windows_, 1}; }
  void begin_layer(const tap::LayerView&) override;
  void on_logits(const tap::LogitsBlock& block) override;

  // After the pass: (windows, T) -ln p of the next token; KL(p || reference). Empty kl() without a
  // reference.
  std::span<const double> loss() const { return loss_; }
  std::span<const double> kl() const { return kl_; }
  // (windows) positions whose most probable next token, the lowest id of equals, is the
  // reference's.
  std::span<const uint32_t> top1_equal() const { return top1_equal_; }
  // (windows) means over positions, summed in their order.
  std::vector<double> window_means(std::span<const double> of_tokens) const;
  uint64_t kept_bytes() const;

 private:
  const tap::SequenceSet* const windows_;
  const uint32_t positions_;  // T
  const Compared compared_;
  const uint64_t held_beside_;
  std::vector<double> loss_, kl_;
  std::vector<uint32_t> top1_equal_;
};

}  // namespace rg::experiments
