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
  void step(const std::string& text) override { steps.push_back(text); }
  void note(const std::string& text) override { notes.push_back(text); }

  std::vector<int> layers;
  double last_share = 0;
  std::vector<std::string> steps, notes;
};

}  // namespace rg::test
