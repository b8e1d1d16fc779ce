#include "stats/replicates.h"

#include "base/error.h"

namespace rg::stats {

Replicates difference(const Replicates& a, const Replicates& b) {
  Replicates out = a;
  out.estimate -= b.estimate;
  for (size_t r = 0; r < out.values.size(); ++r) out.values[r] -= b.values[r];
  return out;
}

Replicates mean_of(std::span<const Replicates* const> parts) {
  check_internal(!parts.empty(), "there is something to average");
  Replicates out = *parts[0];
  for (const Replicates* const part : parts.subspan(1)) {
    out.estimate += part->estimate;
    for (size_t r = 0; r < out.values.size(); ++r) out.values[r] += part->values[r];
  }
  const auto number = static_cast<double>(parts.size());
  out.estimate /= number;
  for (double& value : out.values) value /= number;
  return out;
}

}  // namespace rg::stats
