// The floor of an audit: the reference's routes against those of a second pass over it with the
// other compute type, on one domain. Counts per measured layer and window.
#pragma once

#include <array>
#include <vector>

#include "experiments/audit/reference_record.h"

namespace rg::experiments {

enum class FloorCount : size_t {
  undefined,  // the set margin isn't finite in one of the two
  flips,
  mass,  // sum of k - |R ∩ R'|
  kinds,
};

class RouteFloor : public tap::Observer {
 public:
  RouteFloor(const ReferenceRecord& reference, const RouteTable& routes, uint64_t held_beside);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override {
    return {&reference_.setting().windows, 1};
  }
  void begin_layer(const tap::LayerView& view) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;

  std::span<const uint32_t> counts(FloorCount count, size_t slot) const;  // (windows)

 private:
  uint64_t kept_bytes() const;

  const ReferenceRecord& reference_;
  const RouteTable& routes_;
  const uint64_t held_beside_;
  std::array<std::vector<uint32_t>, static_cast<size_t>(FloorCount::kinds)> counts_;
};

}  // namespace rg::experiments
