#include <array>
#include <cmath>
#include <numbers>

#include "theorems/attention.h"
#include "theorems/attention_distortion.h"
#include "theorems/families.h"
#include "theorems/key_samples.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

Tensor weights_of(const Tensor& scores) {
  Tensor out(scores.rows(), scores.cols());
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    out.row(n) = softmax(scores.row(n).transpose()).transpose();
  }
  return out;
}

// Pairs of score rows of every size, near and far.
struct Pairs {
  Tensor from, to;
};
Pairs score_pairs(Draws& draws, Eigen::Index n, Eigen::Index classes) {
  Pairs out{.from = draws.normal(n, classes), .to = draws.normal(n, classes)};
  for (Eigen::Index i = 0; i < n; ++i) {
    out.from.row(i) *= std::exp(2 * draws.normal());
    out.to.row(i) = out.from.row(i) + std::exp(1.5 * draws.normal()) * out.to.row(i);
  }
  return out;
}

// To the nearest of 2^bits levels from -bound to bound.
Tensor uniform_code(const Tensor& values, double bound, int bits) {
  const double steps = std::ldexp(1.0, bits) - 1;
  return values.unaryExpr([=](double value) {
    return std::nearbyint((value / bound + 1) / 2 * steps) / steps * 2 * bound - bound;
  });
}

void check_ad_1(Draws& draws, Findings& findings) {
  for (const Eigen::Index classes : {2, 3, 20}) {
    findings.input("400 pairs of " + std::to_string(classes) + " scores, sizes 0.01 to 100");
    const Pairs pairs = score_pairs(draws, 400, classes);
    softmax_lipschitz(pairs.from, pairs.to, weights_of(pairs.from), weights_of(pairs.to), findings);
  }
  findings.input("two scores, 0 and 0 to h and -h: where the constants are met");
  const double h = 1e-3;
  const Tensor here{{0, 0}}, there{{h, -h}};
  softmax_lipschitz(here, there, weights_of(here), weights_of(there), findings);
  const double moved = (weights_of(there) - weights_of(here))(0, 0);
  findings.at_least("ratio in every norm", moved / h, 0.5 * (1 - h * h));
  for (const double size : {0.1, 1.0, 20.0}) {
    findings.input("Jacobian at 8 scores of size " + std::to_string(size));
    softmax_jacobian(softmax(size * draws.normal_vector(8)), findings);
  }
  findings.input("Jacobian at two equal weights among zeros");
  softmax_jacobian(Vector{{0.5, 0, 0.5, 0}}, findings);
}

void check_ad_2(Draws& draws, Findings& findings) {
  for (const Eigen::Index classes : {2, 5, 50}) {
    findings.input("400 pairs of " + std::to_string(classes) + " scores, sizes 0.01 to 100");
    const Pairs pairs = score_pairs(draws, 400, classes);
    variation_bound(pairs.from, pairs.to, weights_of(pairs.from), weights_of(pairs.to), findings);
  }
  for (const double osc : {0.05, 1.0, 6.0, 30.0}) {
    findings.input("two scores, the worst for osc " + std::to_string(osc));
    const Tensor from{{-osc / 4, osc / 4}}, to{{osc / 4, -osc / 4}};
    const Tensor sharp{{-osc / 2, 0}}, moved{{osc / 2, 0}};
    variation_bound(from, to, weights_of(from), weights_of(to), findings);
    findings.equal(
        "total variation",
        total_variation(weights_of(sharp).row(0).transpose(), weights_of(moved).row(0).transpose()),
        std::tanh(osc / 4), 1e-12);
  }
}

void check_ad_3(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 16;
  const Tensor queries = draws.normal(10, d);
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name + ", 1-bit code");
    const Tensor values = draws.normal(sample.keys.rows(), 8);
    output_bounds(queries, sample.keys, mmse_code(sample.keys), values, values, findings);
  }
  const Tensor keys = draws.normal(60, d), values = draws.cloud(60, 8, 10);
  findings.input("4-bit uniform keys and values");
  const double key_bound = keys.cwiseAbs().maxCoeff(), value_bound = values.cwiseAbs().maxCoeff();
  const Tensor coded = uniform_code(keys, key_bound, 4);
  output_bounds(queries, keys, coded, values, uniform_code(values, value_bound, 4), findings);
  findings.at_most("largest entry of dK, against the half step",
                   (coded - keys).cwiseAbs().maxCoeff(), key_bound / 15, 1e-12 * key_bound);
  findings.input("one dominant score");
  Tensor sink = keys;
  sink.row(0) = 6 * queries.row(0);
  output_bounds(queries, sink, mmse_code(sink), values, values, findings);
  findings.input("large scores");
  output_bounds(40 * queries, keys, mmse_code(keys), values, values, findings);
  findings.input("two tokens with values 0 and 1 and mirrored scores: the bound is met");
  const Tensor query{{1}}, two{{-0.5}, {0.5}}, mirrored{{0.5}, {-0.5}}, bits{{0}, {1}};
  output_bounds(query, two, mirrored, bits, bits, findings);
  const Vector p = softmax(two.col(0)), other = softmax(mirrored.col(0));
  findings.equal("output change, against tanh(osc / 4)", std::abs(other[1] - p[1]),
                 std::tanh(2.0 / 4), 1e-12);
  findings.input("d = 128, 4 bits, |q| = sqrt(d)");
  findings.equal("sqrt(d) / (2^bits - 1)", std::sqrt(128.0) / 15, 0.754, 5e-4);
}

