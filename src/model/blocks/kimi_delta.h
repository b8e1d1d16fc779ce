// Kimi delta attention (arXiv 2510.26692), token by token.
#pragma once

#include <optional>

#include "model/blocks/joined_products.h"
#include "model/blocks/norm.h"

namespace rg::model {

class KimiDeltaProducts {
 public:
  using Data = KimiDelta;
  struct Packed {
    kernels::PackedWeights in;           // q, k, v, b, and the first matrices of decay and gate
    kernels::PackedWeights decay, gate;  // the second ones; unused without a latent
    kernels::PackedWeights out;
    Buffer<float> taps;                    // (kernel, 3 nh hd)
    Buffer<float> decay_rate, decay_bias;  // (nh): exp(A_log); (nh hd)
    NormWeights norm;
  };

  KimiDeltaProducts(const KimiDelta& data, const MixerSetting& setting);

  bool serves(const KimiDelta& data) const { return data.spec == spec_; }
  size_t packed_bytes() const;
  size_t staging_bytes() const;
  size_t scratch_bytes() const;
  size_t product_scratch_bytes() const;
  Packed pack(const KimiDelta& data, WeightSource& source, std::byte* memory,
              std::byte* staging) const;
  void run(const Packed& weights, const MixerCall& call) const noexcept;

 private:
  struct Buffers;
  template <typename T>
  void run_as(const Packed& weights, const MixerCall& call) const noexcept;
  void mix(const Packed& weights, uint32_t rows, const Buffers& buffers) const noexcept;
  void decays(const Packed& weights, uint32_t head, uint32_t rows, const float* projected,
              size_t stride, float* factor) const noexcept;
  void attend(const Packed& weights, uint32_t head, uint32_t rows,
              const Buffers& buffers) const noexcept;

  KimiDeltaSpec spec_;
  kernels::Compute compute_;
  uint32_t longest_, most_rows_;
  uint32_t inner_;                     // nh hd
  uint32_t decay_at_, gate_at_, all_;  // columns of the first product
  JoinedProducts in_;
  std::optional<JoinedProducts> decay_, gate_;
  JoinedProducts out_;
};

// In the order in which pack() reads them.
template <typename F>
void for_each_weight(const KimiDelta& data, F&& f) {
  const bool decay_latent = static_cast<bool>(data.decay_down);
  const bool gate_latent = static_cast<bool>(data.gate_down);
  for (const Weight* weight :
       {&data.q, &data.k, &data.v, &data.b, decay_latent ? &data.decay_down : &data.decay,
        gate_latent ? &data.gate_down : &data.gate, decay_latent ? &data.decay : &data.decay_down,
        gate_latent ? &data.gate : &data.gate_down, &data.q_convolution, &data.k_convolution,
        &data.v_convolution, &data.decay_log, &data.decay_bias, &data.norm, &data.out}) {
    if (*weight) f(*weight);
  }
}

double mixer_flops(const KimiDelta& data, uint32_t width, uint32_t length);

}  // namespace rg::model
