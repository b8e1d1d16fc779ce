#include <algorithm>
#include <cmath>
#include <limits>

#include "theorems/extremes.h"
#include "theorems/key_only.h"
#include "theorems/linear.h"
#include "theorems/sampling.h"

namespace rg::theorems {
namespace {

// K x / sqrt(|x|^2 / D + epsilon).
Vector keys_of(TensorView keys, VectorView x, double epsilon) {
  return keys * x / std::sqrt(x.squaredNorm() / static_cast<double>(x.size()) + epsilon);
}

double key_difference(TensorView keys, VectorView x0, VectorView x, double epsilon) {
  const Vector wanted = keys_of(keys, x0, epsilon);
  return (keys_of(keys, x, epsilon) - wanted).norm() / wanted.norm();
}

// The member of the class most opposed to the pair: y against P g, on the sphere for epsilon 0,
// else halfway between where the pair ties and the rim.
Vector witness(const KeyClass& keyed, TensorView gate, const Determinacy& pair) {
  const Vector g = (gate.row(pair.inside) - gate.row(pair.outside)).transpose();
  const Vector hidden = keyed.projection * g;
  const double tie = std::max(g.dot(keyed.seen) / hidden.norm(), 0.0);
  const double size = keyed.room == 0 ? keyed.inner : (tie + keyed.rim) / 2;
  return class_member(keyed, -size * hidden.normalized());
}

void changes_the_set(TensorView keys, TensorView gate, VectorView x0, double epsilon,
                     const KeyClass& keyed, const Determinacy& pair, Eigen::Index k,
                     Findings& findings) {
  const Vector x = witness(keyed, gate, pair);
  findings.at_most("relative difference of the witness's keys",
                   key_difference(keys, x0, x, epsilon), 0, 1e-12);
  findings.holds("the witness has another set", top_k(gate * x, k) != top_k(gate * x0, k));
}

}  // namespace

double residue_share(TensorView keys, TensorView gate, TensorView covariance) {
  const Tensor centred = expert_centred(gate);
  const Tensor cross = covariance * keys.transpose();
  const Tensor inner = keys * cross;
  const Tensor left = covariance - cross * pseudo_inverse(inner) * cross.transpose();
  return (centred * left * centred.transpose()).trace() /
         (centred * covariance * centred.transpose()).trace();
}

void residue_of_fit(TensorView samples, TensorView keys, TensorView gate, Findings& findings) {
  Tensor inputs = samples;
  inputs.rowwise() -= samples.colwise().mean();
  const Tensor read = inputs * keys.transpose();
  const Tensor logits = inputs * expert_centred(gate).transpose();
  const Tensor fit = pseudo_inverse(read) * logits;
  const Tensor covariance = inputs.transpose() * inputs / static_cast<double>(inputs.rows());
  findings.equal("1 - R^2 of the least-squares fit, against the Schur complement",
                 (logits - read * fit).squaredNorm() / logits.squaredNorm(),
                 residue_share(keys, gate, covariance), 1e-10);
}

void residue_of_law(TensorView samples, TensorView covariance, TensorView keys, TensorView gate,
                    Findings& findings) {
  const Tensor centred = expert_centred(gate);
  const Tensor cross = covariance * keys.transpose();
  const Tensor readout = centred * cross * pseudo_inverse(keys * cross);
  const Vector errors = (samples * (centred - readout * keys).transpose()).rowwise().squaredNorm();
  const double energy = (centred * covariance * centred.transpose()).trace();
  const Estimate share = mean_of(errors / energy);
  findings.equal("mean squared error of the best linear readout, as a share", share.value,
                 residue_share(keys, gate, covariance), kErrors * share.error);
}

void residue_by_angles(TensorView keys, TensorView gate, Findings& findings) {
  const Svd seen = svd_of(keys), wanted = svd_of(expert_centred(gate));
  const Tensor key_rows = seen.right.leftCols(rank_of(keys));
  const Eigen::Index rank = rank_of(expert_centred(gate));
  const Tensor gate_rows = wanted.right.leftCols(rank);
  const Vector squares = wanted.values.head(rank).cwiseAbs2();
  const Vector hidden = 1 - (gate_rows.transpose() * key_rows).rowwise().squaredNorm().array();
  const double eta = invisible_share(keys, gate);
  findings.equal("eta, against residue_share of the identity", eta,
                 residue_share(keys, gate, Tensor::Identity(keys.cols(), keys.cols())), 1e-10);
  findings.equal("eta, against the gate's own directions and their angles to the keys", eta,
                 squares.dot(hidden) / squares.sum(), 1e-10);
  const Vector cosines = singular_values(gate_rows.transpose() * key_rows);
  findings.equal("mean squared sine of the principal angles",
                 1 - cosines.squaredNorm() / static_cast<double>(rank), hidden.mean(), 1e-10);
}

void residue_null(VectorView shares, Eigen::Index keys, Eigen::Index width, Findings& findings) {
  near(findings, "mean eta of random gates, against 1 - m/D", mean_of(shares),
       1 - static_cast<double>(keys) / static_cast<double>(width), 0);
}

KeyClass key_class(TensorView keys, VectorView x0, double epsilon) {
  const Tensor projection = kernel_projection(keys);
  const Vector hidden = projection * x0;
  const double inner = hidden.norm(), room = static_cast<double>(x0.size()) * epsilon;
  return {.projection = projection,
          .seen = x0 - hidden,
          .inner = inner,
          .room = room,
          .rim = std::sqrt(inner * inner + room)};
}

Vector class_member(const KeyClass& keyed, VectorView y) {
  if (keyed.room == 0) return keyed.seen + y;
  const double inverse_square = 1 + (keyed.inner * keyed.inner - y.squaredNorm()) / keyed.room;
  return (keyed.seen + y) / std::sqrt(inverse_square);
}

void class_has_one_key(TensorView keys, VectorView x0, double epsilon, TensorView ys,
                       Findings& findings) {
  const KeyClass keyed = key_class(keys, x0, epsilon);
  double worst = 0;
  for (Eigen::Index n = 0; n < ys.rows(); ++n) {
    const Vector x = class_member(keyed, ys.row(n).transpose());
    worst = worse(worst, key_difference(keys, x0, x, epsilon));
  }
  findings.at_most("largest relative difference of a member's keys", worst, 0, 1e-12);
}

Determinacy determinacy(const KeyClass& keyed, TensorView gate, VectorView x0, double radius,
                        Eigen::Index k) {
  const Set set = top_k(gate * x0, k);
  Determinacy worst{.slack = std::numeric_limits<double>::infinity(), .inside = 0, .outside = 0};
  for (const Eigen::Index i : set) {
    for (const Eigen::Index j : complement(set, gate.rows())) {
      const Vector g = (gate.row(i) - gate.row(j)).transpose();
      const double slack = g.dot(keyed.seen) - (keyed.projection * g).norm() * radius;
      if (slack < worst.slack) worst = {.slack = slack, .inside = i, .outside = j};
    }
  }
  return worst;
}

void determined_by_keys(TensorView keys, TensorView gate, VectorView x0, double epsilon,
                        TensorView directions, Eigen::Index k, Findings& findings) {
  const KeyClass keyed = key_class(keys, x0, epsilon);
  const Determinacy pair = determinacy(keyed, gate, x0, keyed.rim, k);
  findings.at_least("slack of the test at the rim", pair.slack, 0);
  double changed = 0;
  const auto visit = [&](const Vector& y) {
    if (top_k(gate * class_member(keyed, y), k) != top_k(gate * x0, k)) ++changed;
  };
  const Tensor hidden = directions * keyed.projection;
  for (Eigen::Index n = 0; n < hidden.rows(); ++n) {
    const Vector unit = hidden.row(n).transpose().normalized();
    if (epsilon == 0) {
      visit(keyed.inner * unit);
    } else {
      for (const double size : {0.0, 0.5, 0.99, 1 - 1e-9}) visit(size * keyed.rim * unit);
    }
  }
  const Vector against =
      keyed.projection * (gate.row(pair.outside) - gate.row(pair.inside)).transpose();
  if (against.norm() > 0) {
    visit((epsilon == 0 ? keyed.inner : (1 - 1e-9) * keyed.rim) * against.normalized());
  }
  findings.equal("members with another set", changed, 0, 0);
}

void undetermined_by_keys(TensorView keys, TensorView gate, VectorView x0, double epsilon,
                          Eigen::Index k, Findings& findings) {
  const KeyClass keyed = key_class(keys, x0, epsilon);
  const Determinacy pair = determinacy(keyed, gate, x0, keyed.rim, k);
  findings.below("slack of the test at the rim", pair.slack, 0);
  changes_the_set(keys, gate, x0, epsilon, keyed, pair, k, findings);
}

void sphere_is_too_small(TensorView keys, TensorView gate, VectorView x0, double epsilon,
                         Eigen::Index k, Findings& findings) {
  const KeyClass keyed = key_class(keys, x0, epsilon);
  findings.at_least("slack of the test at |Px0|",
                    determinacy(keyed, gate, x0, keyed.inner, k).slack, 0);
  const Determinacy pair = determinacy(keyed, gate, x0, keyed.rim, k);
  findings.below("slack of the test at the rim", pair.slack, 0);
  changes_the_set(keys, gate, x0, epsilon, keyed, pair, k, findings);
}

}  // namespace rg::theorems
