// What the pass over the reference A leaves for the audit of a changed copy B, on one domain: of
// every measured layer A's gate, and of every measured position A's gate input, logits, combination
// weights, and what B's gate chose on A's gate input. All that lies in a file without a name; the
// experts that A chose lie in memory, since passes impose them.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/scratch_file.h"
#include "experiments/audit/routes.h"
#include "experiments/common.h"

namespace rg::experiments {

// One window's positions at one layer, in the caller's memory.
struct ReferenceWindow {
  std::vector<float> inputs;            // (T, d)
  std::vector<float> weights;           // (T, k) of the selected, in rank order
  std::vector<int32_t> other_selected;  // (T, k) B's gate on A's gate input, in rank order
};

class ReferenceRecord : public tap::Observer {
 public:
  // Watches a pass that asks one other gate, B's. `routes` gets the choice of every row, from row
  // `first_row` of the pass on; `held_beside`: bytes that others hold meanwhile, for the plan.
  ReferenceRecord(const Setting& setting, RouteTable& routes, uint64_t first_row,
                  std::filesystem::path folder, uint64_t held_beside);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&setting_.windows, 1}; }
  // IO004, IO010.
  void begin_layer(const tap::LayerView& view) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;

  const Setting& setting() const { return setting_; }
  uint32_t positions() const { return setting_.seq_len - 1; }  // T
  size_t windows() const { return setting_.windows->sequences(); }
  uint64_t first_row() const { return first_row_; }

  // After the pass, of the measured layer `slot`. IO001.
  void read_window(size_t slot, size_t window, ReferenceWindow& to) const;
  void read_logits(size_t slot, size_t window, std::span<float> to) const;  // (T, E)
  void read_gate(size_t slot, std::vector<float>& router,                   // (E, d)
                 std::vector<float>& selection_bias) const;                 // (E) or empty
  // 1 where the set margin is finite: (windows, T).
  std::span<const uint8_t> defined(size_t slot) const;
  uint64_t kept_bytes() const;  // of memory, once the pass is over
  void release();               // the file

 private:
  // Offsets in the file.
  uint64_t gate_bytes() const;
  uint64_t window_bytes() const;
  uint64_t offset(size_t slot, size_t window) const;
  size_t all_positions() const { return windows() * positions(); }
  void keep_window(const tap::GateBlock& block, const SequenceRows& rows, size_t slot);

  const Setting setting_;
  RouteTable& routes_;
  const uint64_t first_row_;
  const std::filesystem::path folder_;
  const uint64_t held_beside_;
  std::optional<ScratchFile> file_;
  std::vector<uint8_t> defined_;  // (layers, windows, T)
};

}  // namespace rg::experiments
