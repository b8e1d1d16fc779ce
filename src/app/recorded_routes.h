// Routing logs as routes that a run imposes.
#pragma once

#include "lab/recorded_routes.h"

namespace rg::app {

// Of a file, or of a folder with routing.safetensors. LG006 for a log without token ids or without
// a choice for some token, LG008 where a sequence lacks a position; LG and IO errors.
lab::RecordedRoutes read_recorded_routes(const std::filesystem::path& log, int threads);

}  // namespace rg::app
