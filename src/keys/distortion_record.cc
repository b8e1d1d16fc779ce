#include "keys/distortion_record.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "stats/order.h"
#include "stats/spearman.h"

namespace rg::keys {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr stats::Fraction kNinetyFive{19, 20};

struct MiddleAndTail {
  double median, p95, largest;
};
MiddleAndTail middle_and_tail(std::vector<double> values) {
  if (values.empty()) return {kNothing, kNothing, kNothing};
  std::sort(values.begin(), values.end());
  const double tail = stats::quantile(std::span<const double>(values), kNinetyFive);
  return {stats::median(values), tail, values.back()};
}

}  // namespace

void DistortionSums::add(const DistortionSums& other) {
  cases += other.cases;
  trivial += other.trivial;
  error += other.error;
  forecast += other.forecast;
  product += other.product;
  forecast_squares += other.forecast_squares;
  variation += other.variation;
  divergence += other.divergence;
  score_squares += other.score_squares;
  isotropic_squares += other.isotropic_squares;
  for (size_t b = 0; b < kBounds; ++b) vacuous[b] += other.vacuous[b];
}

DistortionRecord::Case DistortionRecord::case_of(const Distortion& distortion) {
  const double spread = distortion.value_spread;
  if (distortion.trivial()) {
    Case out{};
    out.set = out.trivial = true;
    return out;
  }
  Case out{.error = distortion.error / spread,
           .forecast = distortion.forecast / spread,
           .relative_error = distortion.relative_error.value_or(kNothing),
           .variation = distortion.variation,
           .divergence = distortion.divergence,
           .score_squares = distortion.score_error * distortion.score_error,
           .isotropic_squares = distortion.isotropic_error * distortion.isotropic_error,
           .tightness = {},
           .excess = {},
           .vacuous = {},
           .set = true};
  for (size_t b = 0; b < kBounds; ++b) {
    const double bound = distortion.bounds[b];
    out.tightness[b] = bound > 0 ? std::min(distortion.error / bound, 1.0) : kNothing;
    out.excess[b] = (distortion.error - bound) / (spread + distortion.value_error);
    out.vacuous[b] = distortion.vacuous(b);
  }
  // B1 <= B2 <= B3 <= B4, B5 but for rounding, which must not change the order of counts.
  for (const auto& [below, above] :
       {std::pair{kVariation, kTanh}, std::pair{kTanh, kLinear}, std::pair{kLinear, kEuclidean},
        std::pair{kLinear, kEntrywise}}) {
    out.vacuous[above] = out.vacuous[above] || out.vacuous[below];
  }
  return out;
}

void DistortionRecord::set(size_t slot, const Distortion& distortion) {
  check_internal(!cases_[slot].set, "one distortion per slot");
  cases_[slot] = case_of(distortion);
}

DistortionSums DistortionRecord::sums(size_t begin, size_t end) const {
  DistortionSums out;
  for (size_t slot = begin; slot < end; ++slot) {
    const Case& one = cases_[slot];
    if (!one.set) continue;
    if (one.trivial) {
      out.trivial += 1;
      continue;
    }
    out.cases += 1;
    out.error += one.error;
    out.forecast += one.forecast;
    out.product += one.error * one.forecast;
    out.forecast_squares += one.forecast * one.forecast;
    out.variation += one.variation;
    out.divergence += one.divergence;
    out.score_squares += one.score_squares;
    out.isotropic_squares += one.isotropic_squares;
    for (size_t b = 0; b < kBounds; ++b) out.vacuous[b] += one.vacuous[b] ? 1u : 0u;
  }
  return out;
}

BoundSummary DistortionRecord::summary_of(const Cases& cases, size_t bound) {
  std::vector<double> tightness;
  double excess = cases.empty() ? kNothing : -std::numeric_limits<double>::infinity();
  for (const Case* const one : cases) {
    if (!std::isnan(one->tightness[bound])) tightness.push_back(one->tightness[bound]);
    excess = std::max(excess, one->excess[bound]);
  }
  const MiddleAndTail found = middle_and_tail(std::move(tightness));
  return {.median_tightness = found.median, .p95_tightness = found.p95, .largest_excess = excess};
}

void DistortionRecord::add_calibration(const Cases& cases, DistortionSummary& out) {
  std::vector<double> forecasts, errors;
  for (const Case* const one : cases) {
    forecasts.push_back(one->forecast);
    errors.push_back(one->error);
  }
  // NaN passes through; rounding must not leave the range.
  const double correlation = stats::spearman(forecasts, errors);
  out.rank_correlation = std::isnan(correlation) ? kNothing : std::clamp(correlation, -1.0, 1.0);
  Cases order = cases;
  std::stable_sort(order.begin(), order.end(),
                   [](const Case* a, const Case* b) { return a->forecast < b->forecast; });
  const size_t tenths = out.deciles.size();
  for (size_t i = 0; i < tenths; ++i) {
    const size_t begin = i * order.size() / tenths, end = (i + 1) * order.size() / tenths;
    out.deciles[i] = {.cases = end - begin, .forecast = 0, .error = 0};
    for (size_t at = begin; at < end; ++at) {
      out.deciles[i].forecast += order[at]->forecast;
      out.deciles[i].error += order[at]->error;
    }
  }
}

DistortionSummary DistortionRecord::summary() const {
  DistortionSummary out{};
  Cases cases;
  std::vector<double> errors, relative;
  for (const Case& one : cases_) {
    if (!one.set || one.trivial) continue;
    cases.push_back(&one);
    errors.push_back(one.error);
    if (!std::isnan(one.relative_error)) relative.push_back(one.relative_error);
  }
  const MiddleAndTail error = middle_and_tail(std::move(errors));
  out.median_error = error.median;
  out.p95_error = error.p95;
  out.largest_error = error.largest;
  out.median_relative_error = stats::median(relative);
  for (size_t b = 0; b < kBounds; ++b) out.bounds[b] = summary_of(cases, b);
  add_calibration(cases, out);
  return out;
}

}  // namespace rg::keys
