// What routing logs are compared with, of a checkpoint or a config.json.
#pragma once

#include <string>

#include "logs/model_facts.h"

namespace rg::app {

// CF, HF and ST errors, as `inspect` gives them.
logs::ModelFacts log_model_facts(const std::string& argument);

}  // namespace rg::app
