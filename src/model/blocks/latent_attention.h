// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1), keys
// and values decompressed from their latent.
#pragma once

#include <optional>

#include "model/blocks/head_attention.h"
#include "model/blocks/joined_products.h"
#include "model/blocks/norm.h"
#include "model/blocks/rotation.h"

namespace rg::model {

class LatentAttentionProducts {
 public:
  using Data = LatentAttention;
  struct Packed {
    kernels::PackedWeights down;  // q_down (or q), kv_down, gate
    Buffer<float> down_bias;      // empty without
    kernels::PackedWeights q;     // unused without a query latent
    kernels::PackedWeights kv, output;
    NormWeights q_norm, kv_norm;
    Buffer<float> output_bias;
  };

  LatentAttentionProducts(const LatentAttention& attention, const MixerSetting& setting);

  bool serves(const LatentAttention& attention) const { return attention.spec == spec_; }
  size_t packed_bytes() const;
  size_t staging_bytes() const;
  size_t scratch_bytes() const;
  size_t product_scratch_bytes() const;
  Packed pack(const LatentAttention& attention, WeightSource& source, std::byte* memory,
              std::byte* staging) const;
  void run(const Packed& weights, const MixerCall& call) const noexcept;

 private:
  struct Buffers;
  struct Keeper;
  template <typename T>
  void run_as(const Packed& weights, const MixerCall& call) const noexcept;
  template <typename T>
  void prepare_row(const Buffers& buffers, const MixerCall& call, uint32_t t) const noexcept;
  void prepare_latent(const Packed& weights, const Buffers& buffers,
                      const MixerCall& call) const noexcept;
  void change_latent(const Buffers& buffers, const MixerCall& call) const noexcept;
  template <typename T>
  void change_keys(const Buffers& buffers, const MixerCall& call) const noexcept;
  void scale_heads(const Buffers& buffers, uint32_t rows) const noexcept;

  LatentAttentionSpec spec_;
  kernels::Compute compute_;
  uint32_t width_, longest_, most_rows_;
  uint32_t key_width_;                     // of one head: plain + rotated
  uint32_t q_width_, kv_width_, o_width_;  // nh key, nh (plain + value), nh value
  uint32_t first_width_;                   // query latent or q
  uint32_t gate_at_, down_width_;          // that + latent + rotated; that + gates
  HeadLayout layout_;
  JoinedProducts down_;
  std::optional<JoinedProducts> q_;  // from the query latent
  JoinedProducts kv_, output_;
  HeadAttention heads_;
  std::optional<Rotation> rotation_;
};

// In the order in which pack() reads them.
template <typename F>
void for_each_weight(const LatentAttention& attention, F&& f) {
  const bool latent = attention.spec.query_latent != 0;
  for (const Weight* weight :
       {latent ? &attention.q_down : &attention.q, &attention.kv_down, &attention.gate,
        &attention.q_down_bias, &attention.kv_down_bias, &attention.q_norm, &attention.kv_norm,
        latent ? &attention.q : &attention.q_down, &attention.kv, &attention.o,
        &attention.o_bias}) {
    if (*weight) f(*weight);
  }
}

double mixer_flops(const LatentAttention& attention, uint32_t width, uint32_t length);

}  // namespace rg::model
