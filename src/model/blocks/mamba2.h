// Mamba-2 (arXiv 2405.21060), token by token: projections, a causal convolution,
// the recurrence per head, the gate, a norm in groups, the output projection.
#pragma once

#include "model/blocks/joined_products.h"
#include "model/blocks/weight_source.h"
#include "model/layer.h"

namespace rg::model {

class Mamba2Products {
 public:
  using Data = Mamba2;
  struct Packed {
    kernels::PackedWeights in, out;
    Buffer<float> taps;                         // (kernel, channels)
    Buffer<float> decay_rate, skip, step_bias;  // (nh): exp(A_log), D, dt_bias
    Buffer<float> gain;                         // (di)
    Buffer<float> in_bias, convolution_bias, out_bias;
  };

  Mamba2Products(const Mamba2& data, const MixerSetting& setting);

  bool serves(const Mamba2& data) const { return data.spec == spec_; }
  size_t packed_bytes() const { return in_.packed_bytes() + out_.packed_bytes(); }
  size_t staging_bytes() const { return std::max(in_.raw_bytes(), out_.raw_bytes()); }
  size_t scratch_bytes() const;
  size_t product_scratch_bytes() const {
    return std::max(in_.product_scratch_bytes(), out_.product_scratch_bytes());
  }
  Packed pack(const Mamba2& data, WeightSource& source, std::byte* memory,
              std::byte* staging) const;
  void run(const Packed& weights, const MixerCall& call) const noexcept;

 private:
  struct Buffers;
  void mix(const Packed& weights, uint32_t rows, const Buffers& buffers) const noexcept;
  void attend(const Packed& weights, uint32_t head, uint32_t rows,
              const Buffers& buffers) const noexcept;
  void gate_and_norm(const Packed& weights, const float* gate, float* out) const noexcept;

  Mamba2Spec spec_;
  kernels::Compute compute_;
  uint32_t width_, longest_, most_rows_;
  uint32_t inner_, channels_, all_;  // di; di + 2 groups state; di + channels + nh
  JoinedProducts in_, out_;
};

// In the order in which pack() reads them.
template <typename F>
void for_each_weight(const Mamba2& data, F&& f) {
  for (const Weight* weight :
       {&data.in, &data.in_bias, &data.convolution, &data.convolution_bias, &data.decay_log,
        &data.skip, &data.step_bias, &data.norm, &data.out, &data.out_bias}) {
    if (*weight) f(*weight);
  }
}

double mixer_flops(const Mamba2& data, uint32_t width, uint32_t length);

}  // namespace rg::model
