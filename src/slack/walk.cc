#include "slack/walk.h"

#include <fmt/format.h>

namespace rg::slack {

theorems::Draws draws_of(const LayerFacts& layer, std::string_view id, uint32_t head) {
  return {layer.seed, fmt::format("{}/{}/{}", id, layer.layer, head)};
}

std::vector<Eigen::Index> nonzero_rows(TensorView rows) {
  std::vector<Eigen::Index> out;
  for (Eigen::Index n = 0; n < rows.rows(); ++n) {
    if (!rows.row(n).isZero(0)) out.push_back(n);
  }
  return out;
}

Tensor rows_of(TensorView rows, const std::vector<Eigen::Index>& chosen) {
  Tensor out(static_cast<Eigen::Index>(chosen.size()), rows.cols());
  for (size_t i = 0; i < chosen.size(); ++i) {
    out.row(static_cast<Eigen::Index>(i)) = rows.row(chosen[i]);
  }
  return out;
}

Tensor without_zero_rows(TensorView rows) { return rows_of(rows, nonzero_rows(rows)); }

Tensor keys_of_context(const HeadSample& sample, uint32_t context) {
  const auto positions = static_cast<Eigen::Index>(sample.layer->contexts.positions);
  return sample.keys.middleRows(context * positions, positions);
}

std::optional<std::string> needs_keys(const LayerFacts& layer) {
  if (layer.keys) return std::nullopt;
  return "the layer has no keys that can be measured";
}

}  // namespace rg::slack
