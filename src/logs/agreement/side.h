// One of the two sides of a comparison: a routing log, read or computed from a model, and what is
// known of the gates that made its choices.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gate/gate.h"
#include "logs/model_facts.h"
#include "logs/record.h"

namespace rg::logs {

// From the logits of a layer to its choice.
struct LayerGate {
  gate::GateSpec spec;
  std::vector<float> selection_bias = {};  // (E), or empty where the spec has none
};

struct Side {
  std::string name;  // in messages and reports
  Record record;
  // By layer; of layers whose raw logits the record has, and whose choice follows from them.
  std::map<int, LayerGate> gates = {};
};

// Fills `gates` of a log by the gate of its model: layers with raw logits of E columns, if the
// choice needs nothing else (a selection bias, a table of ids). The record gets a note where logits
// can't be used.
void take_gates(const ModelFacts& model, Side& side);

}  // namespace rg::logs
