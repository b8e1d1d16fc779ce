// Softmax attention, from the normed residual to what it adds: projections, norm of q and k, clip,
// RoPE, causal or full attention, output projection.
#pragma once

#include <optional>
#include <vector>

#include "model/blocks/head_attention.h"
#include "model/blocks/joined_products.h"
#include "model/blocks/norm.h"
#include "model/blocks/rotation.h"

namespace rg::model {

class AttentionProducts {
 public:
  using Data = Attention;
  struct Packed {
    kernels::PackedWeights qkv, output;   // all projections stacked; (d, nh value width)
    Buffer<float> qkv_bias, output_bias;  // empty without
    NormWeights q_norm, k_norm;           // empty without qk_norm
    Buffer<float> sinks;
  };

  AttentionProducts(const Attention& attention, const MixerSetting& setting);

  bool serves(const Attention& attention) const;
  size_t packed_bytes() const { return qkv_.packed_bytes() + output_.packed_bytes(); }
  size_t staging_bytes() const { return std::max(qkv_.raw_bytes(), output_.raw_bytes()); }
  size_t scratch_bytes() const;
  size_t product_scratch_bytes() const;
  Packed pack(const Attention& attention, WeightSource& source, std::byte* memory,
              std::byte* staging) const;
  void run(const Packed& weights, const MixerCall& call) const noexcept;

 private:
  struct Buffers;
  struct Keeper;
  template <typename T>
  void run_as(const Packed& weights, const MixerCall& call) const noexcept;
  template <typename Query, typename Key>
  void each_head(float* row, Query&& query, Key&& key) const noexcept;
  void norm_row(const Packed& weights, const MixerCall& call, uint32_t t,
                float* row) const noexcept;
  void rotate_row(const Packed& weights, const MixerCall& call, uint32_t t,
                  float* row) const noexcept;
  void norm_heads(const Packed& weights, float* row) const noexcept;
  template <typename T>
  void prepare(const Packed& weights, const MixerCall& call, float* qkv,
               T* narrowed) const noexcept;
  void change_keys(const MixerCall& call, float* qkv) const noexcept;
  void prepare_values(float* values) const noexcept;
  void gate_context(uint32_t rows, float* projected, float* context) const noexcept;

  AttentionSpec spec_;
  kernels::Compute compute_;
  uint32_t width_, longest_, most_rows_;
  HeadLayout layout_;
  // Columns of queries (and the gates between them), keys, values; of the context; of all.
  uint32_t q_width_, k_width_, v_width_, context_width_, all_width_;
  JoinedProducts qkv_, output_;
  HeadAttention heads_;
  std::optional<Rotation> rotation_;
  std::vector<float> ones_;  // the gain of a norm without one
};

// f(weight) for each of its weights, in the order in which pack() reads them.
template <typename F>
void for_each_weight(const Attention& attention, F&& f) {
  for (const Weight* weight :
       {&attention.q, &attention.k, &attention.v, &attention.gate, &attention.q_bias,
        &attention.k_bias, &attention.v_bias, &attention.q_norm, &attention.k_norm,
        &attention.sinks, &attention.o, &attention.o_bias}) {
    if (*weight) f(*weight);
  }
}

// Floating-point operations of one sequence.
double mixer_flops(const Attention& attention, uint32_t width, uint32_t length);

}  // namespace rg::model
