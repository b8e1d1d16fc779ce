#include "theorems/residual.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "stats/pinned_math.h"
#include "theorems/extremes.h"
#include "theorems/families.h"
#include "theorems/key_samples.h"
#include "theorems/linear.h"
#include "theorems/one_bit.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

constexpr double kLoose = 1e-10;

void check_rr_1(Draws& draws, Findings& findings) {
  const auto run = [&](const char* name, const Tensor& matrix) {
    for (const Eigen::Index rank : {1, 3, 8}) {
      findings.input(std::string(name) + ", rank " + std::to_string(rank));
      truncation_error(matrix, rank, findings);
      const Eigen::Index n = matrix.rows(), d = matrix.cols();
      no_better(matrix, draws.normal(n, rank) * draws.normal(rank, d), rank, findings);
      const Svd svd = svd_of(matrix);  // the best one, slightly turned
      const Tensor left = svd.left.leftCols(rank) * svd.values.head(rank).asDiagonal();
      const Tensor right = svd.right.leftCols(rank) + 1e-3 * draws.normal(d, rank);
      no_better(matrix, left * right.transpose(), rank, findings);
    }
  };
  run("normal 40 x 12", draws.normal(40, 12));
  run("sparse 40 x 12", draws.sparse(40, 12, 2));
  run("fewer rows than columns, 10 x 16", draws.normal(10, 16));
  run("rotation: all singular values equal", draws.rotation(12));
}

void check_rr_2(Draws& draws, Findings& findings) {
  for (const KeySample& sample : key_samples(draws, 12)) {
    for (const Eigen::Index rank : {1, 4}) {
      findings.input(sample.name + ", rank " + std::to_string(rank));
      post_correction(sample.keys, mmse_code(sample.keys), rank, findings);
    }
  }
  const Tensor close = draws.signs(60, 12) + 0.01 * draws.normal(60, 12);
  findings.input("keys near the sign lattice, rank 3");
  post_correction(close, mmse_code(close), 3, findings);
}

void check_rr_3(Draws& draws, Findings& findings) {
  double from_pre = 0, from_post = 0;  // single products may meet by chance, not all of them
  const auto run = [&](const std::string& name, const Tensor& keys) {
    for (const Eigen::Index rank : {1, 4}) {
      findings.input(name + ", rank " + std::to_string(rank));
      const Tensor rest = keys - truncated(keys, rank), code = mmse_code(rest);
      pre_correction(keys, code, rank, findings);
      const double pre = (rest - code).squaredNorm() / keys.squaredNorm();
      const double post = post_correction_error(keys, mmse_code(keys), rank);
      from_pre = std::max(from_pre, std::abs(mixed_product(keys, rank) - pre));
      from_post = std::max(from_post, std::abs(mixed_product(keys, rank) - post));
    }
  };
  run("normal keys 60 x 12", draws.normal(60, 12));
  run("sparse keys 60 x 12", draws.sparse(60, 12, 3));
  run("keys around a mean 60 x 12", draws.cloud(60, 12, 5));
  findings.input("all of these keys");
  findings.above("largest |mixed product - low rank first|", from_pre, 1e-3);
  findings.above("largest |mixed product - 1 bit first|", from_post, 1e-3);
}

