#include "theorems/gauge_invariance.h"

#include <array>
#include <cmath>

#include "theorems/families.h"

namespace rg::theorems {
namespace {

constexpr double kRounding = 0x1p-53;

void check_gi_1(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 64;
  const Tensor rotation = draws.rotation(d);
  findings.input("normal queries, keys on the sign lattice, d = 64");
  score_invariance(draws.normal(20, d), draws.signs(50, d), rotation, findings);
  findings.input("sparse queries and keys around a mean, d = 64");
  score_invariance(draws.sparse(20, d, 3), draws.cloud(50, d, 40), rotation, findings);
}

}  // namespace

void score_invariance(TensorView queries, TensorView keys, TensorView rotation,
                      Findings& findings) {
  const auto d = static_cast<double>(keys.cols());
  const Tensor before = queries * keys.transpose();
  const Tensor after = (queries * rotation.transpose()) * (keys * rotation.transpose()).transpose();
  const double largest = queries.rowwise().norm().maxCoeff() * keys.rowwise().norm().maxCoeff();
  findings.at_most("max |(Rq)'(Rk) - q'k|", (after - before).cwiseAbs().maxCoeff(),
                   4 * d * kRounding * largest);
  const Tensor gram = rotation.transpose() * rotation;
  findings.at_most("|R'R - I|_F", (gram - Tensor::Identity(gram.rows(), gram.cols())).norm(),
                   1e-12 * std::sqrt(d));
}

std::span<const Check> gauge_invariance_checks() {
  static constexpr std::array kChecks{Check{"GI-1", check_gi_1}};
  return kChecks;
}

}  // namespace rg::theorems
