// AD on real queries, keys and values: attention whose keys and values are coded by one bit per
// coordinate and a least-squares scale.
#include <algorithm>
#include <array>
#include <cmath>

#include "slack/walk.h"
#include "theorems/attention.h"
#include "theorems/attention_distortion.h"
#include "theorems/extremes.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

constexpr double kLargestSpread = 8;      // of errors whose integral is taken by quadrature
constexpr double kLargestExponent = 300;  // exp() of more overflows with values of some size
constexpr Eigen::Index kChannels = 16;    // of the values, in that quadrature

// What one query sees, and the same with codes.
struct SeenAttention {
  Tensor query, keys, codes, values, value_codes;  // query (1, d)
  Vector scores, errors, weights, other_weights;
  Place place;
  double allowance() const { return kRounding * (1 + theorems::largest_size(values)); }
};

SeenAttention attention_of(const HeadSample& sample, const Tensor& query, uint32_t token) {
  const Visible seen = visible_keys(*sample.layer, token);
  SeenAttention out{.query = query,
                    .keys = sample.keys.middleRows(seen.first, seen.count),
                    .codes = {},
                    .values = sample.values.middleRows(seen.first, seen.count),
                    .value_codes = {},
                    .scores = {},
                    .errors = {},
                    .weights = {},
                    .other_weights = {},
                    .place = {}};
  out.codes = theorems::mmse_code(out.keys);
  out.value_codes = theorems::mmse_code(out.values);
  const Vector scaled = query.row(0).transpose() / std::sqrt(static_cast<double>(query.cols()));
  out.scores = out.keys * scaled;
  out.errors = (out.codes - out.keys) * scaled;
  out.weights = theorems::softmax(out.scores);
  out.other_weights = theorems::softmax(out.scores + out.errors);
  return out;
}

template <typename Body>
void for_each_query(const HeadSample& sample, const Body& body) {
  const Contexts& contexts = sample.layer->contexts;
  const auto per_context = static_cast<uint32_t>(contexts.query_positions.size());
  for_each_query_head(sample, [&](uint32_t i, uint32_t query_head) {
    for (uint32_t token = 0; token < contexts.tokens(); ++token) {
      SeenAttention seen = attention_of(sample, sample.queries[i].row(token), token);
      seen.place = {query_head, token / per_context, token % per_context};
      body(seen);
    }
  });
}

void ad_1(const HeadSample& sample, Row& row) {
  for_each_query(sample, [&](const SeenAttention& at) {
    const Vector moved = at.other_weights - at.weights;
    const auto see = [&](size_t quantity, double value, double bound) {
      row.see(quantity, {.value = value, .bound = bound, .allowance = kRounding}, at.place);
    };
    see(0, moved.norm(), 0.5 * at.errors.norm());
    see(1, moved.lpNorm<1>(), theorems::largest_size(at.errors));
    see(2, theorems::largest_size(moved), 0.25 * at.errors.lpNorm<1>());
  });
}

void ad_2(const HeadSample& sample, Row& row) {
  for_each_query(sample, [&](const SeenAttention& at) {
    row.see(0,
            {.value = theorems::total_variation(at.weights, at.other_weights),
             .bound = std::tanh(theorems::spread(at.errors) / 4),
             .allowance = kRounding},
            at.place);
  });
}

void ad_3(const HeadSample& sample, Row& row) {
  for_each_query(sample, [&](const SeenAttention& at) {
    theorems::Findings findings;
    theorems::output_bounds(at.query, at.keys, at.codes, at.values, at.value_codes, findings);
    for (size_t i = 0; i < 5; ++i)
      row.see(i, case_of(findings.list()[i], at.allowance()), at.place);
  });
}

// The spread; the other quantity is of a key.
void spread_of_errors(const SeenAttention& at, Row& row) {
  const std::vector<Eigen::Index> nonzero = nonzero_rows(at.keys);
  if (nonzero.empty()) return row.skip(1);
  theorems::Findings findings;
  theorems::code_error_bound(at.query, rows_of(at.keys, nonzero), rows_of(at.codes, nonzero),
                             findings);
  const theorems::Finding& found = findings.list()[1];
  row.see(1, case_of(found, kRounding * (1 + found.bound)), at.place);
}

