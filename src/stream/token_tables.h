// Rows of the embedding and unembedding that a run needs, gathered in one read of each table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stream/tensor_reader.h"
#include "tap/tap.h"

namespace rg::stream {

enum class NextRows { none, gather };

class TokenTables : public tap::Embeddings {
 public:
  // Gathers the embedding rows of all ids and, if asked for, the unembedding rows of all true
  // next tokens; packs the whole unembedding if `unembedding` is given (final logits). TK010 for
  // an id outside the embedding.
  TokenTables(TensorReader& tensors, const model::Model& model,
              std::span<const tap::SequenceSet* const> sets, NextRows next_rows,
              const kernels::WeightProduct* unembedding, kernels::Compute compute);

  const float* row(int32_t id) const override { return embedding_.row(id); }  // of the embedding
  // The rows as they are in the residual stream after a layer that multiplies it.
  void scale_embedding(float factor) { embedding_.scale(factor); }
  const float* unembedding(int32_t id) const { return next_.row(id); }
  const kernels::PackedWeights& packed_unembedding() const { return packed_; }
  const model::NormWeights& final_norm() const { return final_norm_; }

  const Buffer<float>& unembedding_bias() const { return unembedding_bias_; }  // or empty

  static uint64_t distinct_ids(std::span<const tap::SequenceSet* const> sets);

 private:
  // Some rows of a table as fp32, found by token id.
  class Rows {
   public:
    Rows() = default;
    // Rows are multiplied by `multiplier`.
    Rows(std::span<const tap::SequenceSet* const> sets, const model::Model& model,
         float multiplier);
    const float* row(int32_t id) const {
      return values_.data() + size_t{place_[static_cast<size_t>(id)]} * width_;
    }
    void scale(float factor);
    // Copies the rows it needs from `elements` stored values, the first being element `first`.
    void take(DType dtype, const std::byte* bytes, uint64_t first, uint64_t elements);

   private:
    static constexpr uint32_t kAbsent = UINT32_MAX;
    std::vector<uint32_t> place_;  // (vocabulary)
    uint32_t width_ = 0;
    float multiplier_ = 1;
    Buffer<float> values_;  // (distinct ids, d)
  };

  void read_table(TensorReader& tensors, const model::Weight& table, std::span<Rows* const> gather,
                  const kernels::WeightProduct* unembedding, kernels::Compute compute);

  Rows embedding_, next_;
  Buffer<std::byte> packed_memory_;
  kernels::PackedWeights packed_;
  model::NormWeights final_norm_;
  Buffer<float> unembedding_bias_;
};

}  // namespace rg::stream
