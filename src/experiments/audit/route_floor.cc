#include "experiments/audit/route_floor.h"

#include <cmath>

#include "experiments/audit/flips.h"

namespace rg::experiments {

RouteFloor::RouteFloor(const ReferenceRecord& reference, const RouteTable& routes,
                       uint64_t held_beside)
    : reference_(reference), routes_(routes), held_beside_(held_beside) {}

uint64_t RouteFloor::kept_bytes() const {
  return counts_.size() * reference_.setting().layers.size() * reference_.windows() *
         sizeof(uint32_t);
}

tap::Needs RouteFloor::needs() const {
  tap::Needs needs;
  needs.held_bytes = kept_bytes() + held_beside_;
  return needs;
}

void RouteFloor::begin_layer(const tap::LayerView&) {
  if (!counts_[0].empty()) return;
  for (std::vector<uint32_t>& counts : counts_) {
    counts.assign(reference_.setting().layers.size() * reference_.windows(), 0);
  }
}

void RouteFloor::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int layer = slot_among(reference_.setting().layers, view.layer);
  if (layer < 0) return;
  const auto slot = static_cast<size_t>(layer);
  const size_t k = reference_.setting().spec.top_k, positions = reference_.positions();
  for_each_sequence(block, [&](const SequenceRows& rows) {
    const auto add = [&](FloorCount kind, uint32_t amount) {
      counts_[static_cast<size_t>(kind)][slot * reference_.windows() + rows.sequence] += amount;
    };
    for (size_t t = 0; t < positions; ++t) {
      const size_t row = rows.first + t;
      if (reference_.defined(slot)[rows.sequence * positions + t] == 0 ||
          !std::isfinite(block.margins[row])) {
        add(FloorCount::undefined, 1);
        continue;
      }
      const uint32_t mass =
          set_distance(routes_.at(view.layer, reference_.first_row() + rows.first_in_set + t),
                       {block.ranked + row * (k + 1), k});
      add(FloorCount::mass, mass);
      add(FloorCount::flips, mass > 0 ? 1 : 0);
    }
  });
}

std::span<const uint32_t> RouteFloor::counts(FloorCount count, size_t slot) const {
  const size_t windows = reference_.windows();
  return {counts_[static_cast<size_t>(count)].data() + slot * windows, windows};
}

}  // namespace rg::experiments
