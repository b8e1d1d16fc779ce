#include "keys/polar.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "linear/decompositions.h"

namespace rg::keys {
namespace {

// Assumed least singular value over a bound of the largest; smaller ones only take more rounds.
constexpr double kLeastShare = 1e-4;
constexpr int kMostRounds = 60;
constexpr double kNearlyDone = 1e-3;  // |XX' - I|_F before the last round; its square remains

kernels::HeadProduct square_product(uint32_t d, kernels::HeadProduct::Right right) {
  const kernels::HeadProduct::Side side{.head_stride = int64_t{d} * d, .row_stride = d};
  return {1, d, d, d, side, side, right, side, kernels::Compute::f32};
}

// At least the largest singular value: the lesser of |M|_F and sqrt(|M|_1 |M|_inf).
double norm_bound(const linear::Matrix& matrix) {
  const double by_sums = std::sqrt(matrix.cwiseAbs().colwise().sum().maxCoeff() *
                                   matrix.cwiseAbs().rowwise().sum().maxCoeff());
  return std::min(matrix.norm(), by_sums);
}

}  // namespace

PolarFactor::PolarFactor(uint32_t width)
    : width_(width),
      gram_(square_product(width, kernels::HeadProduct::Right::transposed)),
      apply_(square_product(width, kernels::HeadProduct::Right::plain)),
      x_(size_t{width} * width),
      gram_of_x_(x_.size()),
      next_(x_.size()) {
  scratch_.reserve(std::max(gram_.scratch_bytes(), apply_.scratch_bytes()));
}

bool PolarFactor::converges() {
  double least = kLeastShare;
  for (rounds_ = 1; rounds_ <= kMostRounds; ++rounds_) {
    gram_.run(x_.data(), x_.data(), gram_of_x_.data(), scratch_);
    double distance = 0;
    for (size_t i = 0; i < x_.size(); ++i) {
      const double wanted = i % (width_ + 1) == 0 ? 1 : 0;
      distance += (double{gram_of_x_[i]} - wanted) * (double{gram_of_x_[i]} - wanted);
    }
    const bool last = distance <= kNearlyDone * kNearlyDone;
    const double scale = last ? 1 : std::sqrt(3 / (1 + least + least * least));
    const auto diagonal = static_cast<float>(1.5 * scale);
    const auto factor = static_cast<float>(-0.5 * scale * scale * scale);
    for (float& value : gram_of_x_) value *= factor;
    for (size_t i = 0; i < x_.size(); i += width_ + 1) gram_of_x_[i] += diagonal;
    apply_.run(gram_of_x_.data(), x_.data(), next_.data(), scratch_);
    scratch_.throw_if_failed();
    x_.swap(next_);
    if (last) return true;
    least = scale * least * (3 - scale * scale * least * least) / 2;
  }
  return false;
}

linear::Matrix PolarFactor::of(const linear::Matrix& matrix) {
  check_internal(matrix.rows() == width_ && matrix.cols() == width_, "shape of a polar factor");
  const double bound = norm_bound(matrix);
  rounds_ = 0;
  if (bound == 0) return linear::Matrix::Identity(width_, width_);
  for (uint32_t i = 0; i < width_; ++i) {
    for (uint32_t j = 0; j < width_; ++j) {
      x_[size_t{i} * width_ + j] = static_cast<float>(matrix(i, j) / bound);
    }
  }
  if (!converges()) {
    rounds_ = 0;
    return nearest_rotation(matrix);
  }
  linear::Matrix out(width_, width_);
  for (uint32_t i = 0; i < width_; ++i) {
    for (uint32_t j = 0; j < width_; ++j) out(i, j) = double{x_[size_t{i} * width_ + j]};
  }
  return out;
}

linear::Matrix nearest_rotation(const linear::Matrix& matrix) {
  const linear::Svd svd = linear::thin_svd(matrix);
  return svd.left * svd.right.transpose();
}

linear::Matrix orthonormal(const linear::Matrix& nearly_orthogonal) {
  const Eigen::Index d = nearly_orthogonal.rows();
  linear::Matrix x = nearly_orthogonal;
  for (int round = 0; round < 3; ++round) {  // 1e-3, 1e-6, 1e-12, rounding
    const linear::Matrix correction = 3 * linear::Matrix::Identity(d, d) - x * x.transpose();
    x = linear::Matrix(correction * x) / 2;
  }
  return x;
}

}  // namespace rg::keys
