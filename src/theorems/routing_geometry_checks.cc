#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "theorems/families.h"
#include "theorems/key_only.h"
#include "theorems/mixture.h"
#include "theorems/routing_geometry.h"

namespace rg::theorems {
namespace {

// A k-subset of the given experts, each as likely.
Set draw_set(Draws& draws, Set pool, Eigen::Index k) {
  for (Eigen::Index i = 0; i < k; ++i) {
    const auto other = static_cast<size_t>(i) +
                       draws.below(static_cast<uint32_t>(pool.size()) - static_cast<uint32_t>(i));
    std::swap(pool[static_cast<size_t>(i)], pool[other]);
  }
  pool.resize(static_cast<size_t>(k));
  std::sort(pool.begin(), pool.end());
  return pool;
}

Sets draw_sets(Draws& draws, Eigen::Index experts, Eigen::Index k, int n) {
  const Set pool = complement({}, experts);
  Sets out;
  for (int i = 0; i < n; ++i) out.push_back(draw_set(draws, pool, k));
  return out;
}

// Grouped routes, and the groups they were drawn from.
struct GroupedDraws {
  Sets sets, groups;
};
GroupedDraws draw_grouped(Draws& draws, const Grouping& grouping, int n) {
  const Set all = complement({}, grouping.groups);
  const Eigen::Index size = grouping.experts / grouping.groups;
  GroupedDraws out;
  for (int i = 0; i < n; ++i) {
    const Set groups = draw_set(draws, all, grouping.chosen);
    Set pool;
    for (const Eigen::Index group : groups) {
      for (Eigen::Index e = 0; e < size; ++e) pool.push_back(group * size + e);
    }
    out.groups.push_back(groups);
    out.sets.push_back(draw_set(draws, pool, grouping.k));
  }
  return out;
}

// Scores of every size, some on a coarse lattice where most tie.
Tensor score_rows(Draws& draws, Eigen::Index n, Eigen::Index experts) {
  Tensor out = draws.normal(n, experts);
  for (Eigen::Index i = 0; i < n; i += 2) out.row(i) = (3 * out.row(i)).array().round();
  return out;
}

void check_rg_1(Draws& draws, Findings& findings) {
  findings.input("8 of 64 experts, 2000 pairs");
  drawn_overlap(draw_sets(draws, 64, 8, 2000), draw_sets(draws, 64, 8, 2000), 64, findings);
  findings.equal("k/E", chance_overlap(64, 8).count / 8, 0.125, 1e-15);
  findings.input("8 of 256 experts, 2000 pairs");
  drawn_overlap(draw_sets(draws, 256, 8, 2000), draw_sets(draws, 256, 8, 2000), 256, findings);
  findings.equal("k/E", chance_overlap(256, 8).count / 8, 0.03125, 1e-15);
  findings.input("3 of 8 experts, all sets");
  enumerated_overlap({1, 4, 6}, 8, findings);
  findings.input("2 of 3 experts: no pair is disjoint");
  enumerated_overlap({0, 2}, 3, findings);
}

void check_rg_2(Draws& draws, Findings& findings) {
  Sets skewed;
  for (int n = 0; n < 100; ++n) {  // experts of lower index score higher
    skewed.push_back(top_k(draws.normal_vector(10) - Vector::LinSpaced(10, 0, 3), 3));
  }
  findings.input("100 skewed routes, 3 of 10 experts");
  popularity_null(skewed, 10, findings);
  best_fixed_set(skewed, 10, findings);
  Sets a, b;
  for (int n = 0; n < 2000; ++n) {
    a.push_back(skewed[draws.below(100)]);
    b.push_back(skewed[draws.below(100)]);
  }
  drawn_from_pool(skewed, a, b, 10, findings);
  findings.above("sum pi^2 / k, against k/E", popularity(skewed, 10).squaredNorm() / 3, 0.3);
  findings.input("all routes of 2 of 6 experts: balanced");
  const Sets balanced = all_sets(6, 2);
  popularity_null(balanced, 6, findings);
  findings.equal("sum pi^2 / k, against k/E", popularity(balanced, 6).squaredNorm() / 2, 2.0 / 6,
                 1e-12);
}

void check_rg_3(Draws& draws, Findings& findings) {
  const Grouping deepseek{.experts = 256, .groups = 8, .chosen = 4, .k = 8};
  findings.input("DeepSeek-V3: 4 of 8 groups, 8 of 256 experts");
  const GroupedNull null = grouped_null(deepseek);
  findings.equal("mean overlap", null.mean, 0.03125, 1e-15);
  findings.equal("mean overlap of the same groups", null.same_groups, 0.0625, 1e-15);
  findings.equal("variance of the overlap", null.variance, 0.00379, 5e-6);
  findings.equal("variance without groups", chance_overlap(256, 8).variance / 64, 0.00368, 5e-6);
  findings.equal("sum of quota / group size for one expert a group: a count", 8 * (1.0 / 32),
                 8 * null.mean, 1e-15);
  const GroupedDraws a = draw_grouped(draws, deepseek, 6000),
                     b = draw_grouped(draws, deepseek, 6000);
  findings.input("DeepSeek-V3, 6000 pairs");
  drawn_grouped_overlap(deepseek, a.sets, a.groups, b.sets, b.groups, findings);
  findings.input("1 of 4 groups, 3 of 16 experts, 2000 pairs");
  const Grouping narrow{.experts = 16, .groups = 4, .chosen = 1, .k = 3};
  const GroupedDraws c = draw_grouped(draws, narrow, 2000), d = draw_grouped(draws, narrow, 2000);
  drawn_grouped_overlap(narrow, c.sets, c.groups, d.sets, d.groups, findings);
  findings.input("2 of 4 groups, 3 of 8 experts, every outcome");
  enumerated_grouped_overlap({.experts = 8, .groups = 4, .chosen = 2, .k = 3}, findings);
  findings.input("1 of 3 groups, 2 of 9 experts, every outcome");
  enumerated_grouped_overlap({.experts = 9, .groups = 3, .chosen = 1, .k = 2}, findings);
  findings.input("quotas 1, 2, 1 of groups of 3, 4, 2, every outcome");
  enumerated_quota_overlap({3, 4, 2}, {1, 2, 1}, findings);
}

void check_rg_4(Draws& draws, Findings& findings) {
  constexpr Eigen::Index window = 37;
  constexpr stats::Fraction kTenth{1, 10};
  const Vector margins = draws.normal_vector(window).cwiseAbs();
  const Vector masses = draws.normal_vector(window).cwiseAbs2();
  const auto placements = [&](bool some_empty) {
    Tensor out(2000, window);
    for (Eigen::Index n = 0; n < out.rows(); ++n) {
      Vector row = draws.sparse(1, window, 3).cwiseAbs().row(0).transpose();  // random places
      if (some_empty && draws.below(4) == 0) row.setZero();
      out.row(n) = row.transpose();
    }
    return out;
  };
  findings.input("37 tokens, q = 0.1, no ties");
  findings.equal("tokens in the tail, against ceil(q T)",
                 static_cast<double>(low_margin_tail(margins, kTenth).size()), 4, 0);
  cyclic_tail_share(margins, masses, kTenth, findings);
  drawn_tail_share(margins, placements(false), kTenth, findings);
  findings.input("a quarter of the windows without mass");
  drawn_tail_share(margins, placements(true), kTenth, findings);
  findings.input("margins on a lattice: ties at the threshold");
  const Vector tied = (1.5 * margins).array().floor();
  findings.above("tokens in the tail", static_cast<double>(low_margin_tail(tied, kTenth).size()),
                 4);
  cyclic_tail_share(tied, masses, kTenth, findings);
  drawn_tail_share(tied, placements(false), kTenth, findings);
  findings.input("all mass on one token");
  cyclic_tail_share(margins, Vector::Unit(window, 5), {1, 4}, findings);
}

void check_rg_5(Draws& draws, Findings& findings) {
  for (const Eigen::Index k : {1, 4}) {
    findings.input("400 rows of 16 scores, half with ties, k = " + std::to_string(k));
    const Tensor scores = score_rows(draws, 400, 16);
    Tensor moved = scores;
    for (Eigen::Index n = 0; n < moved.rows(); ++n) {
      moved.row(n) += std::exp(2 * draws.normal() - 3) * draws.normal(1, 16);
    }
    margin_stability(scores, routes(scores, k), moved, routes(moved, k), findings);
    half_margin_is_sharp(draws.normal(200, 16), k, findings);
  }
}

void check_rg_6(Draws& draws, Findings& findings) {
  constexpr Eigen::Index width = 12, experts = 8, k = 2;
  const Tensor gate = draws.normal(experts, width), directions = draws.normal(100, width);
  const Vector bias = draws.normal_vector(experts), input = 3 * draws.normal_vector(width);
  const auto both_ways = [&](const Router& route, const Vector& at, const Radius& radius) {
    constant_within(route, at, radius.length, directions, findings);
    constant_within(route, at, radius.length, radius.normal.transpose(), findings);
    changes_beyond(route, at, radius.length, radius.normal, findings);
  };
  findings.input("linear gate with a bias");
  const Router linear = [&](VectorView y) { return top_k(gate * y + bias, k); };
  const Radius radius = gate_radius(gate, gate * input + bias, k);
  both_ways(linear, input, radius);
  double widest = 0;
  for (Eigen::Index i = 0; i < experts; ++i) {
    widest = std::max(widest, (gate.rowwise() - gate.row(i)).rowwise().norm().maxCoeff());
  }
  const Vector logits = gate * input + bias;
  findings.at_least("radius, against margin / max |G_i - G_j|", radius.length,
                    set_margin(logits, top_k(logits, k)) / widest, 1e-12);
  for (const double epsilon : {0.0, 1.0}) {
    findings.input("residual in front of an RMS norm, epsilon " + std::to_string(epsilon));
    const RmsNorm norm{.gain = draws.normal_vector(width).array() + 2, .epsilon = epsilon};
    const Tensor scaled = gate * norm.gain.asDiagonal();
    const Router route = [&](VectorView x) {
      return top_k(gate * normed(x.transpose(), norm).row(0).transpose(), k);
    };
    both_ways(route, input, gate_radius(scaled, scaled * input, k));
  }
  findings.input("sigmoid scores with a selection bias");
  const Vector small_bias = 0.1 * bias;
  const Router sigmoids = [&](VectorView y) { return top_k(sigmoid(gate * y) + small_bias, k); };
  const double lower = biased_sigmoid_radius(gate, small_bias, input / 3, k);
  constant_within(sigmoids, input / 3, lower, directions, findings);
  constant_within(sigmoids, input / 3, lower, gate, findings);
  constant_within(sigmoids, input / 3, lower, -gate, findings);
}

void check_rg_7(Draws& draws, Findings& findings) {
  for (const double size : {0.01, 0.1, 1.0, 10.0}) {
    findings.input("300 rows of 16 scores, half with ties, changes of size " +
                   std::to_string(size));
    const Tensor scores = score_rows(draws, 300, 16), moved = scores + size * draws.normal(300, 16);
    overlap_bound(scores, routes(scores, 5), moved, routes(moved, 5), findings);
  }
  findings.input("50 rows, both experts at the boundary moved by 0.51 of the margin");
  const Tensor scores = draws.normal(50, 16);
  Tensor moved = scores;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    const Vector row = scores.row(n).transpose();
    const Set set = top_k(row, 5);
    const auto falls = [&](Eigen::Index a, Eigen::Index b) { return row[a] > row[b]; };
    const Set outside = complement(set, 16);
    const double step = 0.51 * set_margin(row, set);
    moved(n, *std::max_element(set.begin(), set.end(), falls)) -= step;
    moved(n, *std::min_element(outside.begin(), outside.end(), falls)) += step;
  }
  overlap_bound(scores, routes(scores, 5), moved, routes(moved, 5), findings);
}

Mixture small_mixture(Draws& draws, WeightRule rule, double bias_size) {
  constexpr Eigen::Index width = 6, experts = 5;
  Mixture out{.gate = draws.normal(experts, width),
              .bias = bias_size * draws.normal_vector(experts),
              .experts = {},
              .rule = rule,
              .k = 2};
  for (Eigen::Index e = 0; e < experts; ++e) out.experts.push_back(draws.normal(width, width));
  return out;
}

// Two inputs with different sets.
struct Segment {
  Vector from, to;
};
Segment crossing_segment(Draws& draws, const Mixture& mixture) {
  Segment out{.from = draws.normal_vector(6), .to = draws.normal_vector(6)};
  while (chosen(mixture, out.from) == chosen(mixture, out.to)) out.to = draws.normal_vector(6);
  return out;
}

void check_rg_8(Draws& draws, Findings& findings) {
  const auto run = [&](const char* name, WeightRule rule) {
    findings.input(std::string(name) + ", 2 of 5 experts");
    const Mixture plain = small_mixture(draws, rule, 0);
    const Segment segment = crossing_segment(draws, plain);
    jump_identity(plain, segment.from, segment.to, findings);
    biased_jump_identity(plain, segment.from, segment.to, findings);
    quotient_growth(plain, segment.from, segment.to, findings);
  };
  run("softmax over all experts", WeightRule::full_softmax);
  run("softmax over the set", WeightRule::renormalised_softmax);
  run("sigmoids over their sum", WeightRule::normalised_sigmoid);
  findings.input("softmax over all experts, three of them nearly equal: the weight is nearly 1/3");
  Mixture even = small_mixture(draws, WeightRule::full_softmax, 0);
  even.gate.setZero();
  even.gate.topLeftCorner(3, 2) = Tensor{{1, 40}, {-1, 40}, {0, 40 + 1e-4}};
  jump_identity(even, Vector{{-1, 1, 0, 0, 0, 0}}, Vector{{1, 1, 0, 0, 0, 0}}, findings);
  findings.input("sigmoids with a selection bias");
  const Mixture biased = small_mixture(draws, WeightRule::normalised_sigmoid, 0.3);
  const Segment segment = crossing_segment(draws, biased);
  biased_jump_identity(biased, segment.from, segment.to, findings);
}

void check_rg_9(Draws& draws, Findings& findings) {
  findings.input("swaps at random margins, 8 experts");
  for (int n = 0; n < 5; ++n) {
    Vector logits = 2 * draws.normal_vector(8);
    std::sort(logits.begin(), logits.end(), std::greater<>());
    swap_cost(logits, draws.normal(8, 10), draws.below(3), 3 + draws.below(5), findings);
  }
  findings.input("a swap at margin 0");
  swap_cost(Vector::Zero(4), draws.normal(4, 10), 1, 2, findings);
  findings.input("long segments through a mixture of 5 experts");
  const Mixture mixture = small_mixture(draws, WeightRule::full_softmax, 0);
  for (int n = 0; n < 3; ++n) {
    path_bound(mixture, 3 * draws.normal_vector(6), 3 * draws.normal_vector(6),
               smooth_constant(mixture), findings);
  }
  findings.input("a short segment across one boundary: the jump is nearly all");
  const Segment segment = crossing_segment(draws, mixture);
  const Crossing crossing = crossings(mixture, segment.from, segment.to, 128).front();
  const Vector way = segment.to - segment.from;
  path_bound(mixture, segment.from + (crossing.before - 1e-7) * way,
             segment.from + (crossing.after + 1e-7) * way, smooth_constant(mixture), findings);
}

void check_rg_11(Draws& draws, Findings& findings) {
  const Tensor a = draws.normal(100, 16), b = draws.cloud(100, 16, 5);
  findings.input("two random parts of 16 logits");
  additive_shares(a + b, a, b, findings);
  findings.input("parts that nearly cancel");
  const Tensor opposite = -a + 0.01 * b;
  additive_shares(a + opposite, a, opposite, findings);
  for (const double shift : {1.0, 100.0, 1e5}) {
    findings.input("a second part of " + std::to_string(shift) + " times the ones");
    shift_without_effect(a, shift, 4, findings);
  }
}

void check_rg_12(Draws& draws, Findings& findings) {
  const Vector x = draws.normal_vector(40), y = draws.normal_vector(40);
  findings.input("40 pairs, exp and cube of x");
  spearman_invariance(x, x.array().exp(), y, findings);
  spearman_invariance(x, x.array().cube(), y, findings);
  for (const Eigen::Index n : {3, 5, 7, 9}) {
    findings.input("all orders of " + std::to_string(n) + " pairs");
    findings.equal("smallest p of an order, against 1 / n!",
                   spearman_null(draws.normal_vector(n), draws.normal_vector(n), findings),
                   1 / std::tgamma(static_cast<double>(n) + 1), 1e-15);
  }
  findings.input("3 pairs in perfect order");
  const Vector ordered{{1, 2, 3}};
  spearman_null(ordered, ordered, findings);
  findings.input("7 pairs with ties");
  spearman_null(Vector{{1, 1, 2, 2, 2, 5, 6}}, Vector{{3, 1, 1, 4, 4, 0, 2}}, findings);
}

}  // namespace

std::span<const Check> routing_geometry_checks() {
  static constexpr std::array kChecks{
      Check{"RG-1", check_rg_1},   Check{"RG-2", check_rg_2},  Check{"RG-3", check_rg_3},
      Check{"RG-4", check_rg_4},   Check{"RG-5", check_rg_5},  Check{"RG-6", check_rg_6},
      Check{"RG-7", check_rg_7},   Check{"RG-8", check_rg_8},  Check{"RG-9", check_rg_9},
      Check{"RG-11", check_rg_11}, Check{"RG-12", check_rg_12}};
  return kChecks;
}

}  // namespace rg::theorems
