// What an intervention changes, seen from the pass that has it: which experts the tokens of a
// domain's windows are routed to, against those of a plain pass over the same windows, and how
// often the most probable next token stays the same. The T = seq_len - 1 positions whose next token
// is known count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "experiments/experiment.h"
#include "experiments/family/output_record.h"
#include "experiments/record.h"
#include "tap/tap.h"

namespace rg::experiments {

// Watches the plain pass and keeps its routes.
class RouteRecord : public tap::Observer {
 public:
  explicit RouteRecord(const Setting& setting);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&windows_, 1}; }
  void begin_layer(const tap::LayerView&) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;

  uint64_t held_bytes() const;  // from the first layer on
  // (T,k) experts of a measured layer and a window, in the order of their ranks.
  std::span<const uint16_t> of_window(size_t slot, size_t window) const;

 private:
  const std::vector<int> layers_;
  const tap::SequenceSet* const windows_;
  const uint32_t positions_, k_;
  std::vector<uint16_t> experts_;  // (layers, windows, T, k)
};

// Watches the pass with the intervention, which has the plain one as reference.
class RouteChange : public tap::Observer {
 public:
  // What the plain pass left, which outlives this; the plan counts it as held here, too.
  RouteChange(const Setting& setting, const RouteRecord& plain, const OutputRecord& plain_outputs);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&windows_, 1}; }
  void begin_layer(const tap::LayerView&) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void on_logits(const tap::LogitsBlock& block) override;

  // After the pass. By measured layer and window: selected experts that the plain pass has not
  // selected, over all positions; positions with another set.
  const WindowCounts& mass() const { return mass_; }
  const WindowCounts& changed() const { return changed_; }
  // (windows) positions whose most probable next token is the plain pass's. The lowest id of equal
  // logits is the most probable; a NaN never is.
  std::span<const uint64_t> top1_equal() const { return top1_equal_; }

 private:
  const std::vector<int> layers_;
  const tap::SequenceSet* const windows_;
  const uint32_t positions_, k_;
  const RouteRecord& plain_;
  const OutputRecord& plain_outputs_;
  WindowCounts mass_, changed_;
  std::vector<uint64_t> top1_equal_;
};

}  // namespace rg::experiments
