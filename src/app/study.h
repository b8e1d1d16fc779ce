// The study that the command line asks for.
#pragma once

#include <memory>

#include "app/options.h"
#include "lab/study.h"

namespace rg::app {

// The errors of opening the models.
std::unique_ptr<lab::Study> make_study(const RunOptions& options, lab::Purpose purpose);

}  // namespace rg::app
