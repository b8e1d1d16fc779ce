#include "experiments/kv_contexts.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "experiments/key_sample.h"

namespace rg::experiments {
namespace {

// Rows (rows, heads * width) of a block to (heads, all, width) from row `to` on.
void copy_by_head(const float* from, size_t rows, size_t heads, size_t width, float* out,
                  size_t all, size_t to) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t h = 0; h < heads; ++h) {
      std::copy_n(from + (row * heads + h) * width, width, out + (h * all + to + row) * width);
    }
  }
}

bool all_within(std::span<const float> values, float largest) {
  return std::all_of(values.begin(), values.end(),
                     [&](float value) { return std::abs(value) <= largest; });
}

}  // namespace

KvContextRecord::KvContextRecord(const tap::SequenceSet& set, std::span<const uint32_t> windows,
                                 uint64_t seed, uint32_t per_window, KeySampleRecord::Step stored)
    : set_(&set), stored_(stored) {
  size_t at = 0, row_in_set = 0;
  for (uint32_t w = 0; w < set.sequences() && at < windows.size(); ++w) {
    const uint32_t length = set.lengths[w];
    if (windows[at] == w) {
      Context context{.window = w,
                      .positions = sampled_key_positions(seed, 0, w, length, per_window),
                      .first_row = rows_,
                      .rows = 0,
                      .first_query = queries_,
                      .row_in_set = row_in_set};
      if (!context.positions.empty()) context.rows = context.positions.back() + 1;
      rows_ += context.rows;
      queries_ += context.positions.size();
      contexts_.push_back(std::move(context));
      ++at;
    }
    row_in_set += length;
  }
  check_internal(at == windows.size(), "windows of the set, ascending");
}

uint64_t KvContextRecord::index_bytes() const {
  return contexts_.size() * sizeof(Context) + queries_ * sizeof(uint32_t);
}

void KvContextRecord::begin(const tap::KeyView& view) {
  heads_ = view.heads;
  kv_heads_ = view.kv_heads;
  key_width_ = view.key_width;
  value_width_ = view.value_width;
  release();
  keys_ = Buffer<float>(kv_heads_ * rows_ * key_width_);
  if (earlier()) stored_keys_ = Buffer<float>(kv_heads_ * rows_ * key_width_);
  values_ = Buffer<float>(kv_heads_ * rows_ * value_width_);
  samples_ = Buffer<float>(queries_ * heads_ * key_width_);
}

void KvContextRecord::add(const tap::KeyBlock& block) {
  if (block.set != set_) return;
  const size_t end = block.first_sequence + block.sequences;
  for (const Context& context : contexts_) {
    if (context.window < block.first_sequence || context.window >= end) continue;
    const size_t first = context.row_in_set - block.first_row;
    copy_by_head(block.keys.scored + first * kv_heads_ * key_width_, context.rows, kv_heads_,
                 key_width_, keys_.data(), rows_, context.first_row);
    if (earlier()) {
      copy_by_head(block.keys.*stored_ + first * kv_heads_ * key_width_, context.rows, kv_heads_,
                   key_width_, stored_keys_.data(), rows_, context.first_row);
    }
    copy_by_head(block.values + first * kv_heads_ * value_width_, context.rows, kv_heads_,
                 value_width_, values_.data(), rows_, context.first_row);
    const size_t wide = size_t{heads_} * key_width_;
    for (size_t q = 0; q < context.positions.size(); ++q) {
      std::copy_n(block.queries.scored + (first + context.positions[q]) * wide, wide,
                  samples_.data() + (context.first_query + q) * wide);
    }
  }
}

void KvContextRecord::release() {
  keys_ = {};
  stored_keys_ = {};
  values_ = {};
  samples_ = {};
}

bool KvContextRecord::finite(float largest) const {
  return all_within(keys_.span(), largest) && all_within(stored_keys_.span(), largest) &&
         all_within(values_.span(), largest) && all_within(samples_.span(), largest);
}

keys::HeadRows KvContextRecord::rows_of(const Context& context, uint32_t kv_head) const {
  const size_t first = kv_head * rows_ + context.first_row;
  return {.keys = keys_.span().subspan(first * key_width_, context.rows * key_width_),
          .values = values_.span().subspan(first * value_width_, context.rows * value_width_),
          .key_width = key_width_,
          .value_width = value_width_};
}

std::span<const float> KvContextRecord::stored_keys(const Context& context,
                                                    uint32_t kv_head) const {
  const Buffer<float>& all = earlier() ? stored_keys_ : keys_;
  const size_t first = kv_head * rows_ + context.first_row;
  return all.span().subspan(first * key_width_, context.rows * key_width_);
}

std::span<const float> KvContextRecord::query(const Context& context, size_t at,
                                              uint32_t head) const {
  return samples_.span().subspan(((context.first_query + at) * heads_ + head) * key_width_,
                                 key_width_);
}

}  // namespace rg::experiments
