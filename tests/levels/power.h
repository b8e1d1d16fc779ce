// How often an effect of known size is found, and what the normal approximation says.
#pragma once

#include <string>
#include <vector>

#include "levels/found.h"
#include "levels/simulated.h"

namespace rg::levels {

// A criterion of a test, or the test's whole verdict.
struct PowerClaim {
  std::string name;
  // Indices into Simulated::criteria: the claim needs all of them, or one of them.
  std::vector<size_t> criteria;
  bool needs_all;
  std::function<bool(const Found&)> made;
};

struct PowerCurve {
  std::string test;
  std::string effect;  // what the parameter is, in words
  std::vector<double> parameters;
  std::function<Draw(const Size&, double parameter)> draw;
  std::vector<PowerClaim> claims;
};
std::vector<PowerCurve> all_power_curves();

// One claim at one number of windows and one parameter.
struct PowerPoint {
  double effect;  // mean / standard deviation of a window, of the criterion that decides
  size_t made, runs;
};
// By claim. `runs` artifacts, numbered from `first`.
std::vector<PowerPoint> power_at(const PowerCurve& curve, const Size& size, double parameter,
                                 uint64_t first, size_t runs, int threads);

// Phi(effect sqrt(windows) - 1.96)
double approximate_power(double effect, uint32_t windows);

}  // namespace rg::levels