void check_rr_4(Draws& draws, Findings& findings) {
  findings.input("K = I, d = 2, rank 1");
  const Tensor identity = Tensor::Identity(2, 2), code = mmse_code(identity);
  findings.at_most("largest |code - 1/2|", (code.array() - 0.5).abs().maxCoeff(), 0, 1e-12);
  findings.equal("second singular value of the residual", singular_values(identity - code)[1], 0,
                 1e-12);
  findings.equal("effective beta, true", 1 - post_correction_error(identity, code, 1), 1, 1e-12);
  findings.equal("effective beta by the mixed formula", 1 - mixed_product(identity, 1), 0.75,
                 1e-12);
  findings.input("keys on a circle, turned into 8 dimensions, rank 2");
  Tensor circle(40, 2);
  for (Eigen::Index n = 0; n < 40; ++n) {
    const double angle = 2 * std::numbers::pi * draws.uniform();
    circle.row(n) << std::cos(angle), std::sin(angle);
  }
  const Tensor rotation = draws.rotation(8);
  const Tensor keys = circle * rotation.topRows(2), residual = keys - mmse_code(keys);
  findings.equal("effective beta by the mixed formula", 1 - mixed_product(keys, 2), 1, 1e-12);
  findings.below("effective beta, true", 1 - post_correction_error(keys, mmse_code(keys), 2), 0.99);
  findings.above("rank of the residual", static_cast<double>(rank_of(residual)), 2);
  findings.input("sparse keys and 10 turned copies, rank 1");
  const Tensor sparse = draws.sparse(60, 8, 2);
  const double share = captured_share(sparse - mmse_code(sparse), 1);
  double change = 0;
  for (int copy = 0; copy < 10; ++copy) {
    const Tensor turn = draws.rotation(8), moved = turned(sparse, turn);
    key_share_is_invariant(sparse, turn, 1, findings);
    change = std::max(change, std::abs(captured_share(moved - mmse_code(moved), 1) - share));
  }
  findings.above("largest change of the residual's share", change, 1e-3);
}

void check_rr_5(Draws& draws, Findings& findings) {
  findings.input("rank 8, d = 128");
  findings.equal("bits a coordinate", bits_per_coordinate(8, 128), 2.125, 1e-12);
  const double one_bit = 1 - 2 / std::numbers::pi;
  findings.equal("squared error of 1 bit, normal", one_bit, 0.3634, 1e-4);
  findings.equal("squared error of 2 bits, normal", two_bit_error(), 0.1175, 1e-4);
  findings.equal("captured share that breaks even", 1 - two_bit_error() / one_bit, 0.677, 1e-3);
  findings.input("white residuals 400 x 40, rank 4");
  white_residual(draws.normal(400, 40), draws.normal(400, 40), 4, findings);
  findings.input("white residuals 60 x 40, rank 4");
  white_residual(draws.normal(60, 40), draws.normal(400, 40), 4, findings);
  findings.input("residuals with a common direction, rank 1");
  const Tensor mean = 3 * Vector::Ones(800) * draws.normal_vector(40).normalized().transpose();
  const Tensor directed = draws.normal(800, 40) + mean;
  findings.above("share held out, against the white 1/d",
                 held_out_share(directed.topRows(400), directed.bottomRows(400), 1), 2.0 / 40);
}

}  // namespace

double captured_share(TensorView matrix, Eigen::Index rank) {
  const Vector squares = singular_values(matrix).cwiseAbs2();
  const double total = squares.sum();
  return total == 0 ? 1 : squares.head(std::min(rank, squares.size())).sum() / total;
}

Tensor truncated(TensorView matrix, Eigen::Index rank) {
  const Svd svd = svd_of(matrix);
  const Eigen::Index r = std::min(rank, svd.values.size());
  return svd.left.leftCols(r) * svd.values.head(r).asDiagonal() * svd.right.leftCols(r).transpose();
}

void truncation_error(TensorView matrix, Eigen::Index rank, Findings& findings) {
  const Vector squares = singular_values(matrix).cwiseAbs2();
  findings.equal(
      "squared error of the truncation, relative",
      (matrix - truncated(matrix, rank)).squaredNorm() / matrix.squaredNorm(),
      squares.tail(std::max<Eigen::Index>(squares.size() - rank, 0)).sum() / matrix.squaredNorm(),
      kLoose);
}

void no_better(TensorView matrix, TensorView other, Eigen::Index rank, Findings& findings) {
  findings.at_most("rank of the other matrix", static_cast<double>(rank_of(other)),
                   static_cast<double>(rank));
  findings.at_least("its squared error, relative, against that of the truncation",
                    (matrix - other).squaredNorm() / matrix.squaredNorm(),
                    1 - captured_share(matrix, rank), kLoose);
}

