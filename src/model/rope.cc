#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rg::model {
namespace {

// base^(2i/n), exponents divided and powers rounded in fp32 as the reference does.
std::vector<float> periods(const Rope& rope) {
  std::vector<float> powers(rope.dims / 2);
  for (uint32_t i = 0; i < powers.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rope.dims);
    powers[i] = static_cast<float>(std::pow(double{rope.base}, double{exponent}));
  }
  return powers;
}

std::vector<float> inverted(std::vector<float> values) {
  for (float& value : values) value = 1.0f / value;
  return values;
}

struct Scaled {
  const Rope& rope;
  uint32_t length;

  std::vector<float> operator()(const PlainRope&) const { return inverted(periods(rope)); }

  std::vector<float> operator()(const LinearRope& linear) const {
    std::vector<float> out = inverted(periods(rope));
    for (float& frequency : out) frequency /= linear.factor;
    return out;
  }

  std::vector<float> operator()(const Llama3Rope& llama) const {
    std::vector<float> out = inverted(periods(rope));
    const auto original = static_cast<float>(llama.original_positions);
    const float longest = original / llama.low_frequency_factor;
    const float shortest = original / llama.high_frequency_factor;
    for (float& frequency : out) {
      const float wavelength = 2 * std::numbers::pi_v<float> / frequency;
      if (wavelength < shortest) continue;
      if (wavelength > longest) {
        frequency /= llama.factor;
        continue;
      }
      const float smooth = (original / wavelength - llama.low_frequency_factor) /
                           (llama.high_frequency_factor - llama.low_frequency_factor);
      frequency = (1 - smooth) * frequency / llama.factor + smooth * frequency;
    }
    return out;
  }

  // The dimension whose pair makes `rotations` turns within the original positions.
  double dimension_of(double rotations, uint32_t original) const {
    return rope.dims * std::log(original / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(double{rope.base}));
  }

  std::vector<float> operator()(const YarnRope& yarn) const {
    double low = dimension_of(yarn.beta_fast, yarn.original_positions);
    double high = dimension_of(yarn.beta_slow, yarn.original_positions);
    if (yarn.truncate) {
      low = std::floor(low);
      high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, double{1} * rope.dims - 1);
    if (low == high) high += 0.001;
    std::vector<float> out = periods(rope);
    for (uint32_t i = 0; i < out.size(); ++i) {
      const float position =
          (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
      const float kept = 1 - std::clamp(position, 0.0f, 1.0f);
      out[i] = 1.0f / (yarn.factor * out[i]) * (1 - kept) + 1.0f / out[i] * kept;
    }
    return out;
  }

  std::vector<float> operator()(const ProportionalRope& scaled) const {
    std::vector<float> out = inverted(periods(rope));
    const auto turning = static_cast<size_t>(scaled.share * rope.dims / 2);
    for (size_t i = 0; i < out.size(); ++i) out[i] = i < turning ? out[i] / scaled.factor : 0.0f;
    return out;
  }

  std::vector<float> operator()(const LongRope& scaled) const {
    std::vector<float> out = periods(rope);
    const auto& factors =
        length > scaled.original_positions ? scaled.long_factors : scaled.short_factors;
    for (uint32_t i = 0; i < out.size(); ++i) out[i] = 1.0f / (factors[i] * out[i]);
    return out;
  }
};

}  // namespace

std::vector<float> frequencies(const Rope& rope, uint32_t length) {
  return std::visit(Scaled{rope, length}, rope.scaling);
}

float amplitude(const Rope& rope, uint32_t length) {
  const auto* scaled = std::get_if<LongRope>(&rope.scaling);
  return scaled != nullptr && length > scaled->original_positions ? scaled->long_amplitude
                                                                  : rope.amplitude;
}

}  // namespace rg::model
