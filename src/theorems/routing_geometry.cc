#include "theorems/routing_geometry.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "theorems/attention.h"
#include "theorems/extremes.h"
#include "theorems/tightest.h"

namespace rg::theorems {
namespace {

Tensor centred(TensorView rows) {
  Tensor out = rows;
  out.colwise() -= rows.rowwise().mean();
  return out;
}

// Ranks from 1, ties share their mean, minus the mean of all.
Vector centred_ranks(VectorView values) {
  Vector out(values.size());
  for (Eigen::Index i = 0; i < values.size(); ++i) {
    const auto below = (values.array() < values[i]).count();
    const auto equal = (values.array() == values[i]).count();
    out[i] = static_cast<double>(below) + (static_cast<double>(equal) + 1) / 2;
  }
  out.array() -= out.mean();
  return out;
}

// max over i in the set, j outside, of d_j - d_i - (s_i - s_j).
double largest_overtaking(VectorView scores, VectorView change, const Set& set) {
  double worst = -std::numeric_limits<double>::infinity();
  for (const Eigen::Index i : set) {
    for (const Eigen::Index j : complement(set, scores.size())) {
      worst = worse(worst, change[j] - change[i] - (scores[i] - scores[j]));
    }
  }
  return worst;
}

}  // namespace

void margin_stability(TensorView scores, const Sets& sets, TensorView other_scores,
                      const Sets& other_sets, Findings& findings) {
  double safe = 0, broken = 0, mismatched = 0;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    const auto at = static_cast<size_t>(n);
    const Vector before = scores.row(n).transpose(), after = other_scores.row(n).transpose();
    const Vector change = after - before;
    const bool changed = sets[at] != other_sets[at];
    if (largest_size(change) < set_margin(before, sets[at]) / 2) {
      ++safe;
      broken += changed ? 1 : 0;
    }
    const double overtaking = largest_overtaking(before, change, sets[at]);
    const double rounding = 1e-14 * (largest_size(before) + largest_size(change));
    const bool decided = !(std::abs(overtaking) <= rounding);
    if (std::isnan(overtaking) || (decided && (overtaking > 0) != changed)) ++mismatched;
  }
  findings.above("rows that move by less than half their margin", safe, 0);
  findings.equal("of these, rows whose set changes", broken, 0, 0);
  findings.equal("rows where the exact criterion and the sets disagree", mismatched, 0, 0);
}

void half_margin_is_sharp(TensorView scores, Eigen::Index k, Findings& findings) {
  double changed = 0;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    Vector row = scores.row(n).transpose();
    const Set set = top_k(row, k);
    const Set outside = complement(set, row.size());
    const auto score_less = [&](Eigen::Index a, Eigen::Index b) { return row[a] < row[b]; };
    const Eigen::Index last = *std::min_element(set.begin(), set.end(), score_less);
    const Eigen::Index next = *std::max_element(outside.begin(), outside.end(), score_less);
    const double radius = 1.001 * set_margin(row, set) / 2;
    row[last] -= radius;
    row[next] += radius;
    changed += top_k(row, k) != set ? 1 : 0;
  }
  findings.equal("share of sets that 1.001 half margins change",
                 changed / static_cast<double>(scores.rows()), 1, 0);
}

void overlap_bound(TensorView scores, const Sets& sets, TensorView other_scores,
                   const Sets& other_sets, Findings& findings) {
  Tightest kept;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    const auto at = static_cast<size_t>(n);
    const Vector row = scores.row(n).transpose();
    const double change = largest_size(other_scores.row(n) - scores.row(n));
    double next = -std::numeric_limits<double>::infinity();
    double certain = std::isnan(change) ? change : 0;
    for (const Eigen::Index j : complement(sets[at], row.size())) next = std::max(next, row[j]);
    for (const Eigen::Index i : sets[at]) certain += row[i] - next > 2 * change ? 1 : 0;
    kept.see(certain, static_cast<double>(common(sets[at], other_sets[at])));
  }
  findings.at_most("experts well inside the set, against those that stay", kept.value(),
                   kept.bound());
}

void constant_within(const Router& route, VectorView input, double radius, TensorView directions,
                     Findings& findings) {
  const Set set = route(input);
  double changed = 0;
  for (Eigen::Index n = 0; n < directions.rows(); ++n) {
    const Vector step = 0.999 * radius * directions.row(n).transpose().normalized();
    changed += route(input + step) != set ? 1 : 0;
  }
  findings.above("radius", radius, 0);
  findings.equal("changes at 0.999 of the radius", changed, 0, 0);
}

void changes_beyond(const Router& route, VectorView input, double radius, VectorView normal,
                    Findings& findings) {
  findings.holds("the set changes at 1.001 of the radius along the normal",
                 route(input + 1.001 * radius * normal.normalized()) != route(input));
}

