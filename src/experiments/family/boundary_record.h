// Where the gates of two checkpoints choose differently on the same gate inputs, those of the
// reference, and how near to a boundary its margins are there: what boundary_amplification and
// behavior_compression keep of one edge, direction and domain (docs/artifacts.md, 7 and 8).
#pragma once

#include <array>
#include <span>
#include <vector>

#include "experiments/common.h"

namespace rg::experiments {

// Which end of an edge a -> b is the reference: a, or b.
enum class Direction { a_to_b, b_to_a };

// The tokens of a window nearest to a boundary: margin <= Quantile_q of the window's margins.
struct CompressionQuantile {
  const char* key;
  double value;
  stats::Fraction fraction;
};
inline constexpr std::array<CompressionQuantile, 4> kCompressionQs = {
    {{"q01", 0.01, {1, 100}}, {"q05", 0.05, {1, 20}}, {"q10", 0.1, {1, 10}}, {"q20", 0.2, {1, 5}}}};
inline constexpr size_t kQuantiles = kCompressionQs.size();
inline constexpr size_t kDeciles = 10;

// One window at one layer. Positions count whose margin is finite in the reference; disagreement
// is k - |R_k^a ∩ R_k^b| of a position, in experts.
struct BoundaryWindow {
  uint32_t undefined = 0;  // positions whose margin is not finite
  uint32_t mass = 0;       // disagreement
  std::array<uint32_t, kQuantiles> tokens_under{}, mass_under{};
  std::array<float, kQuantiles> threshold{};  // Quantile_q of the margins, in scores
  std::array<uint32_t, kDeciles> decile_tokens{}, decile_mass{};
};

// A position's byte is the number of the four thresholds that its margin is above; without a finite
// margin it is this.
inline constexpr uint8_t kNoMargin = kQuantiles + 1;

// Watches the windows of one domain in a pass of the reference.
class BoundaryRecord : public tap::Observer {
 public:
  // `other`: index into GateBlock::other_gates. RT001 where no layer has an eligible competitor.
  BoundaryRecord(const Setting& setting, size_t other);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&setting_.windows, 1}; }
  void begin_layer(const tap::LayerView& view) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void end_layer(const tap::LayerView& view) override;

  const Setting& setting() const { return setting_; }
  // The parameter `required_layers`; every measured layer without it.
  std::vector<int> required_layers() const;
  uint32_t positions() const { return setting_.seq_len - 1; }  // T
  // After the pass, of the measured layer `slot`:
  std::span<const BoundaryWindow> windows(size_t slot) const;
  // e_0 .. e_10: the smallest of all windows' margins, and their deciles; none without a margin.
  std::span<const float> decile_edges(size_t slot) const { return edges_[slot]; }
  std::span<const uint8_t> thresholds_below(size_t slot, size_t window) const;  // (T)
  std::vector<std::string> notes() const;

 private:
  // Edges and sums of a layer's deciles, which need all windows.
  void keep_deciles(size_t slot);
  void keep_window(const tap::GateBlock& block, const SequenceRows& rows, size_t slot);
  size_t all_positions() const { return setting_.windows->sequences() * positions(); }

  const Setting setting_;
  const size_t other_;
  std::vector<BoundaryWindow> windows_;    // (layers, windows)
  std::vector<std::vector<float>> edges_;  // (layers): 11 or none
  std::vector<uint8_t> thresholds_below_;  // (layers, windows, T)
  // Of the current layer, released after the last one:
  std::vector<float> margins_, ascending_;  // (windows, T); those that are finite
  std::vector<uint16_t> lost_;              // (windows, T) k - |R_k^a ∩ R_k^b|
};

}  // namespace rg::experiments
