#include "logs/agreement/side.h"

#include <fmt/format.h>

#include <algorithm>

namespace rg::logs {

void take_gates(const ModelFacts& model, Side& side) {
  Record& record = side.record;
  if (record.logit_columns == 0) return;
  const auto note = [&](std::string reason) {
    record.notes.push_back("Router logits are not used: " + std::move(reason));
  };
  if (record.logits_kind != LogitsKind::raw) {
    note(fmt::format("they are {}.", name(record.logits_kind)));
    return;
  }
  if (record.logit_columns != model.gate.experts) {
    note(fmt::format("{} columns, where the gate has {} experts.", record.logit_columns,
                     model.gate.experts.value));
    return;
  }
  if (model.gate.selection_bias) {
    note("the gate adds a selection bias, which no log holds.");
    return;
  }
  for (const LayerLog& log : record.layers) {
    const auto& hash = model.hash_layers;
    const bool from_table = std::find(hash.begin(), hash.end(), log.layer) != hash.end();
    if (log.logits.empty() || from_table) continue;
    side.gates.emplace(log.layer, LayerGate{.spec = model.gate, .selection_bias = {}});
  }
}

}  // namespace rg::logs
