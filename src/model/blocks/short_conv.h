// LFM2's token mixer: a gated causal convolution over a few tokens, channel by channel.
#pragma once

#include "model/blocks/joined_products.h"
#include "model/blocks/weight_source.h"
#include "model/layer.h"

namespace rg::model {

class ShortConvProducts {
 public:
  using Data = ShortConv;
  struct Packed {
    kernels::PackedWeights in, out;
    Buffer<float> taps;  // (kernel, d); the last one multiplies the token itself
    Buffer<float> in_bias, convolution_bias, out_bias;
  };

  ShortConvProducts(const ShortConv& data, const MixerSetting& setting);

  bool serves(const ShortConv& data) const { return data.spec == spec_; }
  size_t packed_bytes() const { return in_.packed_bytes() + out_.packed_bytes(); }
  size_t staging_bytes() const { return std::max(in_.raw_bytes(), out_.raw_bytes()); }
  size_t scratch_bytes() const;
  size_t product_scratch_bytes() const {
    return std::max(in_.product_scratch_bytes(), out_.product_scratch_bytes());
  }
  Packed pack(const ShortConv& data, WeightSource& source, std::byte* memory,
              std::byte* staging) const;
  void run(const Packed& weights, const MixerCall& call) const noexcept;

 private:
  struct Buffers;
  ShortConvSpec spec_;
  kernels::Compute compute_;
  uint32_t width_, most_rows_;
  JoinedProducts in_, out_;
};

// In the order in which pack() reads them.
template <typename F>
void for_each_weight(const ShortConv& data, F&& f) {
  for (const Weight* weight : {&data.in, &data.in_bias, &data.convolution, &data.convolution_bias,
                               &data.out, &data.out_bias}) {
    if (*weight) f(*weight);
  }
}

double mixer_flops(const ShortConv& data, uint32_t width, uint32_t length);

}  // namespace rg::model
