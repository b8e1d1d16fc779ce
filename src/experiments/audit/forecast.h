// Forecasts of the flips of one layer from A's logits and a law of the change of logits: F2 takes
// the law that isotropic noise of the observed size in the gate's input would give, F3 a fitted
// normal law, F4 the changes themselves. A forecast is fitted on one half of the documents and
// scored on the other. Definitions: docs/artifacts.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gate/gate.h"

namespace rg::experiments {

inline constexpr uint32_t kAuditDraws = 64;  // S

// Both runs' decisions of one layer. Rows are the T positions of every window, in order.
struct LayerDecisions {
  const gate::GateSpec& spec;
  std::span<const float> selection_bias;      // (E) of A, or empty
  std::span<const float> gate_a;              // (E,d) router matrix of A
  uint32_t width;                             // d
  size_t windows;                             // below 2^31
  uint32_t positions;                         // T, below 2^20
  std::span<const float> logits_a, logits_b;  // (windows*T, E)
  std::span<const uint8_t> defined, flipped;  // (windows*T)
  std::span<const uint8_t> fold;              // (windows) 0 or 1
  // By fold: mean |y_B - y_A|^2 / d over its defined decisions.
  std::array<double, 2> input_variance;
  uint64_t seed;
  int layer;  // its index in the model
  int threads;
};

// Per window its defined decisions by the number of draws that flip: {draws, decisions, flips},
// draws ascending, only numbers that occur.
struct DrawCounts {
  std::vector<std::vector<std::array<uint32_t, 3>>> of_window;
};

// Sums over the defined decisions of every window (windows): bounds of the probability of a flip
// under F3's law (forecast_bounds.h), and the probability that e_{k+1} passes e_k.
struct ForecastBounds {
  std::vector<double> lower, upper, pair;
};

struct LayerForecast {
  DrawCounts f2, f3, f4;
  std::optional<ForecastBounds> bounds;  // none with groups or a selection bias
};

// A draw flips a decision if A's gate selects another set from z_A + change. Draw s of position t
// of window w: row draw_below(N) of the N changes of the other fold (flip_bank.h), Philox purpose
// 6, i = t + 2^20 s, j = w, the layer's index; F2, F3 and F4 take the same row of their banks.
// With N = 0 no draw flips. Nothing depends on `threads`.
LayerForecast forecast_layer(const LayerDecisions& decisions);

}  // namespace rg::experiments
