#include "lab/routing.h"

#include <algorithm>

namespace rg::lab {

RoutingObserver::RoutingObserver(const model::Model& model, const tap::SequenceSet& set,
                                 const std::vector<int>& layers)
    : sets_{&set} {
  for (const int layer : layers) {
    const gate::GateSpec& spec = model.layer(layer).router->spec;
    layers_.push_back({.layer = layer,
                       .spec = spec,
                       .selection_bias = {},
                       .ids = {},
                       .weights = {},
                       .logits = {}});
    held_bytes_ += set.rows() * (uint64_t{spec.top_k} * (sizeof(int32_t) + sizeof(float)) +
                                 uint64_t{spec.experts} * sizeof(float));
  }
}

tap::Needs RoutingObserver::needs() const {
  tap::Needs needs;
  needs.held_bytes = held_bytes_;
  return needs;
}

LayerRouting* RoutingObserver::find(int layer) {
  const auto at = std::find_if(layers_.begin(), layers_.end(),
                               [&](const LayerRouting& own) { return own.layer == layer; });
  return at == layers_.end() ? nullptr : &*at;
}

void RoutingObserver::begin_layer(const tap::LayerView& view) {
  LayerRouting* own = find(view.layer);
  if (own == nullptr) return;
  const size_t rows = sets_[0]->rows();
  own->selection_bias.assign(view.selection_bias.begin(), view.selection_bias.end());
  own->ids.resize(rows * own->spec.top_k);
  own->weights.resize(rows * own->spec.top_k);
  own->logits.resize(rows * own->spec.experts);
}

void RoutingObserver::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  LayerRouting* own = find(view.layer);
  if (own == nullptr) return;
  const size_t k = own->spec.top_k, experts = own->spec.experts;
  for (size_t row = 0; row < block.rows; ++row) {
    const size_t to = block.first_row + row;
    std::copy_n(block.ranked + row * (k + 1), k, own->ids.data() + to * k);
    std::copy_n(block.weights + row * k, k, own->weights.data() + to * k);
    std::copy_n(block.router_logits + row * experts, experts, own->logits.data() + to * experts);
  }
}

}  // namespace rg::lab