double post_correction_error(TensorView keys, TensorView code, Eigen::Index rank) {
  const Tensor residual = keys - code;
  return (residual - truncated(residual, rank)).squaredNorm() / keys.squaredNorm();
}

void post_correction(TensorView keys, TensorView code, Eigen::Index rank, Findings& findings) {
  const double expected = (1 - beta_per_key(keys)) * (1 - captured_share(keys - code, rank));
  findings.equal("relative squared error, 1 bit first", post_correction_error(keys, code, rank),
                 expected, kLoose);
}

void pre_correction(TensorView keys, TensorView code_of_rest, Eigen::Index rank,
                    Findings& findings) {
  const Tensor rest = keys - truncated(keys, rank);
  findings.equal("relative squared error, low rank first",
                 (rest - code_of_rest).squaredNorm() / keys.squaredNorm(),
                 (1 - captured_share(keys, rank)) * (1 - beta_per_key(rest)), kLoose);
}

double mixed_product(TensorView keys, Eigen::Index rank) {
  return (1 - beta_per_key(keys)) * (1 - captured_share(keys, rank));
}

void key_share_is_invariant(TensorView keys, TensorView rotation, Eigen::Index rank,
                            Findings& findings) {
  findings.equal("captured share of the keys in the new gauge",
                 captured_share(turned(keys, rotation), rank), captured_share(keys, rank), 1e-12);
}

double bits_per_coordinate(Eigen::Index rank, Eigen::Index width) {
  return 1 + 16.0 * static_cast<double>(rank + 1) / static_cast<double>(width);
}

double two_bit_error() {
  // Levels are the centres of mass of their cells, the threshold lies half way between two levels.
  const auto density = [](double x) {
    return stats::pinned_exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
  };
  double threshold = 1, error = 1;
  for (int round = 0; round < 200; ++round) {
    const double outside = 1 - stats::normal_cdf(threshold), inside = 0.5 - outside;
    const double low = (density(0) - density(threshold)) / inside;
    const double high = density(threshold) / outside;
    error = 1 - 2 * (inside * low * low + outside * high * high);
    threshold = (low + high) / 2;
  }
  return error;
}

double held_out_share(TensorView calibration, TensorView held_out, Eigen::Index rank) {
  const Tensor basis = svd_of(calibration).right.leftCols(rank);
  return (held_out * basis).squaredNorm() / held_out.squaredNorm();
}

void white_residual(TensorView residuals, TensorView held_out, Eigen::Index rank,
                    Findings& findings) {
  const auto n = static_cast<double>(residuals.rows()), d = static_cast<double>(residuals.cols());
  const double null = static_cast<double>(rank) / d, edge = 1 + std::sqrt(d / n);
  findings.at_most("captured share in sample, against 1.1 r/d (1 + sqrt(d/n))^2",
                   captured_share(residuals, rank), 1.1 * null * edge * edge);
  // Excess over the null, row by row, in units of the mean energy.
  const Tensor basis = svd_of(residuals).right.leftCols(rank);
  const Vector energy = held_out.rowwise().squaredNorm();
  const Vector excess =
      ((held_out * basis).rowwise().squaredNorm() - null * energy) / energy.mean();
  findings.equal("captured share held out, against r/d", held_out_share(residuals, held_out, rank),
                 null, 5 * mean_of(excess).error);
}

std::span<const Check> residual_checks() {
  static constexpr std::array kChecks{Check{"RR-1", check_rr_1}, Check{"RR-2", check_rr_2},
                                      Check{"RR-3", check_rr_3}, Check{"RR-4", check_rr_4},
                                      Check{"RR-5", check_rr_5}};
  return kChecks;
}

}  // namespace rg::theorems
