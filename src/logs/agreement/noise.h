// Is a difference between two routings numerical? Noise on the logits flips choices whose margin is
// small; a fault flips choices whatever their margin. For decision t of a layer
//
//   P(sets differ) = eps + (1 - eps) q_t(sigma),
//
// q_t: the share of 64 seeded draws of N(0, sigma^2 I) on the reference's logits under which its
// gate chooses another set; eps: the share of flips that no margin explains. eps is common to the
// layers fitted together, sigma is each layer's own.
//
// The draws are the same for every sigma: a draw g changes the set from one sigma on, the smallest
// (z_i - z_j) / (g_j - g_i) over i inside, j outside with g_j > g_i, since the largest of
// z_j + sigma g_j less the smallest of z_i + sigma g_i is convex in sigma and below 0 at 0. So q_t
// at any sigma is a count of these smallest sigmas. With a selection bias or groups they are found
// by bisection, as if each draw changed the set from one sigma on there, too.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "logs/agreement/comparison.h"
#include "logs/agreement/side.h"
#include "stats/bootstrap.h"

namespace rg::logs {

inline constexpr uint32_t kNoiseDraws = 64;  // S
// Decisions of a layer that are fitted: evenly spaced ones, where there are more.
inline constexpr size_t kMostFitted = 4096;
// Largest sigma, in standard deviations of the logits of a row: more isn't numerical, and with any
// sigma every flip could be explained.
inline constexpr double kLargestNoise = 0.25;
// eps up to this is no fault: NUMERICAL if its interval ends at or below, BUG if it begins above.
inline constexpr double kFaultShare = 0.002;

enum class Verdict : uint8_t { numerical, bug, undecided };
std::string_view name(Verdict verdict) noexcept;  // "NUMERICAL"

// How often a layer's fitted decisions, by how many draws change their set, flip or don't.
struct FlipCounts {
  std::array<uint32_t, kNoiseDraws + 1> flipped = {}, kept = {};
  // q where no draw, or every one, changes the set: not 0 and 1, which 64 draws can't show, but the
  // mean q of such decisions, estimated from those with one draw that does, or doesn't.
  double chance_of_none = 0, chance_of_all = 1;
};

// What is needed of one layer: the flip counts at every sigma of a grid from 0 to the largest.
struct LayerNoise {
  int layer = 0;
  double scale = 0;  // standard deviation of a row's logits
  uint64_t decisions = 0, flips = 0;
  uint64_t other_choice = 0;  // decisions left out: the log's set isn't its gate's
  std::vector<double> sigma = {};
  std::vector<FlipCounts> counts = {};  // by sigma
};

// Of one layer with a gate of the reference. `rows`: the reference's rows of the pairs. Decisions
// with logits that aren't finite are left out.
LayerNoise layer_noise(const Side& reference, std::span<const uint32_t> rows,
                       const LayerComparison& comparison, const Pairs& pairs, uint64_t seed,
                       int threads);

// The smallest sigma from which on the draw (E) changes the gate's set, `set` (k) being its choice
// without noise; infinity if that is more than `largest`.
double critical_sigma(const LayerGate& gate, std::span<const float> logits,
                      std::span<const int32_t> set, std::span<const float> draw, double largest);

struct NoiseFit {
  uint64_t decisions = 0, flips = 0;
  double eps = 0;
  // 95 %, by the profile likelihood with decisions taken as independent: all eps whose best
  // log-likelihood is within 1.92 of the largest.
  stats::Interval eps_interval = {0, 1};
  std::vector<double> sigma = {};  // of each layer, at eps
  Verdict verdict = Verdict::undecided;
};
// Of layers together, which have at least one decision.
NoiseFit fit_noise(std::span<const LayerNoise* const> layers);

}  // namespace rg::logs
