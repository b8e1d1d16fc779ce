// Prints nothing and keeps what a pass reported.
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"

namespace rg::test {

struct KeptProgress : Progress {
  void layer_advanced(int layer, int, double share) override {
    layers.push_back(layer);
    last_share = share;
  }
  void note(const std::string&) override {}

  std::vector<int> layers;
  double last_share = 0;
};

}  // namespace rg::test
