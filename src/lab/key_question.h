// What the theorems on key-only routing ask of one layer: the facts that pick rows of the decision
// table, and whether a pair of residuals with equal keys can be sought in the weights.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "certificates/decision_table.h"
#include "model/model.h"

namespace rg::lab {

struct KeyQuestion {
  int layer;
  std::string uncovered;  // why no row of the table is about this layer; empty: `facts` is set
  std::optional<certificates::LayerFacts> facts;
  std::string no_pair;  // why no pair z, -z is sought at position 0; empty: one is
  std::string no_turn;  // why no residual with a real one's keys is sought there; empty: one is
  // At position 0 attention adds W_O W_V N(z) to z; else nothing where the keys are zero, because
  // the values are made of them.
  bool values_seen;
};

// The layer has a gate.
KeyQuestion key_question(const model::Model& model, int layer);

// The rows that apply; none of an uncovered layer.
std::vector<certificates::Row> decision_rows(const model::Model& model,
                                             const KeyQuestion& question);

// The facts, and what else rebuilds the matrices from the tensors: `architecture` of
// docs/artifacts.md. Of a covered layer.
Json architecture_json(const model::Model& model, const KeyQuestion& question);

// What W_O W_V N(x) is multiplied by before it is added to x.
float attention_factor(const model::Layer& layer);

// The norm in front of the router.
const model::Norm& router_norm(const model::Layer& layer);

}  // namespace rg::lab
