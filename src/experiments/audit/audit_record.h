// Decision by decision, the routes of a changed copy B beside those of the reference A, on one
// domain: what the audit keeps of the pass over B, which has A's gate asked on B's gate inputs. The
// decisions of A come from what its pass left (reference_record.h).
//
//   R_A = A's gate on A's input     R_BA = B's gate on A's input
//   R_B = B's gate on B's input     R_AB = A's gate on B's input
//
// A decision is defined if its set margin is finite in A and in B; the others are counted and left
// out of every other count.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "experiments/audit/flips.h"
#include "experiments/audit/forecast.h"
#include "experiments/audit/guarantee.h"
#include "experiments/audit/margin_deciles.h"
#include "experiments/audit/reference_record.h"

namespace rg::experiments {

// What is counted per layer and window. A mass is a sum of k - |R ∩ R'|.
enum class AuditCount : size_t {
  undefined,
  total,      // mass of R_A, R_B
  local,      // of R_A, R_BA
  inherited,  // of R_BA, R_B
  through_a,  // of R_A, R_AB
  flips,
  reordered,
  reweighted,
  neighbour,
  middle,
  far,
  depth_n,
  onset,        // tokens whose lowest flipped measured layer this is
  guaranteed,   // A's set can't have changed; 0 unless the gates are equal
  floor_flips,  // of A's logits rounded to bf16, against A's
  floor_mass,
  floor_ties,  // the rounded logits' set margin is 0
  kinds,
};

// Which margin of A a decile is of.
enum class MarginKind : size_t { set, logit, group, kinds };
// How many of these the gate has: a group margin only with groups.
inline size_t margin_kinds(const gate::GateSpec& spec) { return spec.groups > 1 ? 3 : 2; }

// The parity of each window's document, documents numbered by their first window; empty if there is
// one document only, so that there is nothing to forecast from.
std::vector<uint8_t> document_folds(std::span<const uint32_t> window_document);

class AuditRecord : public tap::Observer {
 public:
  // `routes_a`: complete; `routes_b` gets B's. All outlive the pass.
  AuditRecord(const Setting& setting, const ReferenceRecord& reference, const RouteTable& routes_a,
              RouteTable& routes_b, uint64_t held_beside);

  // Before the pass, after A's: whether B's gates are A's bit for bit. Then B's gate never changes
  // a choice by itself, and guarantees hold; both are asserted.
  void set_gates_equal(bool equal) { gates_equal_ = equal; }
  bool gates_equal() const { return gates_equal_; }

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return {&setting_.windows, 1}; }
  void begin_layer(const tap::LayerView& view) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void on_gates_done(const tap::LayerView& view) override;

  // After the pass, of the measured layer `slot`:
  std::span<const uint32_t> counts(AuditCount count, size_t slot) const;  // (windows)
  std::span<const double> depth_sum(size_t slot) const;                   // (windows)
  const std::optional<MarginDeciles>& deciles(MarginKind kind, size_t slot) const {
    return deciles_[static_cast<size_t>(kind)][slot];
  }
  const LayerForecast& forecast(size_t slot) const { return forecasts_[slot]; }  // with folds
  // (windows, T) measured layers at which a token flips.
  std::span<const uint16_t> flipped_layers() const { return flipped_layers_; }

  const Setting& setting() const { return setting_; }
  uint32_t positions() const { return setting_.seq_len - 1; }  // T
  size_t windows() const { return setting_.windows->sequences(); }
  const std::vector<uint8_t>& folds() const { return folds_; }
  uint64_t kept_bytes() const;  // of memory, once the pass is over, at most

 private:
  struct Token;
  struct Scratch;

  void watch_window(const tap::LayerView& view, const tap::GateBlock& block,
                    const SequenceRows& rows, size_t slot);
  void add_decision(const Token& token, const Flip& flip, size_t slot, size_t window);
  void add_floor(const Token& token, Scratch& scratch, size_t slot, size_t window);
  uint32_t& count(AuditCount count, size_t slot, size_t window);
  void forecast_flips(const tap::LayerView& view, size_t slot);
  size_t all_positions() const { return windows() * positions(); }
  size_t kinds() const { return margin_kinds(setting_.spec); }

  const Setting setting_;
  const ReferenceRecord& reference_;
  const RouteTable& routes_a_;
  RouteTable& routes_b_;
  const uint64_t held_beside_;
  const std::vector<uint8_t> folds_;
  bool gates_equal_ = false;

  std::array<std::vector<uint32_t>, static_cast<size_t>(AuditCount::kinds)> counts_;
  std::vector<double> depth_sum_;  // (layers, windows), as the counts
  std::array<std::vector<std::optional<MarginDeciles>>, static_cast<size_t>(MarginKind::kinds)>
      deciles_;
  std::vector<LayerForecast> forecasts_;  // (layers)
  std::vector<uint16_t> flipped_layers_;  // (windows, T)

  // Of the current layer.
  std::vector<float> router_, selection_bias_;  // A's gate
  std::optional<GateDistances> distances_;      // with equal gates
  std::vector<float> logits_a_, logits_b_;      // (windows, T, E)
  std::array<std::vector<float>, static_cast<size_t>(MarginKind::kinds)> margins_;  // (windows, T)
  std::vector<uint8_t> defined_, flipped_;                                          // (windows, T)
  std::vector<uint16_t> mass_;                                                      // (windows, T)
  std::vector<double> moved_;  // (windows) sum of |y_B - y_A|^2 over defined decisions
};

}  // namespace rg::experiments
