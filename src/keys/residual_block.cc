#include "keys/residual_block.h"

#include <vector>

namespace rg::keys {

void leave_residual(std::span<float> turned, const BlockNorms& norms) {
  const size_t columns = norms.one.size();
  const auto width = static_cast<double>(turned.size() / columns);
  std::vector<float> scales(columns);
  for (size_t n = 0; n < columns; ++n) scales[n] = static_cast<float>(norms.one[n] / width);
  for (size_t i = 0; i < turned.size(); ++i) {
    const float scale = scales[i % columns];
    turned[i] += turned[i] < 0 ? scale : -scale;
  }
}

}  // namespace rg::keys
