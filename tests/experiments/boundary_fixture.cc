#include "experiments/boundary_fixture.h"

#include "base/random.h"

namespace rg::experiments::testing {
namespace {

tap::SequenceSet windows_of(const EdgeShape& shape) {
  tap::SequenceSet set;
  set.lengths.assign(shape.windows, shape.positions + 1);
  set.ids.assign(size_t{shape.windows} * (shape.positions + 1), 0);
  return set;
}

}  // namespace

double uniform(uint64_t seed, uint32_t i, uint32_t j, uint32_t layer) {
  return (draw_word(seed, Purpose::audit, {i, j, layer}, 11) + 0.5) / 4294967296.0;
}

Setting InventedEdge::setting_of(const EdgeShape& shape, const tap::SequenceSet& set) {
  Setting setting{.seed = shape.seed,
                  .moe_layers = {},
                  .layers = {},
                  .spec = softmax_spec(3 * shape.k, shape.k),
                  .width = 8,
                  .parameters = {{"bootstrap", Json(200)}},
                  .windows = &set,
                  .seq_len = shape.positions + 1,
                  .window_document = {},
                  .prompts = {}};
  if (!shape.required.empty()) setting.parameters["required_layers"] = shape.required;
  for (uint32_t l = 0; l < shape.layers; ++l) setting.moe_layers.push_back(int(l));
  setting.layers = setting.moe_layers;
  for (uint32_t w = 0; w < shape.windows; ++w) setting.window_document.push_back(w);
  return setting;
}

InventedEdge::InventedEdge(
    const EdgeShape& shape,
    const std::function<Invented(uint32_t layer, uint32_t window, uint32_t t)>& invent)
    : set_(windows_of(shape)), record_(setting_of(shape, set_), 0) {
  const size_t rows = shape.positions + 1, k = shape.k;
  std::vector<float> margins(rows);
  std::vector<int32_t> own(rows * (k + 1)), other(rows * (k + 1));
  for (uint32_t l = 0; l < shape.layers; ++l) {
    tap::LayerView view{};
    view.layer = int(l);
    record_.begin_layer(view);
    for (uint32_t w = 0; w < shape.windows; ++w) {
      for (uint32_t t = 0; t < shape.positions; ++t) {
        const Invented position = invent(l, w, t);
        margins[t] = position.margin;
        for (uint32_t i = 0; i <= k; ++i) {
          own[t * (k + 1) + i] = int32_t(i);
          // The first `lost` of the set are experts that the reference doesn't rank.
          other[t * (k + 1) + i] = int32_t(i < position.lost ? i + k + 1 : i);
        }
      }
      tap::GateBlock block{};
      static_cast<tap::Block&>(block) = {&set_, w, 1, w * rows, rows, 0};
      block.margins = margins.data();
      block.ranked = own.data();
      const tap::OtherGate gate{nullptr, other.data()};
      block.other_gates = {&gate, 1};
      record_.on_gate(view, block);
    }
    record_.end_layer(view);
  }
}

}  // namespace rg::experiments::testing
