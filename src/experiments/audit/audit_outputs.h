// What a changed copy's predictions differ by, per window: losses of the four passes (weights of A
// or B, routes of A or B), KL(p_B || p_A), and both by the number of layers at which a token flips.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "experiments/audit/token_outputs.h"

namespace rg::experiments {

// The passes of one domain. "ab": A's weights with B's routes; "ba": B's weights with A's routes.
// `b` was compared with A.
struct AuditOutputs {
  const TokenOutputs &a, &b, &ab, &ba;
};

// Tokens by the number of measured layers at which they flip: 0, 1, 2, 3-4, 5-8, 9-16, 17 and more.
inline constexpr std::array<uint32_t, 7> kFlippedLayersFrom = {0, 1, 2, 3, 5, 9, 17};
inline constexpr size_t kFlippedLayerBins = kFlippedLayersFrom.size();

// Means over the positions of every window, in nats, and sums by bin: (windows) each.
struct WindowOutputs {
  std::vector<double> loss_a, loss_b, loss_ab, loss_ba, kl;
  std::vector<uint32_t> top1_equal;
  std::array<std::vector<uint32_t>, kFlippedLayerBins> tokens;
  std::array<std::vector<double>, kFlippedLayerBins> kl_sum, loss_delta_sum;
};

// `flipped_layers`: (windows, T) of the audit's record.
WindowOutputs window_outputs(const AuditOutputs& outputs, std::span<const uint16_t> flipped_layers);

}  // namespace rg::experiments
