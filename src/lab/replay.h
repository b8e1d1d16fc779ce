// Three-way replay: what a model B predicts with its own routes, with the experts that a model A
// chose for the same tokens, and with A's mixing weights, too; each beside what A predicts.
//
// ids replayed: at every layer with a gate, A's experts; B's rule weighs them from B's own logits.
// ids and weights replayed: A's weights, too.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "lab/routing.h"
#include "lab/samples.h"
#include "lab/settings.h"
#include "lab/subject.h"

namespace rg::lab {

// Of one pass, by sequence: means over the positions whose next token is known; NaN of a sequence
// without one. Nats.
struct Predictions {
  std::vector<double> loss;  // -ln p(next token)
  std::vector<double> kl;    // KL(p || p_A); empty for A itself
};

struct ThreeWayReplay {
  std::vector<LayerRouting> a, b;  // natural
  Predictions of_a, natural, ids_replayed, ids_and_weights_replayed;
};

// RT008 where the models' layers with a gate, experts or k differ: the routes of one then say
// nothing to the other; RT009 for another vocabulary; what passes refuse. States of A's last layer
// are kept in a file in `spill_folder`, without a name.
ThreeWayReplay replay_three_ways(const Subject& a, const Subject& b, const Samples& samples,
                                 const EngineSettings& engine,
                                 const std::filesystem::path& spill_folder, Progress& progress);

// One pass of a model over samples of token ids.
std::vector<LayerRouting> route_tokens(const Subject& subject, const Samples& samples,
                                       const EngineSettings& engine,
                                       const std::filesystem::path& spill_folder,
                                       Progress& progress);

}  // namespace rg::lab
