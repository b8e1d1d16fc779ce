#include "lab/twin_observers.h"

#include <algorithm>

namespace rg::lab {

RowRoutes::RowRoutes(std::vector<const tap::SequenceSet*> sets, uint32_t top_k)
    : sets_(std::move(sets)), top_k_(top_k) {
  size_t rows = 0;
  for (const tap::SequenceSet* set : sets_) {
    first_.push_back(rows);
    rows += set->rows();
  }
  chosen_.resize(rows * top_k_);
  margins_.resize(rows);
}

tap::Needs RowRoutes::needs() const {
  tap::Needs needs;
  needs.held_bytes = chosen_.size() * sizeof(uint32_t) + margins_.size() * sizeof(float);
  return needs;
}

void RowRoutes::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  if (view.layer != 0) return;
  const auto set =
      static_cast<size_t>(std::find(sets_.begin(), sets_.end(), block.set) - sets_.begin());
  for (size_t row = 0; row < block.rows; ++row) {
    const size_t to = first_[set] + block.first_row + row;
    uint32_t* chosen = chosen_.data() + to * top_k_;
    std::transform(block.ranked + row * (top_k_ + 1), block.ranked + row * (top_k_ + 1) + top_k_,
                   chosen, [](int32_t id) { return static_cast<uint32_t>(id); });
    std::sort(chosen, chosen + top_k_);
    margins_[to] = block.margins[row];
  }
}

std::vector<uint32_t> RowRoutes::set_of(size_t set, size_t row) const {
  const uint32_t* chosen = chosen_.data() + (first_[set] + row) * top_k_;
  return {chosen, chosen + top_k_};
}

tap::Needs LastKeys::needs() const {
  tap::Needs needs;
  needs.keys = true;
  needs.held_key_rows = keys_.size();
  return needs;
}

void LastKeys::on_keys(const tap::KeyView& view, const tap::KeyBlock& block) {
  if (view.layer != 0) return;
  const uint32_t length = block.set->lengths.front();
  for (size_t i = 0; i < block.sequences; ++i) {
    const size_t row = (i + 1) * length - 1;
    std::vector<std::byte>& keys = keys_[block.first_sequence + i];
    const auto add = [&](const float* rows, size_t width) {
      const auto* bytes = reinterpret_cast<const std::byte*>(rows + row * width);
      keys.insert(keys.end(), bytes, bytes + width * sizeof(float));
    };
    if (view.latent_width != 0) {
      add(block.latent, view.latent_width);
      add(block.shared_rotated, view.shared_width);
    } else {
      add(block.keys.scored, size_t{view.kv_heads} * view.key_width);
    }
  }
}

bool LastKeys::all_equal() const {
  return !keys_.front().empty() &&
         std::all_of(keys_.begin(), keys_.end(),
                     [&](const std::vector<std::byte>& keys) { return keys == keys_.front(); });
}

}  // namespace rg::lab
