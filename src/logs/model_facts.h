// What is known of the model that a log is of: everything that checks compare with, and no weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gate/gate.h"

namespace rg::logs {

struct ModelFacts {
  std::string name;
  uint32_t width = 0;            // d, the hidden size
  uint32_t vocabulary = 0;       // token ids are below it
  uint32_t layers = 0;           // with and without a gate
  uint32_t extra_layers = 0;     // speculative-decoding layers after these
  std::vector<int> moe_layers;   // those with a gate, ascending
  std::vector<int> hash_layers;  // of these, experts from a table of token ids
  gate::GateSpec gate;
};

}  // namespace rg::logs
