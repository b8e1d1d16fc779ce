#include "keys/noise.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "keys/packed_keys.h"
#include "linear/decompositions.h"

namespace rg::keys {

KeySet gaussian_keys(const linear::Column& mean, const linear::Matrix& covariance,
                     const KeySet& like, const Place& place, Draw draw) {
  const uint32_t d = like.width;
  const linear::Eigenpairs pairs = linear::symmetric_eigenpairs(covariance);
  const linear::Matrix root = pairs.vectors * pairs.values.cwiseMax(0.0).cwiseSqrt().asDiagonal();
  KeySet out{
      .width = d, .values = std::vector<float>(like.values.size()), .documents = like.documents};
  for (uint32_t i = 0; i < out.values.size(); ++i) {
    out.values[i] = static_cast<float>(normal_draw(i, place, draw, 0));
  }
  const PackedKeys white(out.values, d, PackedKeys::Use::turn);
  const std::vector<float> matrix = row_major(root);
  std::vector<float> turned(size_t{d} * white.block_rows());
  for (uint32_t block = 0; block < white.blocks(); ++block) {
    white.turn(block, matrix, turned);
    for (uint32_t n = 0; n < white.rows_in(block); ++n) {
      for (uint32_t j = 0; j < d; ++j) {
        const double value =
            static_cast<double>(turned[size_t{j} * white.block_rows() + n]) + mean[j];
        out.values[size_t{white.first_row(block) + n} * d + j] = static_cast<float>(value);
      }
    }
  }
  return out;
}

KeySet phase_shifted(const KeySet& keys, const RotaryPlanes& planes, const Place& place) {
  check_planes(planes, keys.width);
  KeySet out = keys;
  for (uint32_t n = 0; n < keys.rows(); ++n) {
    const double angle = 2 * std::numbers::pi * uniform_draw(n, place, Draw::phase, 0);
    const double c = std::cos(angle), s = std::sin(angle);
    for (const auto& [i, j] : planes.pairs) {
      const auto x = static_cast<double>(keys.row(n)[i]), y = static_cast<double>(keys.row(n)[j]);
      out.values[size_t{n} * keys.width + i] = static_cast<float>(c * x - s * y);
      out.values[size_t{n} * keys.width + j] = static_cast<float>(s * x + c * y);
    }
  }
  return out;
}

}  // namespace rg::keys
