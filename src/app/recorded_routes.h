// Routing logs as routes that a run imposes.
#pragma once

#include <filesystem>
#include <string>

#include "lab/recorded_routes.h"

namespace rg::app {

// Of a file, or of a folder with routing.safetensors; `model` names the layers of a log that
// doesn't. LG006 for a log without token ids or without a choice for some token, LG007 for layers
// that the model has no gate at, LG008 where a sequence lacks a position; LG and IO errors.
lab::RecordedRoutes read_recorded_routes(const std::filesystem::path& log, const std::string& model,
                                         int threads);

}  // namespace rg::app
