#include "keys/attention_distortion.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "stats/pinned_math.h"

namespace rg::keys {
namespace {

constexpr double kLargestExponent = 700;  // of pinned_exp
constexpr double kLargestOsc = 600;       // beyond it B6 says nothing, and would overflow

double weight_of(double exponent) {  // exp of something not above 0
  return exponent < -kLargestExponent ? 0.0 : stats::pinned_exp(exponent);
}

double tanh_of(double x) {  // x >= 0
  // Below this, what follows would lose digits; the next term is 17/315 x^7.
  if (x < 0.005) return x * (1 - x * x / 3 * (1 - x * x * 0.4));
  const double e = weight_of(-2 * x);
  return (1 - e) / (1 + e);
}

double growth_of(double x) {  // exp(x) - 1, 0 <= x <= kLargestOsc
  if (x < 1e-4) return x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4)));
  return stats::pinned_exp(x) - 1;
}

double dot(std::span<const float> query, const float* key) {
  double sum = 0;
  for (size_t j = 0; j < query.size(); ++j) {
    sum += static_cast<double>(query[j]) * static_cast<double>(key[j]);
  }
  return sum;
}

double osc_of(std::span<const double> values) {
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  return *largest - *least;
}

// Softmax of scores in place; the logarithm of what it divides by.
double make_weights(std::vector<double>& scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) {
    score = weight_of(score - largest);
    total += score;
  }
  for (double& weight : scores) weight /= total;
  return largest + stats::pinned_log(total);
}

// min_b sum of weight |value - b|; b is a weighted median. Reorders the pairs (value, weight).
double least_deviation(std::vector<std::pair<double, double>>& pairs) {
  std::sort(pairs.begin(), pairs.end());
  double mass = 0, median = pairs.back().first;
  for (const auto& [value, weight] : pairs) {
    mass += weight;
    if (mass >= 0.5) {
      median = value;
      break;
    }
  }
  double deviation = 0;
  for (const auto& [value, weight] : pairs) deviation += weight * std::abs(value - median);
  return deviation;
}

}  // namespace

struct ExactAttention::Moved {
  std::vector<double> delta;    // the sink's last: 0
  std::vector<double> weights;  // p'
  double log_total = 0;
  double largest_norm = 0, largest_entry = 0;       // of key errors
  double squared_delta = 0, squared_isotropic = 0;  // sums over coded keys
  uint32_t coded = 0;                               // keys that aren't exact
};

struct ExactAttention::Change {
  double mean_delta;  // E_p delta
  double error, squared, forecast, value_error;
};

ExactAttention::ExactAttention(const HeadRows& rows, std::span<const float> query,
                               uint32_t position, const AttentionRule& rule)
    : rows_(rows), query_(query), rule_(rule), end_(position + 1) {
  const size_t d = rows.key_width, width = rows.value_width;
  check_internal(query.size() == d && d > 0 && width > 0, "a query of the keys' width");
  check_internal(rows.keys.size() >= end_ * d && rows.values.size() >= end_ * width,
                 "rows up to the query's position");
  check_internal(!rule.window || *rule.window > 0, "a window of at least one key");
  first_ = rule.window && end_ > *rule.window ? end_ - *rule.window : 0;
  for (uint32_t i = first_; i < end_; ++i) {
    scores_.push_back(rule.scale * dot(query, rows.keys.data() + i * d));
  }
  if (rule.sink) scores_.push_back(*rule.sink);
  weights_ = scores_;
  log_total_ = make_weights(weights_);
  std::vector<std::pair<double, double>> pairs(weights_.size());
  for (size_t c = 0; c < width; ++c) {
    double mean = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      const double value =
          i < seen() ? static_cast<double>(rows.values[(first_ + i) * width + c]) : 0.0;
      pairs[i] = {value, weights_[i]};
      mean += weights_[i] * value;
    }
    output_.push_back(mean);
    value_deviation_ = std::max(value_deviation_, least_deviation(pairs));  // sorts the values
    value_spread_ = std::max(value_spread_, pairs.back().first - pairs.front().first);
  }
}

