// Gated delta net (arXiv 2412.06464, as Qwen3-Next builds it): projections, a
// causal convolution over queries, keys and values, the recurrence per value head, a gated norm,
// the output projection.
#pragma once

#include "model/blocks/joined_products.h"
#include "model/blocks/norm.h"

namespace rg::model {

class GatedDeltaProducts {
 public:
  using Data = GatedDelta;
  struct Packed {
    kernels::PackedWeights in, out;
    Buffer<float> taps;                    // (kernel, channels)
    Buffer<float> decay_rate, decay_bias;  // (nv): exp(A_log), dt_bias
    NormWeights norm;                      // (dv)
  };

  GatedDeltaProducts(const GatedDelta& data, const MixerSetting& setting);

  bool serves(const GatedDelta& data) const { return data.spec == spec_; }
  size_t packed_bytes() const { return in_.packed_bytes() + out_.packed_bytes(); }
  size_t staging_bytes() const { return std::max(in_.raw_bytes(), out_.raw_bytes()); }
  size_t scratch_bytes() const;
  size_t product_scratch_bytes() const {
    return std::max(in_.product_scratch_bytes(), out_.product_scratch_bytes());
  }
  Packed pack(const GatedDelta& data, WeightSource& source, std::byte* memory,
              std::byte* staging) const;
  void run(const Packed& weights, const MixerCall& call) const noexcept;

 private:
  struct Buffers;
  void mix(const Packed& weights, uint32_t rows, const Buffers& buffers) const noexcept;
  void unpack_row(float* row, float* scratch) const noexcept;
  void unit_keys(uint32_t head, uint32_t rows, const Buffers& buffers) const noexcept;
  void attend(const Packed& weights, uint32_t head, uint32_t rows,
              const Buffers& buffers) const noexcept;

  GatedDeltaSpec spec_;
  kernels::Compute compute_;
  uint32_t longest_, most_rows_;
  uint32_t keys_, values_, channels_;  // nk dk, nv dv, 2 keys + values
  uint32_t all_;                       // columns of the projection: channels, z, b, a
  JoinedProducts in_, out_;
};

// In the order in which pack() reads them.
template <typename F>
void for_each_weight(const GatedDelta& data, F&& f) {
  for (const Weight* weight : {&data.qkv, &data.z, &data.b, &data.a, &data.convolution,
                               &data.decay_log, &data.decay_bias, &data.norm, &data.out}) {
    if (*weight) f(*weight);
  }
}

double mixer_flops(const GatedDelta& data, uint32_t width, uint32_t length);

}  // namespace rg::model
