// No progress is shown while something is timed.
#pragma once

#include "base/progress.h"

namespace rg::bench {

struct Silent : Progress {
  void layer_advanced(int, int, double) override {}
  void step(const std::string&) override {}
  void note(const std::string&) override {}
};

}  // namespace rg::bench