ExactAttention::Moved ExactAttention::moved(const HeadRows& coded, uint32_t exact_first) const {
  const size_t d = rows_.key_width;
  Moved out;
  out.delta.assign(scores_.size(), 0.0);
  const auto width = static_cast<double>(d);
  double squared_query = 0;
  for (const float q : query_) squared_query += static_cast<double>(q) * static_cast<double>(q);
  for (size_t i = 0; i < seen(); ++i) {
    if (first_ + i < exact_first) continue;
    const float* const key = rows_.keys.data() + (first_ + i) * d;
    const float* const read = coded.keys.data() + (first_ + i) * d;
    double delta = 0, squared = 0;
    for (size_t j = 0; j < d; ++j) {
      const double error = static_cast<double>(read[j]) - static_cast<double>(key[j]);
      delta += static_cast<double>(query_[j]) * error;
      squared += error * error;
      out.largest_entry = std::max(out.largest_entry, std::abs(error));
    }
    out.delta[i] = rule_.scale * delta;
    out.largest_norm = std::max(out.largest_norm, std::sqrt(squared));
    out.squared_delta += out.delta[i] * out.delta[i];
    out.squared_isotropic += rule_.scale * rule_.scale * squared_query * squared / width;
    out.coded += 1;
  }
  out.weights = scores_;
  for (size_t i = 0; i < scores_.size(); ++i) out.weights[i] += out.delta[i];
  out.log_total = make_weights(out.weights);
  return out;
}

ExactAttention::Change ExactAttention::change(const HeadRows& coded, uint32_t exact_first,
                                              const Moved& now) const {
  const size_t width = rows_.value_width;
  Change out{};
  for (size_t i = 0; i < weights_.size(); ++i) out.mean_delta += weights_[i] * now.delta[i];
  std::vector<double> changes(width), forecasts(width);
  // Both weights sum to 1, so that values may be counted from one of them: differences of values
  // are what matters, and large equal values would cost them their digits.
  std::vector<double> origin(width, 0);
  if (!rule_.sink) {
    const float* const first = rows_.values.data() + size_t{first_} * width;
    std::copy_n(first, width, origin.begin());
  }
  for (size_t i = 0; i < seen(); ++i) {
    const float* const exact = rows_.values.data() + (first_ + i) * width;
    const float* const read =
        first_ + i < exact_first ? exact : coded.values.data() + (first_ + i) * width;
    const double p = weights_[i], other = now.weights[i], shift = now.delta[i] - out.mean_delta;
    for (size_t c = 0; c < width; ++c) {
      const auto value = static_cast<double>(exact[c]);
      const double error = static_cast<double>(read[c]) - value, from_origin = value - origin[c];
      out.value_error = std::max(out.value_error, std::abs(error));
      changes[c] += (other - p) * from_origin + other * error;
      forecasts[c] += p * (shift * from_origin + error);
    }
  }
  for (size_t c = 0; c < width; ++c) {
    out.error = std::max(out.error, std::abs(changes[c]));
    out.forecast = std::max(out.forecast, std::abs(forecasts[c]));
    out.squared += changes[c] * changes[c];
  }
  return out;
}

std::array<double, kBounds> ExactAttention::bounds(const Moved& now, double variation,
                                                   double osc) const {
  double one = 0, squared = 0;
  for (const float entry : query_) {
    const auto q = static_cast<double>(entry);
    one += std::abs(q);
    squared += q * q;
  }
  const double scale = std::abs(rule_.scale);
  const double multiplicative =
      osc > kLargestOsc ? value_spread_ : growth_of(osc) * value_deviation_;
  return {variation * value_spread_,
          tanh_of(osc / 4) * value_spread_,
          osc / 4 * value_spread_,
          scale * std::sqrt(squared) * now.largest_norm / 2 * value_spread_,
          scale * one * now.largest_entry / 2 * value_spread_,
          multiplicative};
}

Distortion ExactAttention::distortion(const HeadRows& coded, uint32_t exact_first) const {
  check_internal(coded.key_width == rows_.key_width && coded.value_width == rows_.value_width &&
                     coded.keys.size() >= size_t{end_} * rows_.key_width &&
                     coded.values.size() >= size_t{end_} * rows_.value_width,
                 "coded rows like the exact ones");
  const Moved now = moved(coded, exact_first);
  const Change change = this->change(coded, exact_first, now);
  Distortion out{};
  for (size_t i = 0; i < weights_.size(); ++i) {
    out.variation += std::abs(now.weights[i] - weights_[i]) / 2;
  }
  out.variation = std::min(out.variation, 1.0);
  out.error = change.error;
  out.forecast = change.forecast;
  out.value_error = change.value_error;
  out.value_spread = value_spread_;
  out.score_spread = osc_of(now.delta);
  // sum p (log p - log p'), with log p = z - log_total.
  out.divergence = std::max(0.0, now.log_total - log_total_ - change.mean_delta);
  double squared_output = 0;
  for (const double channel : output_) squared_output += channel * channel;
  if (squared_output > 0) out.relative_error = std::sqrt(change.squared / squared_output);
  out.bounds = bounds(now, out.variation, out.score_spread);
  for (double& bound : out.bounds) bound += out.value_error;
  if (now.coded > 0) {
    out.score_error = std::sqrt(now.squared_delta / now.coded);
    out.isotropic_error = std::sqrt(now.squared_isotropic / now.coded);
  }
  return out;
}

}  // namespace rg::keys
