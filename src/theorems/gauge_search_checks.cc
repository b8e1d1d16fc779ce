#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "theorems/families.h"
#include "theorems/gauge_search.h"
#include "theorems/key_samples.h"
#include "theorems/moment_ratio.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

void check_gs_1(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 8;
  const auto run = [&](const std::string& name, const Tensor& keys) {
    for (const bool equal : {false, true}) {
      findings.input(name + (equal ? ", weights 1" : ", weights 1/|k|"));
      const Vector weights = equal ? Vector::Ones(keys.rows()) : cosine_weights(keys);
      itq_climbs(keys, weights, itq(keys, draws.rotation(d), 400, weights), findings);
    }
  };
  run("normal keys, 100 x 8", draws.normal(100, d));
  run("sparse keys, 100 x 8", draws.sparse(100, d, 2));
  run("keys around a mean, 100 x 8", draws.cloud(100, d, 6));
  run("turned lattice keys, 100 x 8", turned(draws.signs(100, d), draws.rotation(d)));
  run("fewer keys than coordinates, 5 x 8", draws.normal(5, d));
}

void check_gs_2(Draws& draws, Findings& findings) {
  for (const KeySample& sample : key_samples(draws, 8)) {
    findings.input(sample.name);
    const Tensor start = draws.rotation(8);
    gains_are_metrics(sample.keys, start, findings);
    climb_own_metric(sample.keys, start, 12, findings);
  }
  findings.input("200 queries around a mean");
  const Tensor queries = draws.cloud(200, 8, 4);
  query_error(queries, queries.transpose() * queries / 200, draws.normal_vector(8), findings);
  findings.input("S = (2, -1; -1, 2), k = (10, 1)");
  const Tensor moments{{2, -1}, {-1, 2}};
  const Vector key{{10, 1}}, own{{1, 1}}, better{{1, -1}};
  const double own_error = best_scaled_error(moments, key, own);
  const double better_error = best_scaled_error(moments, key, better);
  findings.equal("least error with the key's own signs", own_error, 121.5, 1e-12);
  findings.equal("least error with the signs (1, -1)", better_error, 60.5, 1e-12);
  findings.below("which is better", better_error, own_error);
  double scanned = own_error;
  for (int i = -4000; i <= 4000; ++i) {
    const Vector error = key - i / 200.0 * better;
    scanned = std::min(scanned, error.dot(moments * error));
  }
  findings.equal("least error over a grid of scales", scanned, better_error, 1e-4);
}

void check_gs_4(Draws& draws, Findings& findings) {
  constexpr Eigen::Index d = 16;
  const Tensor held_out = draws.normal(4000, d);
  for (const Eigen::Index n : {8, 64, 512}) {
    findings.input(std::to_string(n) + " normal keys, d = 16, delta = 0.01");
    const Tensor train = draws.normal(n, d);
    const Tensor learned = itq(train, draws.rotation(d), 60, cosine_weights(train)).rotation;
    generalisation_gap(train, held_out, learned, 0.01, generalisation_bound, findings);
    if (n < 100) continue;
    const double gap = mean_cosine(turned(train, learned)) - mean_cosine(turned(held_out, learned));
    findings.equal("gap over sqrt(d/n)", gap / std::sqrt(static_cast<double>(d) / 512), 0.2, 0.1);
  }
  findings.input("256 sparse keys, d = 16, delta = 0.01");
  const Tensor sparse = draws.sparse(256, d, 3);
  generalisation_gap(sparse, draws.sparse(4000, d, 3),
                     itq(sparse, draws.rotation(d), 60, cosine_weights(sparse)).rotation, 0.01,
                     generalisation_bound, findings);
  for (const KeySample& sample : key_samples(draws, d)) {
    findings.input(sample.name + ", 12 of them at most");
    const Eigen::Index few = std::min<Eigen::Index>(12, sample.keys.rows());
    rademacher_term(sample.keys.topRows(few), false, generalisation_bound, findings);
  }
  findings.input("12 orthogonal keys, d = 16");
  rademacher_term(draws.rotation(d).topRows(12), true, generalisation_bound, findings);
  findings.input("keys with c = 0 and c = 1 alike");
  confidence_term(generalisation_bound, findings);
  findings.input("32768 keys in 512 orthogonal directions");
  std::vector<Eigen::Index> drawn(512, 0);
  for (int i = 0; i < 32768; ++i) ++drawn[draws.below(512)];
  gap_of_frequencies(drawn, generalisation_bound, findings);
}

