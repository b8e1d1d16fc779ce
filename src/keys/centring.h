// Subtracting a mean from keys before the code: two different operations bear that name, and
// neither always helps (DC of the theorem catalogue).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "keys/key_set.h"
#include "keys/one_bit.h"
#include "keys/rotary_planes.h"

namespace rg::keys {

enum class Centring {
  raw,
  key_dc,        // from every key the mean of its own coordinates: one more stored number per key
  dataset_mean,  // from every key one vector of R^d, free for softmax (DC-1) where RoPE lets it be
};
// `mean`, that of the fitting half, is used for dataset_mean alone.
KeySet centred(const KeySet& keys, Centring centring, const linear::Column& mean);

// DC-5, on keys in any two gauges: errors of the code with a scale per key, per key.
struct CentringEffect {
  double eta;  // 1 - centred energy / raw energy: the share that centring removed
  double raw_error, centred_error;  // mean squared error of a key
  double needed_beta;               // (beta_raw - eta) / (1 - eta): the centred beta must exceed it
  bool helps;                       // the centred error is the lower one
};
// None without keys, or if centring leaves no energy.
std::optional<CentringEffect> centring_effect(const CodeSums& raw, const CodeSums& centred);

// DC-2. The share of |mean|^2 that RoPE turns: 0 where the mean may be dropped after RoPE for free.
double turning_share(const linear::Column& mean, const RotaryPlanes& planes);
// Where it turns, a score q' T_t k loses q' T_t mean, T_t RoPE over the distance t: the correction,
// one dot product for every query and key position. Over queries (m, d) as before RoPE and
// distances t = 0 .. positions - 1, without the scale 1 / sqrt(d).
struct ScoreCorrection {
  double rms;     // root mean square
  double spread;  // root mean square of what isn't constant in t: the error of leaving it out
};
ScoreCorrection score_correction(std::span<const float> queries, const linear::Column& mean,
                                 const RotaryPlanes& planes, uint32_t positions);

}  // namespace rg::keys
