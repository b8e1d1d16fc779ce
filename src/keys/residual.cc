#include "keys/residual.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/product.h"
#include "keys/one_bit.h"
#include "keys/principal.h"
#include "keys/residual_block.h"

namespace rg::keys {
namespace {

// What the code in a gauge leaves over, in the gauge's coordinates; and the turned keys themselves.
struct Moments {
  linear::Matrix keys, residual;  // sum y y', sum e e', (d, d)
  double energy = 0, kept = 0;    // sum |y|^2, sum |y|_1^2 / d
};

// gram (d, d) += rows rows' over a block (d, block_rows), by one product.
class BlockGram {
 public:
  BlockGram(uint32_t width, uint32_t columns)
      : product_(1, width, columns, width, side(columns, width), side(columns, width),
                 kernels::HeadProduct::Right::transposed, side(width, width),
                 kernels::Compute::f32),
        partial_(size_t{width} * width) {
    scratch_.reserve(product_.scratch_bytes());
  }
  void add(std::span<const float> rows, linear::Matrix& gram) {
    product_.run(rows.data(), rows.data(), partial_.data(), scratch_);
    scratch_.throw_if_failed();
    const Eigen::Index d = gram.rows();
    for (Eigen::Index i = 0; i < gram.size(); ++i) {
      gram(i / d, i % d) += static_cast<double>(partial_[static_cast<size_t>(i)]);
    }
  }

 private:
  static kernels::HeadProduct::Side side(uint32_t row_stride, uint32_t rows) {
    return {.head_stride = int64_t{row_stride} * rows, .row_stride = row_stride};
  }
  kernels::HeadProduct product_;
  kernels::Scratch scratch_;
  std::vector<float> partial_;
};

Moments moments_in(const PackedKeys& keys, const linear::Matrix& gauge) {
  const uint32_t d = keys.width(), columns = keys.block_rows();
  const std::vector<float> matrix = row_major(gauge);
  std::vector<float> turned(size_t{d} * columns);
  BlockNorms norms{.one = std::vector<double>(columns), .squared = std::vector<double>(columns)};
  BlockGram gram(d, columns);
  Moments out{.keys = linear::Matrix::Zero(d, d), .residual = linear::Matrix::Zero(d, d)};
  for (uint32_t block = 0; block < keys.blocks(); ++block) {
    keys.turn(block, matrix, turned);
    norms_of_block(turned, norms);
    for (uint32_t n = 0; n < columns; ++n) {
      out.energy += norms.squared[n];
      out.kept += norms.one[n] * norms.one[n] / d;
    }
    gram.add(turned, out.keys);
    leave_residual(turned, norms);
    gram.add(turned, out.residual);
  }
  return out;
}

// Shares of energy: rounding may take those of everything beyond 1, and of nothing below 0.
double as_share(double value) { return std::clamp(value, 0.0, 1.0); }

// Energy of `moments` along the first `rank` axes, over their trace.
double share_along(const linear::Matrix& moments, const Axes& axes, uint32_t rank) {
  const linear::Matrix first = axes.rotation.topRows(rank);
  const linear::Matrix along = first * moments;
  return as_share(along.cwiseProduct(first).sum() / moments.trace());
}

// beta_E of the keys without their part along the first `rank` axes of the gauge's coordinates.
double beta_of_rest(const PackedKeys& keys, const linear::Matrix& gauge, const Axes& axes,
                    uint32_t rank) {
  const linear::Matrix first = axes.rotation.topRows(rank);
  const linear::Matrix part = first * gauge;
  const linear::Matrix rest = gauge - first.transpose() * part;
  const Document all{.index = 0, .begin = 0, .end = keys.rows()};
  const std::optional<Aggregates> found = aggregates_of(code_sums(keys, rest, {&all, 1}).front());
  return found ? as_share(found->beta_per_key) : 1;
}

}  // namespace

double bits_per_coordinate(uint32_t rank, uint32_t width) {
  return 1 + 16.0 * (rank + 1.0) / width;
}

std::optional<std::vector<ResidualShare>> residual_shares(const PackedKeys& fit,
                                                          const PackedKeys& held_out,
                                                          const linear::Matrix& gauge,
                                                          std::span<const uint32_t> ranks) {
  const uint32_t d = fit.width();
  check_internal(held_out.width() == d, "two halves of one head");
  const Moments in_sample = moments_in(fit, gauge), other = moments_in(held_out, gauge);
  for (const Moments* moments : {&in_sample, &other}) {
    if (!(moments->energy > 0) || !(moments->residual.trace() > 0)) return std::nullopt;
  }
  const Axes of_keys = principal_axes(in_sample.keys);
  const Axes of_residual = principal_axes(in_sample.residual);
  const double edge = 1 + std::sqrt(static_cast<double>(d) / fit.rows());
  const double beta = as_share(other.kept / other.energy);
  std::vector<ResidualShare> out;
  for (const uint32_t rank : ranks) {
    check_internal(rank >= 1 && rank <= d, "rank of a correction");
    ResidualShare share{.rank = rank,
                        .keys_in_sample = share_along(in_sample.keys, of_keys, rank),
                        .keys_held_out = share_along(other.keys, of_keys, rank),
                        .residual_in_sample = share_along(in_sample.residual, of_residual, rank),
                        .residual_held_out = share_along(other.residual, of_residual, rank),
                        .code_then_rank = 0,
                        .rank_then_code = 0,
                        .bits = bits_per_coordinate(rank, d),
                        .white_edge = static_cast<double>(rank) / d * edge * edge};
    share.code_then_rank = (1 - beta) * (1 - share.residual_held_out);
    share.rank_then_code =
        (1 - share.keys_held_out) * (1 - beta_of_rest(held_out, gauge, of_keys, rank));
    out.push_back(share);
  }
  return out;
}

}  // namespace rg::keys
