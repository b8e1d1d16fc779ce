#include "experiments/audit/margin_deciles.h"

#include <algorithm>
#include <cmath>

#include "stats/order.h"

namespace rg::experiments {

std::optional<MarginDeciles> margin_deciles(std::span<const float> margins,
                                            std::span<const uint8_t> defined,
                                            std::span<const uint16_t> mass, size_t windows) {
  std::vector<float> ascending;
  ascending.reserve(margins.size());
  for (size_t i = 0; i < margins.size(); ++i) {
    if (defined[i] == 0) continue;
    if (!std::isfinite(margins[i])) return std::nullopt;
    ascending.push_back(margins[i]);
  }
  std::sort(ascending.begin(), ascending.end());
  if (ascending.empty() || ascending.front() == ascending.back()) return std::nullopt;
  MarginDeciles deciles;
  deciles.edges[0] = ascending.front();
  for (size_t i = 1; i <= kMarginDeciles; ++i) {
    deciles.edges[i] = stats::quantile(std::span<const float>(ascending), {i, kMarginDeciles});
  }
  for (auto* const counts : {&deciles.decisions, &deciles.flips, &deciles.mass}) {
    for (std::vector<uint32_t>& of_bin : *counts) of_bin.assign(windows, 0);
  }
  const auto inner = std::span(deciles.edges).subspan(1, kMarginDeciles - 1);
  const size_t positions = margins.size() / windows;
  for (size_t i = 0; i < margins.size(); ++i) {
    if (defined[i] == 0) continue;
    // As many inner edges as are at or below the margin.
    const auto bin = static_cast<size_t>(std::upper_bound(inner.begin(), inner.end(), margins[i]) -
                                         inner.begin());
    ++deciles.decisions[bin][i / positions];
    deciles.flips[bin][i / positions] += mass[i] > 0 ? 1u : 0u;
    deciles.mass[bin][i / positions] += mass[i];
  }
  return deciles;
}

}  // namespace rg::experiments
