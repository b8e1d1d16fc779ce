#include "experiments/key_only_rows.h"

#include <algorithm>

#include "experiments/common.h"
#include "experiments/key_sample.h"
#include "tensor/dtype.h"

namespace rg::experiments {
namespace {

void copy_as_bf16(const float* from, size_t count, float* to) {
  std::transform(from, from + count, to,
                 [](float value) { return bf16_to_f32(f32_to_bf16(value)); });
}

}  // namespace

RouterRows::RouterRows(const RouterSplit& split, const tap::SequenceSet& windows,
                       uint32_t rows_each, uint64_t seed)
    : ids(split.document_of_row.size()), split_(split), rows_each_(rows_each) {
  if (!split.usable()) return;
  size_t start = 0;  // of the window, in rows of the set
  for (uint32_t w = 0; w < windows.sequences(); ++w) {
    const std::vector<uint32_t> sampled =
        sampled_key_positions(seed, 0, w, windows.lengths[w], rows_each);
    positions_.insert(positions_.end(), sampled.begin(), sampled.end());
    for (uint32_t i = 0; i < rows_each; ++i) {
      ids[split.first_row[w] + i] = windows.ids[start + sampled[i]];
    }
    start += windows.lengths[w];
  }
  std::vector<uint32_t> tests;
  for (uint32_t n = 0; n < rows(); ++n) {
    if (split.parts[split.document_of_row[n]] == readout::Part::test) tests.push_back(n);
  }
  determined_rows = std::min(kDeterminedRows, static_cast<uint32_t>(tests.size()));
  raw_slot_.assign(rows(), -1);
  for (uint32_t i = 0; i < determined_rows; ++i) {
    raw_slot_[tests[size_t{i} * tests.size() / determined_rows]] = static_cast<int32_t>(i);
  }
}

uint64_t RouterRows::index_bytes() const {
  return positions_.size() * sizeof(uint32_t) + (ids.size() + raw_slot_.size()) * sizeof(int32_t);
}

uint64_t RouterRows::row_bytes(uint32_t width, uint32_t experts) const {
  return (rows() * (3 * uint64_t{width} + experts) + uint64_t{determined_rows} * width) *
         sizeof(float);
}

// body(row within the block, row of this object).
template <typename Body>
void RouterRows::each_row(const tap::Block& block, const Body& body) const {
  for_each_sequence(block, [&](const SequenceRows& window) {
    for (uint32_t i = 0; i < rows_each_; ++i) {
      body(window.first + positions_[window.sequence * rows_each_ + i],
           size_t{split_.first_row[window.sequence]} + i);
    }
  });
}

void RouterRows::begin_gate(const tap::LayerView& view) {
  gate_input = Buffer<float>(rows() * view.width);
  logits = Buffer<float>(rows() * view.spec->experts);
}

void RouterRows::begin(const tap::KeyView& view) {
  key_parts.assign(view.kv_heads, view.key_width);
  value_columns = view.kv_heads * view.value_width;
  if (view.latent_width > 0) {
    key_parts = {view.latent_width};
    if (view.shared_width > 0) key_parts.push_back(view.shared_width);
    value_columns = 0;
  }
  key_columns = 0;
  for (const uint32_t part : key_parts) key_columns += part;
  keys = Buffer<float>(rows() * key_columns);
  values = Buffer<float>(rows() * value_columns);
  residual = Buffer<float>(rows() * view.width);
  raw = Buffer<float>(size_t{determined_rows} * view.width);
}

void RouterRows::add(const tap::KeyView& view, const tap::KeyBlock& block) {
  each_row(block, [&](size_t from, size_t to) {
    float* const key = keys.data() + to * key_columns;
    if (view.latent_width > 0) {
      copy_as_bf16(block.latent + from * view.latent_width, view.latent_width, key);
      copy_as_bf16(block.shared + from * view.shared_width, view.shared_width,
                   key + view.latent_width);
    } else {
      copy_as_bf16(block.keys.normed + from * key_columns, key_columns, key);
      copy_as_bf16(block.values + from * value_columns, value_columns,
                   values.data() + to * value_columns);
    }
    std::copy_n(block.input + from * view.width, view.width, residual.data() + to * view.width);
    if (raw_slot_[to] < 0) return;
    std::copy_n(block.residual_in + from * view.width, view.width,
                raw.data() + static_cast<size_t>(raw_slot_[to]) * view.width);
  });
}

void RouterRows::add(const tap::LayerView& view, const tap::GateBlock& block) {
  const uint32_t experts = view.spec->experts;
  each_row(block, [&](size_t from, size_t to) {
    std::copy_n(block.gate_input + from * view.width, view.width,
                gate_input.data() + to * view.width);
    std::copy_n(block.router_logits + from * experts, experts, logits.data() + to * experts);
  });
}

void RouterRows::release() {
  for (Buffer<float>* const buffer : {&keys, &values, &residual, &raw}) *buffer = {};
}

void RouterRows::end_gate() {
  previous = std::move(gate_input);
  gate_input = {};
  logits = {};
}

}  // namespace rg::experiments
