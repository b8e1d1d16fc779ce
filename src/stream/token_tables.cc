#include "stream/token_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "kernels/elementwise.h"

namespace rg::stream {

TokenTables::Rows::Rows(std::span<const tap::SequenceSet* const> sets, const model::Model& model,
                        float multiplier)
    : place_(model.vocabulary, kAbsent), width_(model.width), multiplier_(multiplier) {
  const uint32_t vocabulary = model.vocabulary;
  uint32_t distinct = 0;
  for (const tap::SequenceSet* set : sets) {
    for (const int32_t id : set->ids) {
      if (id < 0 || static_cast<uint32_t>(id) >= vocabulary) {
        throw Error(ErrorId::TK010,
                    {.file = set->name,
                     .found = fmt::format("token id {}", id),
                     .expected = fmt::format("ids below the {} rows of the embedding", vocabulary),
                     .hint = "The tokenizer or the ids belong to another checkpoint."});
      }
      uint32_t& place = place_[static_cast<size_t>(id)];
      if (place == kAbsent) place = distinct++;
    }
  }
  values_ = Buffer<float>(size_t{distinct} * width_);
}

void TokenTables::Rows::take(DType dtype, const std::byte* bytes, uint64_t first,
                             uint64_t elements) {
  const uint64_t end = first + elements;
  for (uint64_t row = first / width_; row * width_ < end; ++row) {
    if (place_[row] == kAbsent) continue;
    const uint64_t from = std::max(first, row * width_);
    const uint64_t to = std::min(end, (row + 1) * width_);
    float* target = values_.data() + uint64_t{place_[row]} * width_ + (from - row * width_);
    convert_to_f32(dtype, bytes + (from - first) * dtype_bytes(dtype), to - from, target);
    if (multiplier_ != 1) kernels::set_scaled(multiplier_, target, to - from, target);
  }
}

void TokenTables::Rows::scale(float factor) {
  if (factor != 1) kernels::set_scaled(factor, values_.data(), values_.size(), values_.data());
}

TokenTables::TokenTables(TensorReader& tensors, const model::Model& model,
                         std::span<const tap::SequenceSet* const> sets, NextRows next_rows,
                         const kernels::WeightProduct* unembedding, kernels::Compute compute)
    : embedding_(sets, model, model.embedding_multiplier) {
  const bool gather_next = next_rows == NextRows::gather;
  if (gather_next) next_ = Rows(sets, model, 1 / model.logit_divisor);
  std::vector<Rows*> from_embedding = {&embedding_};
  if (model.tied_embeddings && gather_next) from_embedding.push_back(&next_);
  read_table(tensors, model.embedding, from_embedding,
             model.tied_embeddings ? unembedding : nullptr, compute);
  if (!model.tied_embeddings && (gather_next || unembedding != nullptr)) {
    std::vector<Rows*> from_unembedding;
    if (gather_next) from_unembedding.push_back(&next_);
    read_table(tensors, model.unembedding, from_unembedding, unembedding, compute);
  }
  if (unembedding == nullptr) return;
  final_norm_ = model::NormWeights(model.final_norm, tensors);
  unembedding_bias_ = model::read_values(tensors, model.unembedding_bias);
}

void TokenTables::read_table(TensorReader& tensors, const model::Weight& table,
                             std::span<Rows* const> gather,
                             const kernels::WeightProduct* unembedding, kernels::Compute compute) {
  const size_t narrow = kernels::compute_bytes(compute);
  Buffer<std::byte> raw(unembedding == nullptr ? 0 : table.elements() * narrow);
  Buffer<float> wide(unembedding == nullptr ? 0 : kMaxChunkElements);
  tensors.read(*table.values, 0, table.elements(),
               [&](const std::byte* bytes, uint64_t first, uint64_t elements) {
                 for (Rows* rows : gather) rows->take(table.values->dtype, bytes, first, elements);
                 if (unembedding == nullptr) return;
                 convert(table.values->dtype, bytes, elements, compute, raw.data() + first * narrow,
                         wide.data());
               });
  if (unembedding == nullptr) return;
  packed_memory_ = Buffer<std::byte>(unembedding->packed_bytes());
  packed_ = unembedding->pack(raw.data(), packed_memory_.data());
}

uint64_t TokenTables::distinct_ids(std::span<const tap::SequenceSet* const> sets) {
  std::unordered_set<int32_t> distinct;
  for (const tap::SequenceSet* set : sets) distinct.insert(set->ids.begin(), set->ids.end());
  return distinct.size();
}

}  // namespace rg::stream
