#include "keys/noise.h"

#include <vector>

#include "keys/packed_keys.h"
#include "linear/decompositions.h"

namespace rg::keys {

KeySet gaussian_keys(const linear::Column& mean, const linear::Matrix& covariance,
                     const KeySet& like, const Place& place, Draw draw) {
  const uint32_t d = like.width, rows = like.rows();
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
  return rows == 0 ? like : out;
}

}  // namespace rg::keys
