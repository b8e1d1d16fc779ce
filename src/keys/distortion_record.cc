#include "keys/distortion_record.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "stats/order.h"
#include "stats/spearman.h"

namespace rg::keys {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr stats::Fraction kNinetyFive{19, 20};

struct MiddleAndTail {
  double median, p95;
};
MiddleAndTail middle_and_tail(std::vector<double> values) {
  if (values.empty()) return {kNothing, kNothing};
  std::sort(values.begin(), values.end());
  const double tail = stats::quantile(std::span<const double>(values), kNinetyFive);
  return {stats::median(values), tail};
}

double over(double sum, double under) { return under > 0 ? sum / under : kNothing; }

}  // namespace

void DistortionSums::add(const DistortionSums& other) {
  cases += other.cases;
  trivial += other.trivial;
  error += other.error;
  variation += other.variation;
  divergence += other.divergence;
  for (size_t b = 0; b < kBounds; ++b) vacuous[b] += other.vacuous[b];
}

void DistortionRecord::set(size_t slot, const Distortion& distortion) {
  Case& out = cases_[slot];
  check_internal(!out.set, "one distortion per slot");
  out = {.error = distortion.error,
         .value_spread = distortion.value_spread,
         .relative_error = distortion.relative_error.value_or(kNothing),
         .variation = distortion.variation,
         .divergence = distortion.divergence,
         .forecast = distortion.forecast,
         .score_error = distortion.score_error,
         .isotropic_error = distortion.isotropic_error,
         .bounds = distortion.bounds,
         .set = true};
}

void DistortionRecord::add_means(const Cases& cases, DistortionSummary& out) {
  double variation = 0, divergence = 0, score = 0, isotropic = 0;
  std::array<size_t, kBounds> vacuous{};
  for (const Case* const one : cases) {
    variation += one->variation;
    divergence += one->divergence;
    score += one->score_error * one->score_error;
    isotropic += one->isotropic_error * one->isotropic_error;
    for (size_t b = 0; b < kBounds; ++b) vacuous[b] += one->vacuous(b) ? 1u : 0u;
  }
  const auto n = static_cast<double>(cases.size());
  out.mean_variation = over(variation, n);
  out.mean_divergence = over(divergence, n);
  out.score_error = std::sqrt(over(score, n));
  out.isotropic_error = std::sqrt(over(isotropic, n));
  for (size_t b = 0; b < kBounds; ++b) {
    out.bounds[b].vacuous = over(static_cast<double>(vacuous[b]), n);
  }
}

void DistortionRecord::add_quantiles(const Cases& cases, DistortionSummary& out) {
  std::vector<double> shares, relative;
  for (const Case* const one : cases) {
    shares.push_back(one->error / one->value_spread);
    if (!std::isnan(one->relative_error)) relative.push_back(one->relative_error);
  }
  const MiddleAndTail error = middle_and_tail(std::move(shares));
  out.median_error = error.median;
  out.p95_error = error.p95;
  out.median_relative_error = stats::median(relative);
  for (size_t b = 0; b < kBounds; ++b) {
    std::vector<double> tightness;
    double excess = cases.empty() ? kNothing : -std::numeric_limits<double>::infinity();
    for (const Case* const one : cases) {
      if (one->bounds[b] > 0) tightness.push_back(one->error / one->bounds[b]);
      excess = std::max(excess, (one->error - one->bounds[b]) / one->value_spread);
    }
    out.bounds[b].largest_excess = excess;
    const MiddleAndTail of_bound = middle_and_tail(std::move(tightness));
    out.bounds[b].median_tightness = of_bound.median;
    out.bounds[b].p95_tightness = of_bound.p95;
  }
}

void DistortionRecord::add_calibration(const Cases& cases, DistortionSummary& out) {
  std::vector<double> forecasts, errors;
  double product = 0, square = 0;
  for (const Case* const one : cases) {
    forecasts.push_back(one->forecast);
    errors.push_back(one->error);
    product += one->error * one->forecast;
    square += one->forecast * one->forecast;
  }
  out.rank_correlation = stats::spearman(forecasts, errors);
  out.slope = over(product, square);
  Cases order = cases;
  std::stable_sort(order.begin(), order.end(),
                   [](const Case* a, const Case* b) { return a->forecast < b->forecast; });
  const size_t tenths = out.deciles.size();
  for (size_t i = 0; i < tenths; ++i) {
    const size_t begin = i * order.size() / tenths, end = (i + 1) * order.size() / tenths;
    double forecast = 0, error = 0;
    for (size_t at = begin; at < end; ++at) {
      forecast += order[at]->forecast;
      error += order[at]->error;
    }
    const auto n = static_cast<double>(end - begin);
    out.deciles[i] = {.cases = end - begin,
                      .mean_forecast = over(forecast, n),
                      .mean_error = over(error, n),
                      .ratio = over(error, forecast)};
  }
}

DistortionSums DistortionRecord::sums(size_t begin, size_t end) const {
  DistortionSums out;
  for (size_t slot = begin; slot < end; ++slot) {
    const Case& one = cases_[slot];
    if (!one.set) continue;
    if (one.value_spread == 0) {
      out.trivial += 1;
      continue;
    }
    out.cases += 1;
    out.error += one.error / one.value_spread;
    out.variation += one.variation;
    out.divergence += one.divergence;
    for (size_t b = 0; b < kBounds; ++b) out.vacuous[b] += one.vacuous(b) ? 1.0 : 0.0;
  }
  return out;
}

DistortionSummary DistortionRecord::summary() const {
  DistortionSummary out{};
  Cases cases;
  for (const Case& one : cases_) {
    if (!one.set) continue;
    out.cases += 1;
    if (one.value_spread == 0) {
      out.trivial += 1;
    } else {
      cases.push_back(&one);
    }
  }
  add_means(cases, out);
  add_quantiles(cases, out);
  add_calibration(cases, out);
  return out;
}

}  // namespace rg::keys
