// What a search over gauges climbs, and what it leaves.
#pragma once

#include <string_view>
#include <vector>

#include "linear/matrix.h"

namespace rg::keys {

// The aggregate that a search climbs (GS-2); the weights of keys k follow from it: 1/|k|, 1, and
// |Rk|_1 under the last rotation R, refreshed at every step.
enum class Metric { mean_cosine, beta_pooled, beta_per_key };
std::string_view name_of(Metric metric);  // "mean_cosine"

enum class Stop {
  settled,     // the last step gained less than the tolerance, relative
  most_steps,  // as many steps as were allowed
};

struct Search {
  linear::Matrix gauge;        // the last rotation, orthogonal to rounding
  std::vector<double> values;  // of the metric, in sample: at the start and after every step
  Stop stop = Stop::most_steps;
};

}  // namespace rg::keys