void check_gs_5(Draws& draws, Findings& findings) {
  const Tensor basis = draws.rotation(16);
  const Vector sizes = draws.normal_vector(16).array().exp();
  for (const Eigen::Index n : {1, 5, 16}) {
    findings.input(std::to_string(n) + " orthogonal keys of unequal length, d = 16");
    const Tensor keys = sizes.head(n).asDiagonal() * basis.topRows(n);
    perfect_fit(keys, hadamard_fit(keys), findings);
  }
  for (const Eigen::Index d : {2, 3, 7, 30}) {
    findings.input("one key, d = " + std::to_string(d));
    const Vector key = draws.normal_vector(d);
    perfect_fit(key.transpose(), single_key_fit(key), findings);
  }
  for (const Eigen::Index m : {0, 2, 3, 7}) {
    findings.input("two keys, d = 7, cosine (7 - 2m)/7, m = " + std::to_string(m));
    Tensor signs = Tensor::Ones(2, 7);
    signs.row(1).head(m).setConstant(-1);
    const Tensor keys = turned(signs, draws.rotation(7)) * 3;
    perfect_fit(keys, two_key_fit(keys.row(0).transpose(), keys.row(1).transpose()), findings);
  }
  findings.input("two orthogonal keys, d = 7: their cosine is none of these");
  const Tensor pair = draws.rotation(7).topRows(2);
  double best = 0;
  for (int start = 0; start < 10; ++start) {
    const Tensor learned = itq(pair, draws.rotation(7), 50, Vector::Ones(2)).rotation;
    best = std::max(best, mean_cosine(turned(pair, learned)));
  }
  findings.below("best mean cosine of 10 searches", best, 1 - 1e-3);

  const double expected = sphere_cosine(16);
  const Tensor held_out = draws.normal(4000, 16);
  double last = 1;
  for (const Eigen::Index n : {8, 64, 1024}) {
    findings.input(std::to_string(n) + " isotropic keys, d = 16, learned rotation");
    const Tensor keys = draws.normal(n, 16);
    const Tensor learned = itq(keys, draws.rotation(16), 40, cosine_weights(keys)).rotation;
    const double fitted = mean_cosine(turned(keys, learned));
    findings.below("mean cosine in sample, against that of fewer keys", fitted, last);
    findings.above("mean cosine in sample, against the isotropic value", fitted, expected);
    near(findings, "mean cosine held out, against the isotropic value",
         mean_of(cosines_1bit(turned(held_out, learned))), expected, 0);
    last = fitted;
  }
}

void check_gs_6(Draws& draws, Findings& findings) {
  const auto run = [&](const char* name, const Tensor& points, const Vector& weights) {
    findings.input(name);
    exact_turn(points.col(0), points.col(1), weights,
               best_plane_turn(points.col(0), points.col(1), weights), 2000, findings);
  };
  run("50 normal points of unequal weight", draws.normal(50, 2),
      draws.normal_vector(50).cwiseAbs());
  run("50 points on the axes and diagonals", draws.sparse(50, 2, 1), Vector::Ones(50));
  run("30 corners of the square: every break at one angle", draws.signs(30, 2), Vector::Ones(30));
  run("points around a mean", draws.cloud(50, 2, 8), Vector::Ones(50));
  run("one point", draws.normal(1, 2), Vector::Ones(1));
  findings.input("two sweeps over 100 normal keys, d = 6");
  sweeps_climb(draws.normal(100, 6), Vector::Ones(100), 2, findings);
  findings.input("two sweeps over sparse keys, weights 1/|k|");
  const Tensor sparse = draws.sparse(100, 6, 2);
  sweeps_climb(sparse, cosine_weights(sparse), 2, findings);
}

}  // namespace

std::span<const Check> gauge_search_checks() {
  static constexpr std::array kChecks{Check{"GS-1", check_gs_1}, Check{"GS-2", check_gs_2},
                                      Check{"GS-4", check_gs_4}, Check{"GS-5", check_gs_5},
                                      Check{"GS-6", check_gs_6}};
  return kChecks;
}

}  // namespace rg::theorems
