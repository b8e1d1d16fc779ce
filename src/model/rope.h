// Rotary position embedding as data: which dimensions of a head are rotated, in which pairs, and
// how fast. The frequencies and their scalings: transformers 5.24, modeling_rope_utils.py.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace rg::model {

enum class RopePairing {
  half_split,   // dimensions i and i + n/2 of the n rotated ones
  interleaved,  // dimensions 2i and 2i + 1
};

struct PlainRope {
  bool operator==(const PlainRope&) const = default;
};
struct LinearRope {  // every frequency / factor
  float factor;
  bool operator==(const LinearRope&) const = default;
};
struct Llama3Rope {  // long wavelengths / factor, short ones as they are, a ramp between
  float factor, low_frequency_factor, high_frequency_factor;
  uint32_t original_positions;
  bool operator==(const Llama3Rope&) const = default;
};
struct YarnRope {  // the same between two numbers of rotations within the original positions
  float factor, beta_fast, beta_slow;
  uint32_t original_positions;
  bool truncate;  // the ramp's ends to whole dimensions
  bool operator==(const YarnRope&) const = default;
};
struct LongRope {  // a factor per frequency; another set for sequences over the original positions
  std::vector<float> short_factors, long_factors;
  uint32_t original_positions;
  float long_amplitude;  // instead of Rope::amplitude, for such sequences
  bool operator==(const LongRope&) const = default;
};
// Gemma-4's: the first int(share n/2) pairs turn as fast as those of a head that is rotated whole,
// the others not at all; all frequencies / factor.
struct ProportionalRope {
  double share;  // of the pairs, rounded down
  float factor;
  bool operator==(const ProportionalRope&) const = default;
};
using RopeScaling =
    std::variant<PlainRope, LinearRope, Llama3Rope, YarnRope, LongRope, ProportionalRope>;

struct Rope {
  float base;
  uint32_t dims;  // n: the first n of a head are rotated
  RopePairing pairing;
  RopeScaling scaling;
  float amplitude;  // multiplies cosines and sines
  bool operator==(const Rope&) const = default;
};

// n/2 frequencies per position, for sequences of `length` tokens.
std::vector<float> frequencies(const Rope& rope, uint32_t length);
float amplitude(const Rope& rope, uint32_t length);

}  // namespace rg::model
