#include "theorems/key_samples.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "theorems/rotary.h"

namespace rg::theorems {
namespace {

// Coordinates out of {-1, 0, 1}, the first never 0.
Tensor tied_keys(Draws& draws, Eigen::Index n, Eigen::Index d) {
  Tensor out(n, d);
  for (double& value : out.reshaped<Eigen::RowMajor>()) value = draws.below(3) - 1.0;
  for (Eigen::Index row = 0; row < n; ++row) out(row, 0) = draws.sign();
  return out;
}

}  // namespace

Tensor massive_channel_keys(Draws& draws, Eigen::Index n, Eigen::Index d, Eigen::Index massive,
                            double factor) {
  check_internal(massive <= d, "no more massive channels than channels");
  Tensor out = draws.normal(n, d);
  out.leftCols(massive).array() = (out.leftCols(massive).array() + 1) * factor;
  return out;
}

Tensor rope_keys(Draws& draws, Eigen::Index n, Eigen::Index d, double base, double noise) {
  check_internal(d % 2 == 0, "RoPE turns pairs of coordinates");
  const Tensor mean = Vector::Ones(n) * draws.normal_vector(d).transpose();
  const Rotary rotary{.frequencies = standard_frequencies(d / 2, base), .unrotated = 0};
  return at_positions(mean, rotary) + noise * draws.normal(n, d);
}

std::vector<KeySample> key_samples(Draws& draws, Eigen::Index d) {
  check_internal(d >= 4 && d % 2 == 0, "an even number of coordinates, at least 4");
  const Eigen::Index n = 60;
  std::vector<KeySample> out;
  const auto add = [&out](const char* what, Tensor keys) {
    out.push_back(
        {fmt::format("{}, n = {}, d = {}", what, keys.rows(), keys.cols()), std::move(keys)});
  };
  add("normal keys", draws.normal(n, d));
  add("sign-lattice keys", draws.signs(n, d));
  add("sparse keys", draws.sparse(n, d, 3));
  add("one-hot keys", draws.sparse(n, d, 1));
  add("keys of -1, 0 and 1", tied_keys(draws, n, d));
  add("keys around a mean", draws.cloud(n, d, 3 * std::sqrt(static_cast<double>(d))));
  add("keys with two massive channels", massive_channel_keys(draws, n, d, 2, 30));
  add("keys on RoPE planes", rope_keys(draws, n, d, 10000, 0.3));
  add("fewer keys than coordinates", draws.normal(d / 4, d));
  return out;
}

Tensor all_sign_vectors(Eigen::Index d) {
  check_internal(d <= 16, "a listing of few signs");
  Tensor out(Eigen::Index{1} << d, d);
  for (Eigen::Index row = 0; row < out.rows(); ++row) {
    for (Eigen::Index j = 0; j < d; ++j) out(row, j) = (row >> j & 1) != 0 ? -1 : 1;
  }
  return out;
}

}  // namespace rg::theorems
