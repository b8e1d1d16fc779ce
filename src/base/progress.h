// Progress reports and notes of the library; the program decides how to show them.
#pragma once

#include <cstddef>
#include <string>

namespace rg {

class Progress {
 public:
  virtual ~Progress() = default;
  // share: 0..1 of the whole run's expected work done when `layer` of `layers` has advanced.
  virtual void layer_advanced(int layer, int layers, double share) = 0;
  // What is done outside the layers: "reading prose".
  virtual void step(const std::string& text) = 0;
  // A note goes to stderr and into the artifacts' `notes`: it never accompanies a wrong number.
  virtual void note(const std::string& text) = 0;
};

}  // namespace rg
