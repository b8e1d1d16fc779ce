#include "experiments/audit/routes.h"

#include <algorithm>

#include "base/error.h"
#include "experiments/common.h"

namespace rg::experiments {

RouteTable::RouteTable(std::vector<int> layers, uint64_t rows, uint32_t k)
    : layers_(std::move(layers)), k_(k) {
  ids_.resize(layers_.size());
  for (std::vector<int32_t>& ids : ids_) {
    ids.resize(rows * k);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i % k);
  }
}

size_t RouteTable::slot(int layer) const {
  const int slot = slot_among(layers_, layer);
  check_internal(slot >= 0, "routes of a layer with a gate");
  return static_cast<size_t>(slot);
}

void RouteTable::set(int layer, uint64_t row, std::span<const int32_t> selected) {
  std::copy(selected.begin(), selected.end(), ids_[slot(layer)].data() + row * k_);
}

std::span<const int32_t> RouteTable::at(int layer, uint64_t row) const {
  return of_layer(layer).subspan(row * k_, k_);
}

std::span<const int32_t> RouteTable::of_layer(int layer) const { return ids_[slot(layer)]; }

uint64_t RouteTable::bytes_of(uint64_t rows) const {
  return layers_.size() * rows * k_ * sizeof(int32_t);
}

void RouteTable::release() {
  for (std::vector<int32_t>& ids : ids_) std::vector<int32_t>().swap(ids);
}

}  // namespace rg::experiments