void check_ad_4(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 32;
  const Tensor queries = draws.normal(500, d).rowwise().normalized() * 5;
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name);
    code_error_bound(queries.topRows(20), sample.keys, mmse_code(sample.keys), findings);
  }
  const Tensor keys = draws.cloud(100, d, 4);
  findings.input("500 query directions, keys around a mean, d = 32");
  typical_score_error(queries, keys, mmse_code(keys), findings);
  const Tensor sparse = draws.sparse(100, d, 3);
  findings.input("500 query directions, sparse keys, d = 32");
  typical_score_error(queries, sparse, mmse_code(sparse), findings);
  findings.input("a key and its negative, the query along their error: the bound is met");
  Tensor mirrored(2, d);
  mirrored.row(0) = draws.normal(1, d);
  mirrored.row(1) = -mirrored.row(0);
  const Tensor along = (mmse_code(mirrored) - mirrored).topRows(1);
  code_error_bound(along, mirrored, mmse_code(mirrored), findings);
  const Vector key = mirrored.row(0).transpose(), query = along.row(0).transpose();
  findings.equal("osc of the score errors, against 2 |q| |k| sqrt(1 - beta)",
                 spread((mmse_code(mirrored) - mirrored) * query),
                 2 * query.norm() * key.norm() * std::sqrt(1 - beta(key)), 1e-12 * key.norm());
  findings.input("keys at the Gaussian value of beta");
  findings.equal("|q| |k| / sqrt(d) from which the linear bound exceeds osc(V)",
                 2 / std::sqrt(1 - 2 / std::numbers::pi), 3.3, 0.05);
}

void check_ad_5(Draws& draws, Findings& findings) {
  const Tensor values = draws.cloud(30, 6, 5);
  for (const double size : {0.1, 1.0, 5.0}) {
    findings.input("30 scores, errors of size " + std::to_string(size));
    const Vector scores = 2 * draws.normal_vector(30), errors = size * draws.normal_vector(30);
    covariance_form(scores, softmax(scores), errors, softmax(scores + errors), values, findings);
  }
  findings.input("one dominant score");
  Vector scores = draws.normal_vector(30);
  scores[0] += 15;
  const Vector errors = draws.normal_vector(30);
  covariance_form(scores, softmax(scores), errors, softmax(scores + errors), values, findings);
  findings.input("values that are the errors, a thousandth of their size: the bound is met");
  const Vector flat = draws.normal_vector(30), tiny = 1e-3 * errors;
  const Vector p = softmax(flat), changed = softmax(flat + tiny);
  covariance_form(flat, p, tiny, changed, errors, findings);
  findings.equal("output change over sd(error) sd(value)",
                 errors.dot(changed - p) / covariance(p, tiny, errors), 1, 0.01);
  findings.input("200 errors of size 0.3");
  findings.above(
      "correlation of the covariance at 0 with the output change",
      forecast_correlation(draws.normal_vector(30), 0.3 * draws.normal(200, 30), values.col(0)),
      0.9);
}

void check_ad_6(Draws& draws, Findings& findings) {
  const Tensor values = draws.normal(40, 8);
  for (const double sink : {0.0, 4.0, 15.0}) {
    for (const double size : {0.05, 0.5, 3.0}) {
      findings.input("a sink " + std::to_string(sink) + " above, errors of size " +
                     std::to_string(size));
      Vector scores = draws.normal_vector(40);
      scores[3] += sink;
      const Vector errors = size * draws.normal_vector(40);
      const double lower =
          multiplicative_bound(softmax(scores), errors, softmax(scores + errors), values, findings);
      if (sink == 15 && size < 1)
        findings.equal("share of channels below the bound of AD-3", lower, 1, 0);
      if (sink == 0 && size > 1)
        findings.equal("share of channels below the bound of AD-3", lower, 0, 0);
    }
  }
  findings.input("one token 20 below another, raised by 2: the bound is met");
  const Vector two{{20, 0}}, raised{{0, 2}};
  const Vector before = softmax(two), after = softmax(two + raised);
  multiplicative_bound(before, raised, after, Tensor{{0}, {1}}, findings);
  findings.equal("output change over its bound",
                 (after[1] - before[1]) / (std::expm1(2) * mean_deviation(before, Vector{{0, 1}})),
                 1, 1e-6);
}

}  // namespace

std::span<const Check> attention_distortion_checks() {
  static constexpr std::array kChecks{Check{"AD-1", check_ad_1}, Check{"AD-2", check_ad_2},
                                      Check{"AD-3", check_ad_3}, Check{"AD-4", check_ad_4},
                                      Check{"AD-5", check_ad_5}, Check{"AD-6", check_ad_6}};
  return kChecks;
}

}  // namespace rg::theorems
