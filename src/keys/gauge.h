// A gauge: the change of coordinates in which the keys of a head are coded, and what it costs to
// use. Which gauges there are; how each is made stands in its own file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "linear/matrix.h"

namespace rg::keys {

enum class GaugeKind {
  identity,
  hadamard,
  signed_hadamard,  // random signs, then Hadamard
  rotation,         // uniformly random
  principal,        // axes of the second moments
  principal_covariance,
  principal_hadamard,
  itq_cosine,  // learned, each for its metric
  itq_pooled,
  itq_per_key,
  givens,         // sweeps from where itq_cosine ended
  torus,          // RoPE's planes turned
  plane_scaling,  // RoPE's planes scaled: no rotation
  foldable,       // torus and a rotation of the unrotated columns: all that commutes
  blocks,         // rotations of groups of adjacent columns
};
std::string_view name_of(GaugeKind kind);  // "signed_hadamard"
bool is_learned(GaugeKind kind);           // by a search: it can overfit

enum class Cost {
  free,           // folds into the weights
  online_log,     // d log d for every query and key
  online_square,  // d^2, or a part of it
  codec,          // undone before RoPE whenever a key is read
};
std::string_view name_of(Cost cost);  // "online_log"

// Where in attention the keys were taken.
struct Placement {
  bool rope = false;         // the layer turns some columns
  bool before_rope = false;  // the keys are those before that
  // Gains of a QK-norm differ in size between columns that a gauge mixes (RC-5): the norm's output
  // can be turned at run time only.
  bool gains_differ = false;
};
// RC-3 to RC-5, RC-8, GI-6.
Cost cost_of(GaugeKind kind, const Placement& placement);

struct Gauge {
  GaugeKind kind = GaugeKind::identity;
  uint32_t number = 0;         // tells several random ones apart
  std::string made_of = {};    // "sylvester 128", "from rotation 2", ""
  std::string refused = {};    // why there is none; then no matrix
  linear::Matrix matrix = {};  // (d, d): a key k becomes matrix times k
};

}  // namespace rg::keys