Radius gate_radius(TensorView gate, VectorView logits, Eigen::Index k) {
  const Set set = top_k(logits, k);
  Radius out{.length = std::numeric_limits<double>::infinity(),
             .normal = Vector::Zero(gate.cols())};
  for (const Eigen::Index i : set) {
    for (const Eigen::Index j : complement(set, logits.size())) {
      const Vector across = (gate.row(j) - gate.row(i)).transpose();
      const double size = across.norm();
      if (size == 0 || (logits[i] - logits[j]) / size >= out.length) continue;
      out = {.length = (logits[i] - logits[j]) / size, .normal = across / size};
    }
  }
  return out;
}

double biased_sigmoid_radius(TensorView gate, VectorView bias, VectorView input, Eigen::Index k) {
  const Vector scores = sigmoid(gate * input) + bias, norms = gate.rowwise().norm();
  const Set set = top_k(scores, k);
  double radius = std::numeric_limits<double>::infinity();
  for (const Eigen::Index i : set) {
    for (const Eigen::Index j : complement(set, scores.size())) {
      radius = std::min(radius, 4 * (scores[i] - scores[j]) / (norms[i] + norms[j]));
    }
  }
  return radius;
}

void additive_shares(TensorView logits, TensorView a, TensorView b, Findings& findings) {
  const Tensor s = centred(logits), first = centred(a), second = centred(b);
  const Vector squares = s.rowwise().squaredNorm();
  const Vector shares = s.cwiseProduct(first).rowwise().sum().cwiseQuotient(squares),
               rest = s.cwiseProduct(second).rowwise().sum().cwiseQuotient(squares);
  // The terms may cancel: rounding is relative to their size.
  const Vector room = 1 + shares.array().abs() + rest.array().abs();
  findings.at_most("largest |both centred shares - 1|, relative",
                   largest(((shares + rest).array() - 1).abs().matrix().cwiseQuotient(room)), 0,
                   1e-12);
}

void shift_without_effect(TensorView a, double shift, Eigen::Index k, Findings& findings) {
  const Tensor b = Tensor::Constant(a.rows(), a.cols(), shift), s = a + b;
  double same = 0;
  for (Eigen::Index n = 0; n < a.rows(); ++n) {
    same += top_k(s.row(n).transpose(), k) == top_k(a.row(n).transpose(), k) ? 1 : 0;
  }
  findings.equal("share of sets that the first part alone gives",
                 same / static_cast<double>(a.rows()), 1, 0);
  const Tensor total = centred(s);
  const Vector shares =
      total.cwiseProduct(centred(b)).rowwise().sum().cwiseQuotient(total.rowwise().squaredNorm());
  findings.at_most("largest centred share of the shift", largest_size(shares), 0, 1e-12);
  findings.at_least(
      "smallest norm ratio |b| / (|a| + |b|), against its limit 1",
      least(b.rowwise().norm().cwiseQuotient(a.rowwise().norm() + b.rowwise().norm())),
      1 - largest(a.rowwise().norm()) / std::abs(shift), 1e-12);
}

double spearman(VectorView x, VectorView y) {
  return centred_ranks(x).normalized().dot(centred_ranks(y).normalized());
}

void spearman_invariance(VectorView x, VectorView increasing_of_x, VectorView y,
                         Findings& findings) {
  findings.equal("correlation after an increasing map", spearman(increasing_of_x, y),
                 spearman(x, y), 1e-12);
}

double spearman_null(VectorView x, VectorView y, Findings& findings) {
  const Vector first = centred_ranks(x).normalized(), second = centred_ranks(y).normalized();
  const double observed = first.dot(second);
  std::vector<Eigen::Index> order(static_cast<size_t>(y.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::vector<double> all;
  do {
    all.push_back(first.dot(second(order)));
  } while (std::next_permutation(order.begin(), order.end()));
  const Vector correlations = Vector::Map(all.data(), static_cast<Eigen::Index>(all.size()));
  const auto count = static_cast<double>(all.size());
  const auto share_from = [&](double least_of_them) {
    return static_cast<double>((correlations.array() >= least_of_them - 1e-12).count()) / count;
  };
  findings.equal("mean correlation over all orders", correlations.mean(), 0, 1e-12);
  findings.equal("its variance, against 1 / (n - 1)", correlations.squaredNorm() / count,
                 1 / static_cast<double>(y.size() - 1), 1e-12);
  findings.at_least("exact one-sided p, against 1 / n!", share_from(observed), 1 / count, 1e-15);
  return share_from(correlations.maxCoeff());
}

}  // namespace rg::theorems
