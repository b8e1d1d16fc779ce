// What a model's gates decide on given tokens: ids, weights and logits of every layer, kept in
// memory, and what is needed to decide again from other logits.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gate/gate.h"
#include "model/model.h"
#include "tap/tap.h"

namespace rg::lab {

// Of one layer; rows are those of the set.
struct LayerRouting {
  int layer = 0;
  gate::GateSpec spec;
  std::vector<float> selection_bias = {};  // (E), or empty
  std::vector<int32_t> ids = {};           // (rows,k) in rank order
  std::vector<float> weights = {};         // (rows,k)
  std::vector<float> logits = {};          // (rows,E), or empty: not asked for
};

class RoutingObserver : public tap::Observer {
 public:
  // `layers`: with a gate, ascending.
  RoutingObserver(const model::Model& model, const tap::SequenceSet& set,
                  const std::vector<int>& layers);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }
  void begin_layer(const tap::LayerView& view) override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;

  const std::vector<LayerRouting>& layers() const { return layers_; }
  std::vector<LayerRouting> take() { return std::move(layers_); }

 private:
  LayerRouting* find(int layer);

  std::array<const tap::SequenceSet*, 1> sets_;
  uint64_t held_bytes_ = 0;
  std::vector<LayerRouting> layers_;
};

}  // namespace rg::lab
