// Of a layer without a mixer: nothing to read, and what it adds is 0.
#pragma once

#include <algorithm>

#include "model/blocks/mixer_call.h"
#include "model/blocks/weight_source.h"
#include "model/layer.h"

namespace rg::model {

class NoMixerProducts {
 public:
  using Data = NoMixer;
  struct Packed {};

  explicit NoMixerProducts(uint32_t width) : width_(width) {}

  bool serves(const NoMixer&) const { return true; }
  size_t packed_bytes() const { return 0; }
  size_t staging_bytes() const { return 0; }
  size_t scratch_bytes() const { return 0; }
  size_t product_scratch_bytes() const { return 0; }
  Packed pack(const NoMixer&, WeightSource&, std::byte*, std::byte*) const { return {}; }
  void run(const Packed&, const MixerCall& call) const noexcept {
    std::fill_n(call.out, size_t{call.rows()} * width_, 0.0f);
  }

 private:
  uint32_t width_;
};

template <typename F>
void for_each_weight(const NoMixer&, F&&) {}

inline double mixer_flops(const NoMixer&, uint32_t, uint32_t) { return 0; }

}  // namespace rg::model
