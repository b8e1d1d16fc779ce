#include "theorems/key_only.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "theorems/extremes.h"
#include "theorems/linear.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

// n u / (1 - n u), with room for the rounding of the bounds themselves.
double gamma(Eigen::Index n) {
  const double nu = static_cast<double>(n + 4) * 0x1p-53;
  return nu / (1 - nu);
}

double row_sum_norm(const Tensor& matrix) { return matrix.cwiseAbs().rowwise().sum().maxCoeff(); }

double share_of_equal(const std::vector<Set>& a, const std::vector<Set>& b) {
  double equal = 0;
  for (size_t n = 0; n < a.size(); ++n) equal += a[n] == b[n] ? 1 : 0;
  return equal / static_cast<double>(a.size());
}

// Rounded to 8 bits of precision, as bfloat16 keeps them.
Tensor short_floats(TensorView values) {
  return values.unaryExpr([](double value) {
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);
    return std::ldexp(std::nearbyint(fraction * 256) / 256, exponent);
  });
}

// The kernel direction with the largest effect on the expert-centred logits.
Vector loudest_kernel_direction(TensorView keys, TensorView gate) {
  const Tensor kernel = kernel_basis(keys);
  if (kernel.cols() == 0) return Vector::Zero(keys.cols());
  return kernel * svd_of(expert_centred(gate) * kernel).right.col(0);
}

}  // namespace

Tensor normed(TensorView rows, const RmsNorm& norm) {
  const auto width = static_cast<double>(rows.cols());
  const Vector scale = (rows.rowwise().squaredNorm().array() / width + norm.epsilon).rsqrt();
  return scale.asDiagonal() * rows * norm.gain.asDiagonal();
}

Tensor expert_centred(TensorView gate) {
  Tensor out = gate;
  out.rowwise() -= gate.colwise().mean();
  return out;
}

double invisible_share(TensorView keys, TensorView gate) {
  const Tensor centred = expert_centred(gate);
  return (centred * kernel_projection(keys)).squaredNorm() / centred.squaredNorm();
}

std::vector<Set> routes(TensorView logits, Eigen::Index k) {
  std::vector<Set> out;
  for (Eigen::Index n = 0; n < logits.rows(); ++n) {
    out.push_back(top_k(logits.row(n).transpose(), k));
  }
  return out;
}

bool factors(TensorView summaries, const std::vector<Set>& routes) {
  std::map<std::vector<double>, Set> table;
  const auto summary = [&](size_t n) {
    const auto row = summaries.row(static_cast<Eigen::Index>(n));
    return std::vector<double>(row.begin(), row.end());
  };
  for (size_t n = 0; n < routes.size(); ++n) table[summary(n)] = routes[n];
  for (size_t n = 0; n < routes.size(); ++n) {
    if (table.at(summary(n)) != routes[n]) return false;
  }
  return true;
}

bool collides(TensorView summaries, const std::vector<Set>& routes) {
  for (size_t a = 0; a < routes.size(); ++a) {
    for (size_t b = a + 1; b < routes.size(); ++b) {
      const bool same = summaries.row(static_cast<Eigen::Index>(a)) ==
                        summaries.row(static_cast<Eigen::Index>(b));
      if (same && routes[a] != routes[b]) return true;
    }
  }
  return false;
}

void factorisation_criterion(TensorView summaries, const std::vector<Set>& routes,
                             Findings& findings) {
  findings.equal("a function exists, against: no pair collides", factors(summaries, routes) ? 1 : 0,
                 collides(summaries, routes) ? 0 : 1, 0);
}

void linear_factorisation(TensorView keys, TensorView gate, TensorView inputs, Eigen::Index k,
                          Findings& findings) {
  findings.at_most("eta", invisible_share(keys, gate), 0, 1e-12);
  const Tensor readout = gate * pseudo_inverse(keys);
  const std::vector<Set> wanted = routes(inputs * gate.transpose(), k);
  const std::vector<Set> found = routes(inputs * keys.transpose() * readout.transpose(), k);
  findings.equal("share of sets that come back from the keys", share_of_equal(found, wanted), 1, 0);
}

