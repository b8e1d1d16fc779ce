// The sides of `agree`: logs as they are read, models as they route the tokens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/options.h"
#include "base/progress.h"
#include "lab/replay.h"
#include "logs/agreement/side.h"
#include "logs/tokens.h"

namespace rg::app {

// A log is a file, or a folder with routing.safetensors; anything else is a model.
bool is_log(const std::string& argument);

struct AgreeSides {
  logs::Side a, b;
  bool a_is_model = false, b_is_model = false;
  std::optional<lab::ThreeWayReplay> replay = {};  // where both are models
};

// Reads the logs and runs the models. LG errors; LG006 where a model has no tokens to route, LG008
// where a log lacks tokens of a sequence; what lab::replay_three_ways() and passes refuse.
AgreeSides read_sides(const AgreeOptions& options, Progress& progress);

}  // namespace rg::app
