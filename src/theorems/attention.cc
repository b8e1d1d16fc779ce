#include "theorems/attention.h"

#include <cmath>

namespace rg::theorems {

Vector softmax(VectorView scores) {
  const Vector raised = (scores.array() - scores.maxCoeff()).exp().matrix();
  return raised / raised.sum();
}

Vector sigmoid(VectorView scores) { return 1 / (1 + (-scores.array()).exp()); }

Tensor attend(const AttentionLayer& layer, TensorView inputs) {
  const Eigen::Index d = layer.rotary.size(), tokens = inputs.rows();
  const Tensor queries = inputs * layer.query.transpose(), keys = inputs * layer.key.transpose(),
               values = inputs * layer.value.transpose();
  Tensor heads(tokens, layer.heads * d);
  for (Eigen::Index h = 0; h < layer.heads; ++h) {
    const Eigen::Index g = h / (layer.heads / layer.kv_heads);
    Tensor q = at_positions(queries.middleCols(h * d, d), layer.rotary);
    Tensor k = at_positions(keys.middleCols(g * d, d), layer.rotary);
    if (!layer.query_gauge.empty()) {
      q = (q * layer.query_gauge[static_cast<size_t>(g)].transpose()).eval();
      k = (k * layer.key_gauge[static_cast<size_t>(g)].transpose()).eval();
    }
    const Tensor scores = q * k.transpose() / std::sqrt(static_cast<double>(d));
    for (Eigen::Index n = 0; n < tokens; ++n) {
      const Vector p = softmax(scores.row(n).head(n + 1).transpose());
      heads.block(n, h * d, 1, d) = p.transpose() * values.block(0, g * d, n + 1, d);
    }
  }
  return heads * layer.output.transpose();
}

}  // namespace rg::theorems
