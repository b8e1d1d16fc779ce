// The two tests of an edge, from tokens: everything their arrays are computed from.
#pragma once

#include <functional>

#include "verify/fixture.h"

namespace rg::verify::testing {

// One measured position that has a margin.
struct Token {
  double margin;          // of the reference
  uint32_t disagreement;  // experts that the other gate chooses differently
  double change;          // of the next token's log probability
};
using Tokens = std::vector<Token>;  // of one window; positions without a margin are left out
using MeasuredLayer = std::function<std::vector<Tokens>(int layer)>;

// Disagreement falls with the margin; change has nothing to do with it.
std::vector<Tokens> simulated_layer(Draws& draws, const Shape& shape, int layer);

Json boundary_amplification_of(const Shape& shape, const MeasuredLayer& measured);
Json behavior_compression_of(const Shape& shape, const MeasuredLayer& measured);

}  // namespace rg::verify::testing
