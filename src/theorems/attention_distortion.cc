#include "theorems/attention_distortion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "theorems/attention.h"
#include "theorems/extremes.h"
#include "theorems/key_samples.h"
#include "theorems/linear.h"
#include "theorems/one_bit.h"
#include "theorems/sampling.h"
#include "theorems/tightest.h"

namespace rg::theorems {
namespace {

// 5-point Gauss-Legendre on [-1, 1].
constexpr std::array<double, 5> kNodes{-0.906179845938663993, -0.538469310105683091, 0,
                                       0.538469310105683091, 0.906179845938663993};
constexpr std::array<double, 5> kShares{0.236926885056189088, 0.478628670499366468,
                                        0.568888888888888889, 0.478628670499366468,
                                        0.236926885056189088};

double norm_of(const Vector& v, double p) {
  if (std::isinf(p)) return largest_size(v);
  return std::pow(v.cwiseAbs().array().pow(p).sum(), 1 / p);
}

Vector root_missing(TensorView keys) {  // sqrt(1 - beta) of every key
  return (1 - cosines_1bit(keys).array().square()).sqrt();
}

}  // namespace

double spread(VectorView values) { return largest(values) - least(values); }

double total_variation(VectorView p, VectorView other) { return (p - other).lpNorm<1>() / 2; }

double covariance(VectorView p, VectorView x, VectorView y) {
  return p.dot((x.array() - p.dot(x)).matrix().cwiseProduct((y.array() - p.dot(y)).matrix()));
}

double mean_deviation(VectorView p, VectorView values) {
  std::vector<Eigen::Index> order(static_cast<size_t>(p.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::sort(order.begin(), order.end(),
            [&](Eigen::Index a, Eigen::Index b) { return values[a] < values[b]; });
  double mass = 0, median = values[order.back()];
  for (const Eigen::Index i : order) {
    mass += p[i];
    if (mass >= 0.5) {
      median = values[i];
      break;
    }
  }
  return p.dot((values.array() - median).abs().matrix());
}

void softmax_lipschitz(TensorView scores, TensorView other_scores, TensorView weights,
                       TensorView other_weights, Findings& findings) {
  const double sup = INFINITY;
  struct Case {
    const char* name;
    double score_norm, weight_norm, constant;
  };
  for (const Case& c :
       {Case{"1-norm", 1, 1, 0.5}, Case{"3/2-norm", 1.5, 1.5, 0.5}, Case{"2-norm", 2, 2, 0.5},
        Case{"3-norm", 3, 3, 0.5}, Case{"sup norm", sup, sup, 0.5},
        Case{"sup to 1-norm", sup, 1, 1}, Case{"1-norm to sup", 1, sup, 0.25}}) {
    Tightest ratio;
    for (Eigen::Index n = 0; n < scores.rows(); ++n) {
      const double moved =
          norm_of((weights.row(n) - other_weights.row(n)).transpose(), c.weight_norm);
      const double by = norm_of((scores.row(n) - other_scores.row(n)).transpose(), c.score_norm);
      ratio.see(moved / by, c.constant);
    }
    findings.at_most(std::string("largest ratio of weight to score distance, ") + c.name,
                     ratio.value(), ratio.bound(), 1e-12);
  }
}

void softmax_jacobian(VectorView p, Findings& findings) {
  const Tensor jacobian = Tensor(p.asDiagonal()) - p * p.transpose();
  const Vector sums = jacobian.cwiseAbs().rowwise().sum();
  const Vector expected = 2 * p.array() * (1 - p.array());
  findings.at_most("largest difference of row sums from 2p(1 - p)", largest_size(sums - expected),
                   0, 1e-14);
  findings.at_most("largest row sum of the Jacobian", largest(sums), 0.5, 1e-14);
  findings.at_most("its largest singular value, against the largest row sum",
                   spectral_norm(jacobian), largest(sums), 1e-14);
  const Tensor signs = all_sign_vectors(p.size());
  const Vector image = (signs * jacobian).cwiseAbs().rowwise().sum();
  const Vector mass = (signs * p).array() / 2 + 0.5;  // of the set of the +1
  const Vector products = 4 * mass.array() * (1 - mass.array());
  findings.equal("norm from sup to 1, against max 4 P (1 - P) over sets", largest(image),
                 largest(products), 1e-14);
  findings.at_most("norm from sup to 1", largest(image), 1, 1e-14);
  findings.at_most("norm from 1 to sup", largest_size(jacobian), 0.25, 1e-14);
}

void variation_bound(TensorView scores, TensorView other_scores, TensorView weights,
                     TensorView other_weights, Findings& findings) {
  Tightest difference, quotient;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    const double bound = std::tanh(spread((scores.row(n) - other_scores.row(n)).transpose()) / 4);
    const double moved =
        total_variation(weights.row(n).transpose(), other_weights.row(n).transpose());
    difference.see(moved, bound);
    if (bound > 0.01) quotient.see(moved / bound, 1);  // below this, rounding dominates
  }
  findings.at_most("total variation, against tanh(osc / 4)", difference.value(), difference.bound(),
                   1e-12);
  findings.at_most("largest quotient of the two", quotient.value(), quotient.bound(), 1e-12);
}

void output_bounds(TensorView queries, TensorView keys, TensorView coded_keys, TensorView values,
                   TensorView coded_values, Findings& findings) {
  const double root = std::sqrt(static_cast<double>(keys.cols()));
  const Tensor key_error = coded_keys - keys;
  const double value_error = largest_size(coded_values - values);
  const double value_spread =
      largest((values.colwise().maxCoeff() - values.colwise().minCoeff()).transpose());
  Tightest variation, bent, linear, euclidean, entrywise, simple, multiplicative;
  for (Eigen::Index m = 0; m < queries.rows(); ++m) {
    const Vector q = queries.row(m).transpose(), scores = keys * q / root;
    const Vector errors = key_error * q / root;
    const Vector p = softmax(scores), other = softmax(scores + errors);
    const double osc = spread(errors);
    const double measured = largest_size(coded_values.transpose() * other - values.transpose() * p);
    double deviation = 0;
    for (Eigen::Index c = 0; c < values.cols(); ++c) {
      deviation = std::max(deviation, mean_deviation(p, values.col(c)));
    }
    const double b1 = total_variation(p, other) * value_spread + value_error;
    const double b2 = std::tanh(osc / 4) * value_spread + value_error;
    const double b3 = osc / 4 * value_spread + value_error;
    const double b4 =
        q.norm() * largest(key_error.rowwise().norm()) / (2 * root) * value_spread + value_error;
    const double entry = q.lpNorm<1>() * largest_size(key_error) / root;
    const double b5 = entry / 2 * value_spread + value_error;
    variation.see(measured, b1);
    bent.see(b1, b2);
    linear.see(b2, b3);
    euclidean.see(b3, b4);
    entrywise.see(b3, b5);
    simple.see(b5, entry * largest_size(values) + value_error);
    multiplicative.see(measured, std::expm1(osc) * deviation + value_error);
  }
  const auto report = [&](const char* name, const Tightest& tightest) {
    findings.at_most(name, tightest.value(), tightest.bound(), 1e-9);
  };
  report("output error, against TV osc(V)", variation);
  report("TV, against tanh(osc / 4)", bent);
  report("tanh(osc / 4), against osc / 4", linear);
  report("osc / 4, against |q| max |dk| / 2 sqrt(d)", euclidean);
  report("osc / 4, against |q|_1 max |dK| / 2 sqrt(d)", entrywise);
  report("half spread of the values, against their size", simple);
  report("output error, against (exp(osc) - 1) E|v - b|", multiplicative);
}

void code_error_bound(TensorView queries, TensorView keys, TensorView codes, Findings& findings) {
  const Vector errors = (codes - keys).rowwise().norm();
  const Vector expected = keys.rowwise().norm().cwiseProduct(root_missing(keys));
  // If 1 - beta is only rounding, so is the error; so it is measured relative to the key.
  findings.at_most(
      "largest | |dk| - |k| sqrt(1 - beta) |, relative, squared lengths",
      largest_size(
          (errors.cwiseAbs2() - expected.cwiseAbs2()).cwiseQuotient(keys.rowwise().squaredNorm())),
      0, 1e-12);
  const double root = std::sqrt(static_cast<double>(keys.cols()));
  Tightest osc;
  for (Eigen::Index m = 0; m < queries.rows(); ++m) {
    const Vector q = queries.row(m).transpose();
    osc.see(spread((codes - keys) * q / root), 2 * q.norm() * largest(expected) / root);
  }
  findings.at_most("osc of the score errors, against 2 |q| max |k| sqrt(1 - beta) / sqrt(d)",
                   osc.value(), osc.bound(), 1e-9);
}

void typical_score_error(TensorView queries, TensorView keys, TensorView codes,
                         Findings& findings) {
  const auto d = static_cast<double>(keys.cols());
  const Tensor errors = queries * (codes - keys).transpose() / std::sqrt(d);
  const Vector predicted = (queries.rowwise().norm().mean() / d) *
                           keys.rowwise().norm().cwiseProduct(root_missing(keys));
  const Tensor ratios = errors.cwiseAbs2() * predicted.cwiseAbs2().cwiseInverse().asDiagonal();
  const Estimate mean = mean_of(ratios.rowwise().mean());
  findings.equal("mean squared score error over its prediction", mean.value, 1,
                 kErrors * mean.error);
}

void covariance_form(VectorView scores, VectorView weights, VectorView errors,
                     VectorView other_weights, TensorView values, Findings& findings) {
  constexpr int kPieces = 100;
  Vector integral = Vector::Zero(values.cols()), deviations = integral;
  for (int piece = 0; piece < kPieces; ++piece) {
    for (size_t node = 0; node < kNodes.size(); ++node) {
      const double t = (piece + (1 + kNodes[node]) / 2) / kPieces;
      const Vector p = softmax(scores + t * errors);
      const double sd = std::sqrt(std::max(covariance(p, errors, errors), 0.0));
      for (Eigen::Index c = 0; c < values.cols(); ++c) {
        const Vector v = values.col(c);
        integral[c] += kShares[node] / (2 * kPieces) * covariance(p, errors, v);
        deviations[c] = std::max(deviations[c], sd * std::sqrt(std::max(covariance(p, v, v), 0.0)));
      }
    }
  }
  const Vector measured = values.transpose() * (other_weights - weights);
  Tightest gap, bound;
  for (Eigen::Index c = 0; c < values.cols(); ++c) {
    gap.see(std::abs(integral[c] - measured[c]) / spread(values.col(c)), 0);
    bound.see(std::abs(measured[c]), deviations[c]);
  }
  findings.at_most("|integral of the covariance - output change| / osc(v)", gap.value(),
                   gap.bound(), 1e-8);
  findings.at_most("output change, against sd(error) sd(value) on the way", bound.value(),
                   bound.bound(), 1e-9);
}

double forecast_correlation(VectorView scores, TensorView errors, VectorView values) {
  const Vector p = softmax(scores);
  Vector forecast(errors.rows()), measured(errors.rows());
  for (Eigen::Index n = 0; n < errors.rows(); ++n) {
    const Vector error = errors.row(n).transpose();
    forecast[n] = covariance(p, error, values);
    measured[n] = values.dot(softmax(scores + error) - p);
  }
  forecast.array() -= forecast.mean();
  measured.array() -= measured.mean();
  return forecast.normalized().dot(measured.normalized());
}

double multiplicative_bound(VectorView weights, VectorView errors, VectorView other_weights,
                            TensorView values, Findings& findings) {
  const double osc = spread(errors);
  Tightest room;
  double lower = 0;
  for (Eigen::Index c = 0; c < values.cols(); ++c) {
    const Vector v = values.col(c);
    const double bound = std::expm1(osc) * mean_deviation(weights, v);
    room.see(std::abs(v.dot(other_weights - weights)), bound);
    lower += bound < std::tanh(osc / 4) * spread(v) ? 1 : 0;
  }
  findings.at_most("output change, against (exp(osc) - 1) E|v - b|", room.value(), room.bound(),
                   1e-9);
  return lower / static_cast<double>(values.cols());
}

}  // namespace rg::theorems