void ad_4(const HeadSample& sample, Row& row) {
  for (Eigen::Index n = 0; n < sample.keys.rows(); ++n) {
    const Vector key = sample.keys.row(n).transpose();
    if (key.isZero(0)) {
      row.skip(0);
      continue;
    }
    const Tensor code = theorems::mmse_code(key.transpose());
    row.see(0,
            {.value = (code.row(0).transpose() - key).squaredNorm() / key.squaredNorm(),
             .bound = 1 - theorems::beta(key),
             .allowance = kRounding},
            {sample.head, static_cast<uint32_t>(n)});
  }
  for_each_query(sample, [&](const SeenAttention& at) { spread_of_errors(at, row); });
}

Tensor moving_channels(const Tensor& values) {
  std::vector<Eigen::Index> chosen;
  for (Eigen::Index c = 0; c < values.cols(); ++c) {
    const bool enough = static_cast<Eigen::Index>(chosen.size()) == kChannels;
    if (!enough && theorems::spread(values.col(c)) > 0) chosen.push_back(c);
  }
  const Tensor channels = values.transpose();
  return rows_of(channels, chosen).transpose();
}

void ad_5(const HeadSample& sample, Row& row) {
  const auto last = static_cast<uint32_t>(sample.layer->contexts.query_positions.size()) - 1;
  for_each_query_head(sample, [&](uint32_t i, uint32_t query_head) {
    const SeenAttention at = attention_of(sample, sample.queries[i].row(last), last);
    const Tensor values = moving_channels(at.values);
    const double spread = theorems::spread(at.errors);
    if (values.cols() == 0 || spread == 0) return row.skip_all();
    const Vector errors = at.errors * std::min(1.0, kLargestSpread / spread);
    theorems::Findings findings;
    theorems::covariance_form(at.scores, at.weights, errors, theorems::softmax(at.scores + errors),
                              values, findings);
    row.see(0, case_of(findings.list()[0], 1e-8), {query_head});
    row.see(1, case_of(findings.list()[1], 1e-9 * (1 + theorems::largest_size(at.values))),
            {query_head});
  });
}

void ad_6(const HeadSample& sample, Row& row) {
  for_each_query(sample, [&](const SeenAttention& at) {
    if (theorems::spread(at.errors) > kLargestExponent) return row.skip(0);
    theorems::Findings findings;
    theorems::multiplicative_bound(at.weights, at.errors, at.other_weights, at.values, findings);
    row.see(0, case_of(findings.list().front(), at.allowance()), at.place);
  });
}

constexpr Quantity kAd1[] = {{"two_norm", Relation::at_most, Unit::query},
                             {"sup_to_one", Relation::at_most, Unit::query},
                             {"one_to_sup", Relation::at_most, Unit::query}};
constexpr Quantity kAd2[] = {{"variation", Relation::at_most, Unit::query}};
constexpr Quantity kAd3[] = {{"output", Relation::at_most, Unit::query},
                             {"variation_to_tanh", Relation::at_most, Unit::query},
                             {"tanh_to_linear", Relation::at_most, Unit::query},
                             {"linear_to_euclidean", Relation::at_most, Unit::query},
                             {"linear_to_entrywise", Relation::at_most, Unit::query}};
constexpr Quantity kAd4[] = {{"code_error", Relation::equal, Unit::key},
                             {"spread", Relation::at_most, Unit::query}};
constexpr Quantity kAd5[] = {{"covariance", Relation::equal, Unit::query_head},
                             {"deviation", Relation::at_most, Unit::query_head}};
constexpr Quantity kAd6[] = {{"multiplicative", Relation::at_most, Unit::query}};

}  // namespace

std::span<const TheoremCheck> distortion_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"AD-1", kAd1, needs_keys, ad_1, nullptr, nullptr},
      TheoremCheck{"AD-2", kAd2, needs_keys, ad_2, nullptr, nullptr},
      TheoremCheck{"AD-3", kAd3, needs_keys, ad_3, nullptr, nullptr},
      TheoremCheck{"AD-4", kAd4, needs_keys, ad_4, nullptr, nullptr},
      TheoremCheck{"AD-5", kAd5, needs_keys, ad_5, nullptr, nullptr},
      TheoremCheck{"AD-6", kAd6, needs_keys, ad_6, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