void linear_obstruction(TensorView keys, TensorView gate, Eigen::Index k, Findings& findings) {
  const Eigen::Index m = keys.rows(), width = keys.cols();
  const Vector z = loudest_kernel_direction(keys, gate);
  const double rounding = gamma(width);
  const double residual = (keys * z).norm() + (rounding * (keys.cwiseAbs() * z.cwiseAbs())).norm();
  const Tensor gram = keys * keys.transpose(), inverse = linear::inverse(gram);
  const Tensor spread = keys.cwiseAbs() * keys.cwiseAbs().transpose() * inverse.cwiseAbs();
  const double contraction = row_sum_norm(Tensor::Identity(m, m) - gram * inverse) +
                             gamma(2 * width + m) * (row_sum_norm(spread) + 1);
  findings.below("|I - KK' X|, so that KK' is invertible", contraction, 1);
  const double distance =
      std::sqrt(row_sum_norm(inverse) / (1 - contraction)) * residual * (1 + 1e-10);
  const Vector logits = gate * z;
  const double largest_row = gate.rowwise().norm().maxCoeff();
  const double slack =
      2 * (largest_row * distance + rounding * (gate.cwiseAbs() * z.cwiseAbs()).maxCoeff());
  findings.above("spread of the logits at a kernel vector, against twice their error",
                 logits.maxCoeff() - logits.minCoeff(), slack);
  const Set here = top_k(logits, k), there = top_k(-logits, k);
  findings.above("set margin at z", set_margin(logits, here), slack);
  findings.above("set margin at -z", set_margin(-logits, there), slack);
  findings.holds("the sets at z and -z differ", here != there);

  const Tensor centred = expert_centred(gate);
  // Centring the gate rounds too.
  const double blur = centred.norm() * rounding + gate.norm() * gamma(gate.rows());
  const double visible = (centred * z).norm() - centred.norm() * distance - blur * z.norm();
  const double lower = std::max(visible, 0.0) / ((z.norm() + distance) * centred.norm());
  findings.above("rigorous lower bound of eta", lower * lower, 0);
  findings.at_least("eta, against its lower bound", invisible_share(keys, gate), lower * lower,
                    1e-14);
}

void normed_factorisation(TensorView key_weights, const RmsNorm& key_norm, TensorView gate_weights,
                          VectorView bias, const RmsNorm& gate_norm, TensorView inputs,
                          Eigen::Index k, Findings& findings) {
  const Tensor keys = key_weights * key_norm.gain.asDiagonal();
  const Tensor gate = gate_weights * gate_norm.gain.asDiagonal();
  findings.at_most("eta", invisible_share(keys, gate), 0, 1e-12);
  Tensor logits = normed(inputs, gate_norm) * gate_weights.transpose();
  Tensor read = normed(inputs, key_norm) * key_weights.transpose() *
                (gate * pseudo_inverse(keys)).transpose();
  logits.rowwise() += bias.transpose();
  read.rowwise() += bias.transpose();
  findings.equal("share of sets that come back from the normalised keys",
                 share_of_equal(routes(read, k), routes(logits, k)), 1, 0);
}

void normed_obstruction(TensorView key_weights, const RmsNorm& key_norm, TensorView gate_weights,
                        const RmsNorm& gate_norm, Eigen::Index k, Findings& findings) {
  const Tensor keys = key_weights * key_norm.gain.asDiagonal();
  const Tensor gate = gate_weights * gate_norm.gain.asDiagonal();
  Tensor pair(2, keys.cols());
  pair.row(0) = loudest_kernel_direction(keys, gate).transpose();
  pair.row(1) = -pair.row(0);
  const Tensor both = normed(pair, key_norm) * key_weights.transpose();
  findings.at_most("keys of z and -z through the norm", largest_size(both) / keys.norm(), 0, 1e-12);
  const Tensor inputs = normed(pair, gate_norm), logits = inputs * gate_weights.transpose();
  findings.above("spread of the logits at z, relative",
                 (logits.row(0).maxCoeff() - logits.row(0).minCoeff()) /
                     (gate_weights.norm() * inputs.row(0).norm()),
                 1e-9);
  const std::vector<Set> sets = routes(logits, k);
  findings.holds("the sets at z and -z differ", sets[0] != sets[1]);
}

void too_few_keys(TensorView keys, TensorView gate, Eigen::Index k, Findings& findings) {
  const Eigen::Index rank = rank_of(keys);
  findings.below("rank of the keys, against the width", static_cast<double>(rank),
                 static_cast<double>(keys.cols()));
  const Tensor centred = expert_centred(gate);
  const Vector values = singular_values(centred);
  const double tail = values.tail(std::max<Eigen::Index>(values.size() - rank, 0)).squaredNorm();
  const double eta = invisible_share(keys, gate), energy = centred.squaredNorm();
  findings.at_least("|CG(I - P)|^2, against the energy beyond the keys' rank", eta * energy, tail,
                    1e-10 * energy);
  findings.above("eta", eta, 1e-6);
  linear_obstruction(keys, gate, k, findings);
}

