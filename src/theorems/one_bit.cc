#include "theorems/one_bit.h"

#include <cmath>

#include "theorems/linear.h"

namespace rg::theorems {

Tensor turned(TensorView keys, TensorView rotation) { return keys * rotation.transpose(); }

Tensor sign_code(TensorView keys) {
  return keys.unaryExpr([](double value) { return value < 0 ? -1.0 : 1.0; });
}

double cos_1bit(VectorView key) {
  return key.lpNorm<1>() / (std::sqrt(static_cast<double>(key.size())) * key.norm());
}

double beta(VectorView key) {
  const double c = cos_1bit(key);
  return c * c;
}

Vector cosines_1bit(TensorView keys) {
  const double root = std::sqrt(static_cast<double>(keys.cols()));
  return one_norms(keys).cwiseQuotient(keys.rowwise().norm() * root);
}

Vector one_norms(TensorView keys) { return keys.cwiseAbs().rowwise().sum(); }

double mean_cosine(TensorView keys) { return cosines_1bit(keys).mean(); }

double beta_per_key(TensorView keys) {
  const auto d = static_cast<double>(keys.cols());
  return one_norms(keys).squaredNorm() / (d * keys.squaredNorm());
}

double beta_per_channel(TensorView keys) {
  const auto n = static_cast<double>(keys.rows());
  return keys.cwiseAbs().colwise().sum().squaredNorm() / (n * keys.squaredNorm());
}

double beta_pooled(TensorView keys) {
  const double total = keys.cwiseAbs().sum();
  return total * total / (static_cast<double>(keys.size()) * keys.squaredNorm());
}

Tensor mmse_code(TensorView keys) {
  const Vector scales = one_norms(keys) / static_cast<double>(keys.cols());
  return scales.asDiagonal() * sign_code(keys);
}

Tensor nearest_rotation(TensorView matrix) {
  const Svd svd = svd_of(matrix);
  return svd.left * svd.right.transpose();
}

Tensor sign_moment(TensorView keys, TensorView rotation, VectorView weights) {
  const Tensor signs = sign_code(turned(keys, rotation));
  return signs.transpose() * weights.asDiagonal() * keys;
}

double itq_gain(TensorView keys, TensorView rotation, VectorView weights) {
  return weights.dot(one_norms(turned(keys, rotation)));
}

Tensor itq_step(TensorView keys, TensorView rotation, VectorView weights) {
  return nearest_rotation(sign_moment(keys, rotation, weights));
}

Itq itq(TensorView keys, TensorView start, int steps, VectorView weights) {
  Itq out{.rotation = start, .gains = {itq_gain(keys, start, weights)}, .settled = false};
  Tensor signs = sign_code(turned(keys, start));
  for (int step = 0; step < steps && !out.settled; ++step) {
    out.rotation = itq_step(keys, out.rotation, weights);
    out.gains.push_back(itq_gain(keys, out.rotation, weights));
    Tensor now = sign_code(turned(keys, out.rotation));
    out.settled = now == signs;
    signs = std::move(now);
  }
  return out;
}

Vector cosine_weights(TensorView keys) { return keys.rowwise().norm().cwiseInverse(); }

}  // namespace rg::theorems
