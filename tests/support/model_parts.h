// The parts of a model that tests look at or change, over all layers at once.
#pragma once

#include "model/model.h"

namespace rg::test {

inline const model::AttentionSpec& attention_of(const model::Model& model) {
  return std::get<model::Attention>(model.layers.front().mixer).spec;
}

// Whether `change` changed some layer's part.
template <typename F>
bool change_gates(model::Model& model, F change) {
  bool changed = false;
  for (model::Layer& layer : model.layers) {
    if (layer.router) changed = change(layer.router->spec) || changed;
  }
  return changed;
}

template <typename F>
bool change_attention(model::Model& model, F change) {
  bool changed = false;
  for (model::Layer& layer : model.layers) {
    auto* attention = std::get_if<model::Attention>(&layer.mixer);
    if (attention != nullptr) changed = change(attention->spec) || changed;
  }
  return changed;
}

template <typename F>
bool change_norms(model::Model& model, F change) {
  bool changed = change(model.final_norm.spec);
  for (model::Layer& layer : model.layers) {
    changed = change(layer.mixer_norm.spec) || changed;
    changed = change(layer.feed_forward_norm.spec) || changed;
  }
  return changed;
}

}  // namespace rg::test
