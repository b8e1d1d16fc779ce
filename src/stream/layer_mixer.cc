// A layer's mixer over one block: calls of it, what they add to the residual stream, what the
// pass's intervention changes of their keys and values, and what observers are shown of those.
#include <algorithm>
#include <cstring>

#include "kernels/elementwise.h"
#include "stream/layer_state.h"

namespace rg::stream {

// What the mixer adds to the rows of the block, and the residual with it.
void LayerPass::mix_block(const BlockRange& block, Worker& worker, float* residual) {
  const size_t values = size_t{block.rows} * model_.width;
  if (needs_.residual_in) std::copy_n(residual, values, worker.residual_in.data());
  if (model_.layer(layer_->slice->layer).has_mixer()) {
    run_mixer(block, worker, residual);
  } else {
    std::fill_n(worker.attention_out.data(), values, 0.0f);
  }
  if (sums_lone_mixers(model_, needs_)) join_lone_mixers(block, worker, residual);
}

// Of mixers that no feed-forward part follows in their own layer, the next one's gate is shown the
// sum.
void LayerPass::join_lone_mixers(const BlockRange& block, Worker& worker, const float* residual) {
  const size_t values = size_t{block.rows} * model_.width;
  float* const added = worker.attention_out.data();
  if (after_lone_mixer_) {
    kernels::add(
        floats(lone_mixers_.load(block.first_row, block.rows, bytes_of(worker.lone_mixers.data()))),
        values, added);
    if (needs_.residual_in) {
      std::copy_n(residual, values, worker.residual_in.data());
      kernels::add_scaled(-1, added, values, worker.residual_in.data());
    }
  }
  if (layer_->groups.empty()) lone_mixers_.store(block.first_row, block.rows, bytes_of(added));
}

// A normed row in the compute type. `row` may be worker.update_row.
void LayerPass::norm_row(const model::NormWeights& norm, const float* row, Worker& worker,
                         std::byte* out) const {
  if (settings_.compute == Compute::bf16) {
    norm.apply(row, worker.update_row.data());
    kernels::round_to_bf16(worker.update_row.data(), model_.width, reinterpret_cast<bf16_t*>(out));
  } else {
    norm.apply(row, floats(out));
  }
}

// The calls' inputs in the compute type, padded; `kept`, unless null, gets them in fp32.
void LayerPass::norm_call(const BlockRange& call, const model::CallShape& shape, Worker& worker,
                          const float* residual, float* kept) const {
  const size_t width = model_.width, row_bytes = width * compute_bytes(settings_.compute);
  const uint32_t length = call.rows / call.sequences;
  if (call.rows != shape.joined) std::memset(worker.normed.data(), 0, shape.joined * row_bytes);
  for (uint32_t s = 0; s < call.sequences; ++s) {
    std::byte* normed = worker.normed.data() + size_t{s} * shape.rows * row_bytes;
    for (uint32_t t = 0; t < length; ++t, residual += width, normed += row_bytes) {
      norm_row(layer_->slice->mixer_norm, residual, worker, normed);
      if (kept == nullptr) continue;
      const bool narrow = settings_.compute == Compute::bf16;
      std::copy_n(narrow ? worker.update_row.data() : floats(normed), width, kept);
      kept += width;
    }
  }
}

// One call: sequences of one length, as many as its shape takes. residual (rows,d) -> added
// (rows,d).
void LayerPass::call_mixer(const BlockRange& call, Worker& worker, const float* residual,
                           float* added) {
  const tap::SequenceSet& set = *sets_[sequences_[call.first_sequence].set];
  const uint32_t length = call.rows / call.sequences;
  const model::CallShape& shape = lengths_.shape(length);
  const bool padded = call.rows != shape.joined;
  const bool tapped = key_tap_.wants(&set);
  norm_call(call, shape, worker, residual, tapped ? key_tap_.input(worker.index) : nullptr);
  float* out = padded ? worker.padded_out.data() : added;
  std::optional<model::KeyChangeCall> changes;
  if (const LayerKeyChange* how = layer_->key_change) {
    changes = {.change = how->change,
               .step = how->step,
               .layer = layer_->slice->layer,
               .worker = worker.index,
               .first_row = call.first_row,
               .scratch = reinterpret_cast<float*>(worker.key_change.data())};
  }
  layer_->products.mixer->run(layer_->slice->mixer,
                              {.shape = shape,
                               .sequences = call.sequences,
                               .length = length,
                               .mask = set.causal ? model::Mask::causal : model::Mask::none,
                               .in = worker.normed.data(),
                               .out = out,
                               .scratch = worker.mixer.data(),
                               .products = &worker.products,
                               .keys = tapped ? key_tap_.rows(worker.index) : nullptr,
                               .changes = changes ? &*changes : nullptr});
  const size_t used = size_t{length} * model_.width;
  for (uint32_t s = 0; padded && s < call.sequences; ++s) {
    std::copy_n(out + size_t{s} * shape.rows * model_.width, used, added + s * used);
  }
  if (tapped) key_tap_.show(view(call, worker.index), residual);
}

void LayerPass::run_mixer(const BlockRange& block, Worker& worker, float* residual) {
  const size_t width = model_.width, values = size_t{block.rows} * width;
  const MixerSlice& slice = *layer_->slice;
  for (uint32_t done = 0; done < block.sequences;) {
    const Sequence& first = sequences_[block.first_sequence + done];
    const uint32_t count = std::min(lengths_.shape(first.length).sequences, block.sequences - done);
    const size_t at = size_t{first.first_row - block.first_row} * width;
    call_mixer({.first_sequence = block.first_sequence + done,
                .sequences = count,
                .first_row = first.first_row,
                .rows = count * first.length},
               worker, residual + at, worker.attention_out.data() + at);
    done += count;
  }
  if (slice.mixer_output_norm) {
    norm_rows(*slice.mixer_output_norm, worker.attention_out.data(), block.rows,
              worker.attention_out.data());
  }
  const float multiplier = model_.layer(slice.layer).residual_multiplier;
  if (multiplier != 1) {
    kernels::set_scaled(multiplier, worker.attention_out.data(), values,
                        worker.attention_out.data());
  }
  kernels::add(worker.attention_out.data(), values, residual);
  residual_.store(block.first_row, block.rows, bytes_of(residual));
  if (!needs_.parts) return;
  float* sum = floats(
      attention_sum_.load(block.first_row, block.rows, bytes_of(worker.attention_sum.data())));
  kernels::add(worker.attention_out.data(), values, sum);
  attention_sum_.store(block.first_row, block.rows, bytes_of(sum));
}

}  // namespace rg::stream
