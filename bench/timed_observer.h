// An observer that passes everything on to another one and adds up the time it takes, per thread.
#pragma once

#include <chrono>
#include <vector>

#include "tap/tap.h"

namespace rg::bench {

class TimedObserver final : public tap::Observer {
 public:
  TimedObserver(tap::Observer& observer, int threads)
      : observer_(observer), callbacks_(static_cast<size_t>(threads)) {}

  // Wall time if its callbacks ran evenly on all threads, and alone at the layers' ends.
  double seconds() const {
    double sum = 0;
    for (const Slot& slot : callbacks_) sum += slot.seconds;
    return sum / static_cast<double>(callbacks_.size()) + alone_;
  }

  tap::Needs needs() const override { return observer_.needs(); }
  std::span<const tap::SequenceSet* const> sets() const override { return observer_.sets(); }
  std::span<const int32_t> wanted_experts(int layer) const override {
    return observer_.wanted_experts(layer);
  }
  void begin_layer(const tap::LayerView& view) override {
    timed(alone_, [&] { observer_.begin_layer(view); });
  }
  void begin_keys(const tap::KeyView& view) override {
    timed(alone_, [&] { observer_.begin_keys(view); });
  }
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override {
    timed(slot(block.worker), [&] { observer_.on_keys(view, block); });
  }
  void end_keys(const tap::KeyView& view) override {
    timed(alone_, [&] { observer_.end_keys(view); });
  }
  void on_no_keys(int layer, std::string_view mixer) override {
    timed(alone_, [&] { observer_.on_no_keys(layer, mixer); });
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    timed(slot(block.worker), [&] { observer_.on_gate(view, block); });
  }
  void on_gates_done(const tap::LayerView& view) override {
    timed(alone_, [&] { observer_.on_gates_done(view); });
  }
  void on_expert(const tap::LayerView& view, const tap::ExpertMatrices& seen) override {
    timed(alone_, [&] { observer_.on_expert(view, seen); });
  }
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override {
    timed(slot(block.worker), [&] { observer_.on_update(view, block); });
  }
  void on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& answer) override {
    timed(slot(answer.worker), [&] { observer_.on_outputs(view, answer); });
  }
  void end_layer(const tap::LayerView& view) override {
    timed(alone_, [&] { observer_.end_layer(view); });
  }

 private:
  struct alignas(64) Slot {
    double seconds = 0;
  };
  double& slot(int worker) { return callbacks_[static_cast<size_t>(worker)].seconds; }
  template <typename Call>
  static void timed(double& total, const Call& call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    total += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  tap::Observer& observer_;
  std::vector<Slot> callbacks_;
  double alone_ = 0;
};

}  // namespace rg::bench