void square_keys(TensorView keys, TensorView gate, TensorView inputs, const RmsNorm& norm,
                 Eigen::Index k, Findings& findings) {
  const Vector values = singular_values(keys);
  findings.below("condition number of the keys", values[0] / values[values.size() - 1], 1e10);
  const Tensor readout = gate * linear::inverse(keys);
  const Tensor stored = normed(inputs, norm) * keys.transpose();
  const Tensor logits = normed(inputs, norm) * gate.transpose();
  const std::vector<Set> wanted = routes(inputs * norm.gain.asDiagonal() * gate.transpose(), k);
  const auto overlap = [&](const Tensor& read) {
    const std::vector<Set> found = routes(read * readout.transpose(), k);
    double sum = 0;
    for (size_t n = 0; n < found.size(); ++n)
      sum += static_cast<double>(common(found[n], wanted[n]));
    return sum / static_cast<double>(k * inputs.rows());
  };
  findings.equal("overlap of the sets read from the keys", overlap(stored), 1, 0);
  findings.equal("the same behind a norm over all keys", overlap(stored.rowwise().normalized()), 1,
                 0);
  const double gain = readout.rowwise().norm().maxCoeff();
  const auto kept = [&](const char* name, const Tensor& read) {
    double certain = 0;
    for (Eigen::Index n = 0; n < inputs.rows(); ++n) {
      const double margin = set_margin(logits.row(n).transpose(), wanted[static_cast<size_t>(n)]);
      if (margin > 2 * gain * (read.row(n) - stored.row(n)).norm()) ++certain;
    }
    findings.at_least(
        std::string("overlap from ") + name + ", against the share with a safe margin",
        overlap(read), certain / static_cast<double>(inputs.rows()));
  };
  kept("keys of 8 bits of precision", short_floats(stored));
  kept("1-bit keys", mmse_code(stored));
}

void per_head_norm_collision(TensorView keys, Eigen::Index heads, TensorView gate, VectorView x,
                             Eigen::Index k, Findings& findings) {
  const Tensor inverse = linear::inverse(keys);
  const Vector own = keys * x;
  const Eigen::Index d = keys.rows() / heads;
  const Set set = top_k(gate * x, k);
  const auto directions = [&](const Vector& of) {
    Vector out = of;
    for (Eigen::Index h = 0; h < heads; ++h) out.segment(h * d, d).normalize();
    return out;
  };
  for (Eigen::Index h = 0; h < heads; ++h) {
    for (int power = -8; power <= 8; ++power) {
      Vector scaled = own;
      scaled.segment(h * d, d) *= std::ldexp(1.0, power);
      const Vector other = inverse * scaled;
      if (top_k(gate * other, k) == set) continue;
      findings.at_most("difference of the per-head normalised keys",
                       (directions(keys * other) - directions(own)).norm(), 0, 1e-8);
      findings.holds("an input of equal normalised keys has another set", true);
      return;
    }
  }
  findings.holds("an input of equal normalised keys has another set", false);
}

void lipschitz_bound(TensorView keys, TensorView logits, TensorView surrogate, Eigen::Index k,
                     Findings& findings) {
  const double size = logits.cwiseAbs().maxCoeff();
  findings.at_most("largest error of the surrogate",
                   largest_size(keys * surrogate.transpose() - logits) / size, 0, 1e-9);
  const std::vector<Set> sets = routes(logits, k);
  std::vector<double> margins, slopes;
  for (Eigen::Index n = 0; n < keys.rows(); ++n) {
    margins.push_back(set_margin(logits.row(n).transpose(), sets[static_cast<size_t>(n)]));
  }
  for (size_t a = 0; a < sets.size(); ++a) {
    double steepest = 0;  // to the others, of whatever distance
    for (size_t b = 0; b < sets.size(); ++b) {
      if (sets[a] == sets[b]) continue;
      const double distance =
          (keys.row(static_cast<Eigen::Index>(a)) - keys.row(static_cast<Eigen::Index>(b))).norm();
      steepest = std::max(steepest, std::sqrt(2.0) * std::min(margins[a], margins[b]) / distance);
    }
    if (steepest > 0) slopes.push_back(steepest);
  }
  findings.holds("some sets differ", !slopes.empty());
  if (slopes.empty()) return;
  std::sort(slopes.begin(), slopes.end());
  const double lipschitz = spectral_norm(surrogate);
  findings.at_most("sqrt(2) margin / distance, 95th percentile", slopes[slopes.size() * 95 / 100],
                   lipschitz, 1e-12 * lipschitz);
  findings.at_most("sqrt(2) margin / distance, largest, against the largest singular value",
                   slopes.back(), lipschitz, 1e-12 * lipschitz);
}

}  // namespace rg::theorems
