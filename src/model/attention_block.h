// The attention block of one layer for one sequence: norm, q/k/v, full-width q/k norm, clip,
// RoPE, causal or full softmax attention, output projection. OLMoE-like families.
#pragma once

#include "kernels/product.h"
#include "kernels/rope.h"
#include "model/model.h"
#include "tensor/buffer.h"

namespace rg::model {

// One layer's attention and router weights, packed for the products of AttentionShape.
struct AttentionWeights {
  kernels::PackedWeights qkv, output;  // q, k and v stacked: ((nh + 2 nkv) hd, d); (d, nh hd)
  kernels::PackedWeights router, router_gained;  // W_g and W_g diag(gamma), fp32 always
  Buffer<float> attention_gain, q_gain,
      k_gain;                  // (d), (nh hd), (nkv hd); the last two empty without qk_norm
  Buffer<float> mlp_gain;      // gamma (d)
  Buffer<float> router_plain;  // W_g (E,d) as views show it
  // Separate from the slot of the large matrices: experiments ask for router products until the
  // layer ends, when that slot already holds other slices.
  Buffer<std::byte> router_memory;
};

// Products for sequences of `rows` tokens (a window's length, or a prompt's padded length).
class AttentionShape {
 public:
  AttentionShape(const Model& model, uint32_t rows, kernels::Compute compute);
  // For another number of rows, with the weights that `like` packs.
  AttentionShape(const Model& model, uint32_t rows, kernels::Compute compute,
                 const AttentionShape& like);

  uint32_t rows() const { return rows_; }
  const kernels::WeightProduct& qkv() const { return qkv_; }
  const kernels::WeightProduct& output() const { return output_; }
  const kernels::WeightProduct& router() const { return router_; }
  const kernels::HeadProduct& scores() const { return scores_; }
  const kernels::HeadProduct& values() const { return values_; }

 private:
  AttentionShape(const Model& model, uint32_t rows, kernels::Compute compute,
                 kernels::WeightProduct qkv, kernels::WeightProduct output,
                 kernels::WeightProduct router);

  uint32_t rows_;
  kernels::WeightProduct qkv_, output_, router_;
  kernels::HeadProduct scores_, values_;
};

// One worker's buffers, for sequences of up to `rows` tokens.
class AttentionScratch {
 public:
  AttentionScratch(const Model& model, uint32_t rows, kernels::Compute compute);
  static size_t bytes(const Model& model, uint32_t rows, kernels::Compute compute);

 private:
  friend class Attention;
  Buffer<std::byte> normed_;   // (rows,d) compute type
  Buffer<float> qkv_;          // (rows, (nh + 2 nkv) hd)
  Buffer<std::byte> rotated_;  // the same, compute type
  Buffer<float> scores_;       // (nh/nkv, rows, rows)
  Buffer<std::byte> shares_;   // the same, compute type
  Buffer<float> context_;      // (rows, nh hd)
  Buffer<std::byte> narrow_;   // the same, compute type
};

enum class Mask { causal, none };

class Attention {
 public:
  Attention(const Model& model, const AttentionWeights& weights, const kernels::RopeTable& rope,
            kernels::Compute compute)
      : model_(model), weights_(weights), rope_(rope), compute_(compute) {}

  // residual (length,d) -> out (shape.rows(),d): what the block adds to the residual; rows past
  // `length` are meaningless. length <= shape.rows().
  void run(const AttentionShape& shape, uint32_t length, Mask mask, const float* residual,
           float* out, AttentionScratch& scratch, kernels::Scratch& products) const noexcept;

 private:
  template <typename T>
  void run_as(const AttentionShape& shape, uint32_t length, Mask mask, const float* residual,
              float* out, AttentionScratch& scratch, kernels::Scratch& products) const noexcept;

  const Model& model_;
  const AttentionWeights& weights_;
  const kernels::RopeTable& rope_;
  kernels::Compute compute_;
};

}  // namespace rg::model
