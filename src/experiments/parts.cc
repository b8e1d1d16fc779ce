#include "experiments/parts.h"

namespace rg::experiments {

double shapley(size_t part, const std::array<double, kSubsets>& value) {
  const size_t a = part == 0 ? 1 : 0, b = part == 2 ? 1 : 2;
  const Subset g = only(part), with_a = only(a), with_b = only(b);
  return (value[g] - value[kNone]) / 3 + (value[g | with_a] - value[with_a]) / 6 +
         (value[g | with_b] - value[with_b]) / 6 + (value[kAll] - value[with_a | with_b]) / 3;
}

}  // namespace rg::experiments
