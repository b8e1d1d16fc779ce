#include "keys/score_error.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/product.h"
#include "keys/residual_block.h"
#include "linear/decompositions.h"

namespace rg::keys {
namespace {

// T (d, d) times a block (d, columns), both of the moment.
class BlockProduct {
 public:
  BlockProduct(uint32_t width, uint32_t columns)
      : product_(1, width, width, columns, side(width, width), side(columns, width),
                 kernels::HeadProduct::Right::plain, side(columns, width), kernels::Compute::f32) {
    scratch_.reserve(product_.scratch_bytes());
  }
  void run(std::span<const float> matrix, std::span<const float> block, std::span<float> out) {
    product_.run(matrix.data(), block.data(), out.data(), scratch_);
    scratch_.throw_if_failed();
  }

 private:
  static kernels::HeadProduct::Side side(uint32_t row_stride, uint32_t rows) {
    return {.head_stride = int64_t{row_stride} * rows, .row_stride = row_stride};
  }
  kernels::HeadProduct product_;
  kernels::Scratch scratch_;
};

// L with L'L = S.
linear::Matrix root_of(const linear::Matrix& moments) {
  const linear::Eigenpairs pairs = linear::symmetric_eigenpairs(moments);
  return pairs.values.cwiseMax(0.0).cwiseSqrt().asDiagonal() * pairs.vectors.transpose();
}

}  // namespace

std::vector<ScoreSums> score_sums(const PackedKeys& keys, const linear::Matrix& gauge,
                                  const linear::Matrix& query_moments,
                                  std::span<const Document> documents) {
  const uint32_t d = keys.width(), columns = keys.block_rows();
  check_internal(query_moments.rows() == d && query_moments.cols() == d, "moments of queries");
  const linear::Matrix root = root_of(query_moments);
  const std::vector<float> matrix = row_major(gauge), of_keys = row_major(root);
  const std::vector<float> of_errors = row_major(root * linear::inverse(gauge));
  std::vector<float> turned(size_t{d} * columns), seen(turned.size());
  BlockNorms norms{.one = std::vector<double>(columns), .squared = std::vector<double>(columns)};
  std::vector<double> scores(columns);
  BlockProduct product(d, columns);
  std::vector<ScoreSums> out(documents.size());
  for (uint32_t block = 0; block < keys.blocks(); ++block) {
    keys.turn(block, of_keys, seen);
    norms_of_block(seen, norms);
    scores = norms.squared;
    keys.turn(block, matrix, turned);
    norms_of_block(turned, norms);
    leave_residual(turned, norms);
    product.run(of_errors, turned, seen);
    norms_of_block(seen, norms);
    const uint32_t from = keys.first_row(block), to = from + keys.rows_in(block);
    for (size_t at = 0; at < documents.size(); ++at) {
      const uint32_t begin = std::max(documents[at].begin, from);
      const uint32_t end = std::min(documents[at].end, to);
      for (uint32_t n = begin; n < end; ++n) {
        out[at].keys += 1;
        out[at].error += norms.squared[n - from];
        out[at].scores += scores[n - from];
      }
    }
  }
  return out;
}

}  // namespace rg::keys
