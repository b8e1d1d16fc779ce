#include "experiments/audit/stored_key_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "base/parallel.h"
#include "experiments/key_sample.h"

namespace rg::experiments {
namespace {

constexpr uint64_t kScaleBytesPlanned = 64;  // per layer and coordinate of a head: few models more

// Whether each window is fitted on.
std::vector<bool> fitted_windows(std::span<const uint32_t> window_document, bool all_documents) {
  std::unordered_map<uint32_t, size_t> numbers;
  std::vector<bool> fitted;
  for (const uint32_t document : window_document) {
    const size_t number = numbers.emplace(document, numbers.size()).first->second;
    fitted.push_back(all_documents || number % 2 == 0);
  }
  return fitted;
}

bool within_reach(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::abs(value) <= kLargestStored; });
}

}  // namespace

StoredKeyScales::StoredKeyScales(const Setting& setting, const keys::QuantiserSpec& spec,
                                 const StoredKeyFit& fit, StoredRows rows, bool values,
                                 std::vector<int> layers)
    : set_(setting.windows),
      spec_(spec),
      step_(rows),
      values_(values || rows == StoredRows::latent),
      layers_(std::move(layers)) {
  const std::vector<bool> fitted = fitted_windows(setting.window_document, fit.all_documents);
  uint32_t start = 0;  // of the window, in rows of the set
  for (uint32_t w = 0; w < set_->sequences(); ++w) {
    const uint32_t length = set_->lengths[w];
    first_.push_back(static_cast<uint32_t>(row_.size()));
    if (fitted[w]) {
      for (const uint32_t at : sampled_key_positions(setting.seed, 0, w, length, fit.positions)) {
        if (at >= fit.sink_positions) row_.push_back(start + at);
      }
    }
    start += length;
  }
  first_.push_back(static_cast<uint32_t>(row_.size()));
  check_internal(!row_.empty(), "rows to fit scales on");
}

tap::Needs StoredKeyScales::needs() const {
  tap::Needs needs;
  needs.keys = true;
  needs.held_bytes = (row_.size() + first_.size()) * sizeof(uint32_t);
  needs.held_key_rows = row_.size() + layers_.size() * (kScaleBytesPlanned / sizeof(float));
  needs.held_value_rows = values_ ? needs.held_key_rows : 0;
  return needs;
}

void StoredKeyScales::Rows::begin(uint32_t heads, uint32_t width, uint32_t rows) {
  of_head.assign(heads, {.width = width, .values = {}, .documents = {}});
  for (keys::KeySet& head : of_head) head.values.resize(size_t{rows} * width);
}

void StoredKeyScales::Rows::keep(const float* heads, uint32_t row) {
  for (keys::KeySet& head : of_head) {
    std::copy_n(heads, head.width, head.values.data() + size_t{row} * head.width);
    heads += head.width;
  }
}

void StoredKeyScales::begin_keys(const tap::KeyView& view) {
  holds_ = std::binary_search(layers_.begin(), layers_.end(), view.layer);
  if (!holds_) return;
  const bool latent = step_ == StoredRows::latent;
  const uint32_t heads = latent ? 1 : view.kv_heads;
  const auto rows = static_cast<uint32_t>(row_.size());
  keys_rows_.begin(heads, latent ? view.latent_width : view.key_width, rows);
  if (values_) values_rows_.begin(heads, latent ? view.shared_width : view.value_width, rows);
}

const float* StoredKeyScales::keys_of(const tap::KeyBlock& block) const {
  switch (step_) {
    case StoredRows::normed:
      return block.keys.normed;
    case StoredRows::scored:
      return block.keys.scored;
    case StoredRows::latent:
      break;
  }
  return block.latent;
}

const float* StoredKeyScales::values_of(const tap::KeyBlock& block) const {
  return step_ == StoredRows::latent ? block.shared_rotated : block.values;
}

void StoredKeyScales::on_keys(const tap::KeyView& view, const tap::KeyBlock& block) {
  if (!holds_) return;
  const bool latent = step_ == StoredRows::latent;
  const size_t heads = latent ? 1 : view.kv_heads;
  const size_t key_stride = heads * (latent ? view.latent_width : view.key_width);
  const size_t value_stride = heads * (latent ? view.shared_width : view.value_width);
  const uint32_t end = first_[block.first_sequence + block.sequences];
  for (uint32_t row = first_[block.first_sequence]; row < end; ++row) {
    const size_t at = row_[row] - block.first_row;
    keys_rows_.keep(keys_of(block) + at * key_stride, row);
    if (values_ && value_stride > 0) {
      values_rows_.keep(values_of(block) + at * value_stride, row);
    }
  }
}

keys::KeyScales StoredKeyScales::fitted(keys::KeySet& rows) const {
  if (rows.width == 0) return {};
  const bool sound = within_reach(rows.values);
  if (!sound) std::fill(rows.values.begin(), rows.values.end(), 0.0f);
  keys::KeyScales scales = keys::fit_scales(rows, spec_);
  if (!sound) {
    std::fill(scales.scale.begin(), scales.scale.end(), std::numeric_limits<double>::quiet_NaN());
  }
  rows = {};
  return scales;
}

void StoredKeyScales::end_keys(const tap::KeyView& view) {
  if (!holds_) return;
  std::vector<Head>& heads = heads_[view.layer];
  heads.resize(keys_rows_.of_head.size());
  parallel_for(heads.size(), view.threads, [&](size_t h, int) {
    heads[h].keys = fitted(keys_rows_.of_head[h]);
    if (values_) heads[h].values = fitted(values_rows_.of_head[h]);
  });
  keys_rows_ = {};
  values_rows_ = {};
  holds_ = false;
}

const StoredKeyScales::Head& StoredKeyScales::of(int layer, uint32_t head) const {
  return heads_.at(layer)[head];
}

}  // namespace rg::experiments
