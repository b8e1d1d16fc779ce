// Random layers for the tests of certificates.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <vector>

#include "base/random.h"
#include "certificates/question.h"
#include "tensor/dtype.h"

namespace rg::certificates {

struct Layer {
  uint32_t keys, width, experts, top_k;
  std::vector<float> key_weights, router_weights, key_gains, router_gains;
  std::vector<float> value_weights, output_weights;  // empty: the router reads x
  double epsilon = 1e-5;                             // of the norm in front of attention

  Question question() const {
    return {.keys = {.values = key_weights, .rows = keys, .columns = width, .gains = key_gains},
            .router = {.values = router_weights,
                       .rows = experts,
                       .columns = width,
                       .gains = router_gains},
            .top_k = top_k,
            .attention = place()};
  }
  // Heads of two numbers, two for every KV head; gains and inputs as those of the keys.
  std::optional<FirstPosition> place() const {
    if (value_weights.empty()) return std::nullopt;
    const auto values = static_cast<uint32_t>(value_weights.size() / width);
    return FirstPosition{
        .values = {.values = value_weights, .rows = values, .columns = width, .gains = key_gains},
        .output = {.values = output_weights, .rows = width, .columns = 2 * values, .gains = {}},
        .heads = values,
        .kv_heads = values / 2,
        .epsilon = epsilon};
  }
  float& key(uint32_t row, uint32_t column) { return key_weights[row * width + column]; }
  float key(uint32_t row, uint32_t column) const { return key_weights[row * width + column]; }
  float& router(uint32_t row, uint32_t column) { return router_weights[row * width + column]; }
};

inline float normal(uint32_t i, uint32_t j, uint32_t purpose) {
  const auto uniform = [&](uint32_t attempt) {
    return (draw_word(7, Purpose::audit, {i, j, purpose}, attempt) + 0.5) / 4294967296.0;
  };
  return static_cast<float>(std::sqrt(-2 * std::log(uniform(0))) *
                            std::cos(2 * std::numbers::pi * uniform(1)));
}

// Normal weights of size 1/50 and gains around 1, rounded to bf16; seeds give different layers.
inline Layer random_layer(uint32_t keys, uint32_t width, uint32_t experts, uint32_t top_k,
                          uint32_t seed) {
  Layer out{.keys = keys,
            .width = width,
            .experts = experts,
            .top_k = top_k,
            .key_weights = {},
            .router_weights = {},
            .key_gains = {},
            .router_gains = {},
            .value_weights = {},
            .output_weights = {}};
  const auto draw = [&](std::vector<float>& into, uint32_t count, uint32_t part, bool gain) {
    for (uint32_t i = 0; i < count; ++i) {
      const float value = normal(i, part, seed);
      into.push_back(bf16_to_f32(f32_to_bf16(gain ? std::exp(0.3f * value) : value / 50)));
    }
  };
  draw(out.key_weights, keys * width, 0, false);
  draw(out.router_weights, experts * width, 1, false);
  draw(out.key_gains, width, 2, true);
  draw(out.router_gains, width, 3, true);
  return out;
}

// The same with a router that reads h(x) at position 0; attention adds a few times what x has.
inline Layer serial_layer(uint32_t keys, uint32_t width, uint32_t experts, uint32_t top_k,
                          uint32_t seed) {
  Layer out = random_layer(keys, width, experts, top_k, seed);
  for (uint32_t i = 0; i < 4 * width; ++i) {
    out.value_weights.push_back(bf16_to_f32(f32_to_bf16(normal(i, 4, seed) / 3)));
  }
  for (uint32_t i = 0; i < 8 * width; ++i) {
    out.output_weights.push_back(bf16_to_f32(f32_to_bf16(normal(i, 5, seed))));
  }
  return out;
}

}  // namespace rg::certificates
