// GI on real queries, keys and values: what changes of coordinates leave alone.
#include <algorithm>
#include <array>
#include <cmath>

#include "slack/walk.h"
#include "theorems/extremes.h"
#include "theorems/gauge_invariance.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

void gi_1(const HeadSample& sample, Row& row) {
  const auto d = sample.keys.cols();
  const Tensor rotation = draws_of(*sample.layer, "GI-1", sample.head).rotation(d);
  const Contexts& contexts = sample.layer->contexts;
  const auto queries = static_cast<Eigen::Index>(contexts.query_positions.size());
  for_each_query_head(sample, [&](uint32_t i, uint32_t query_head) {
    for (uint32_t context = 0; context < contexts.contexts; ++context) {
      theorems::Findings findings;
      theorems::score_invariance(sample.queries[i].middleRows(context * queries, queries),
                                 keys_of_context(sample, context), rotation, findings);
      // Stated there as an inequality with the rounding as its bound.
      const theorems::Finding& found = findings.list().front();
      row.see(0, {.value = found.value, .bound = 0, .allowance = found.bound},
              {query_head, context});
    }
  });
}

// A rotation after a scale of 1/2, 1 or 2 per coordinate.
Tensor invertible(theorems::Draws& draws, Eigen::Index size) {
  Tensor out = draws.rotation(size);
  for (Eigen::Index j = 0; j < size; ++j) {
    out.col(j) *= std::ldexp(1.0, static_cast<int>(draws.below(3)) - 1);
  }
  return out;
}

void gi_3(const HeadSample& sample, Row& row) {
  const LayerFacts& layer = *sample.layer;
  theorems::Draws draws = draws_of(layer, "GI-3", sample.head);
  const Tensor key_gauge = invertible(draws, sample.keys.cols());
  const Tensor value_gauge = invertible(draws, sample.values.cols());
  const auto last = static_cast<uint32_t>(layer.contexts.query_positions.size()) - 1;
  const Visible seen = visible_keys(layer, last);
  for_each_query_head(sample, [&](uint32_t i, uint32_t query_head) {
    const theorems::Head head{
        .query = sample.queries[i].row(last).transpose(),
        .keys = sample.keys.middleRows(seen.first, seen.count),
        .values = sample.values.middleRows(seen.first, seen.count),
        .output = Tensor::Identity(sample.values.cols(), sample.values.cols())};
    const Vector output = theorems::head_output(head);
    if (output.isZero(0)) {
      row.skip(0);
      return;
    }
    const Vector other = theorems::head_output(theorems::in_gauge(head, key_gauge, value_gauge));
    const double score = theorems::largest_size(head.keys * head.query) /
                         std::sqrt(static_cast<double>(head.query.size()));
    row.see(0,
            {.value = theorems::relative_difference(other, output),
             .bound = 0,
             .allowance = kRounding * std::max(1.0, score)},
            {query_head});
  });
}

void gi_4(const HeadSample& sample, Row& row) {
  const Tensor permutation =
      draws_of(*sample.layer, "GI-4", sample.head).signed_permutation(sample.keys.cols());
  const Tensor permuted = theorems::turned(sample.keys, permutation);
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    row.see(0,
            {.value = theorems::cos_1bit(permuted.row(place[1]).transpose()),
             .bound = theorems::cos_1bit(key),
             .allowance = kRounding},
            place);
  });
}

void gi_6(const HeadSample& sample, Row& row) {
  const Tensor rotation = draws_of(*sample.layer, "GI-6", sample.head).rotation(sample.keys.cols());
  for (uint32_t context = 0; context < sample.layer->contexts.contexts; ++context) {
    const Tensor keys = without_zero_rows(keys_of_context(sample, context));
    if (keys.rows() == 0) {
      row.skip(0);
      continue;
    }
    theorems::Findings findings;
    theorems::codec_error(keys, rotation, theorems::mmse_code, findings);
    row.see(0, {.value = findings.list().front().value, .bound = 0, .allowance = kRounding},
            {sample.head, context});
  }
}

constexpr Quantity kGi1[] = {{"scores", Relation::equal, Unit::block}};
constexpr Quantity kGi3[] = {{"output", Relation::equal, Unit::query_head}};
constexpr Quantity kGi4[] = {{"cosine", Relation::equal, Unit::key}};
constexpr Quantity kGi6[] = {{"code_error", Relation::equal, Unit::context}};

}  // namespace

std::span<const TheoremCheck> gauge_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"GI-1", kGi1, needs_keys, gi_1, nullptr, nullptr},
      TheoremCheck{"GI-3", kGi3, needs_keys, gi_3, nullptr, nullptr},
      TheoremCheck{"GI-4", kGi4, needs_keys, gi_4, nullptr, nullptr},
      TheoremCheck{"GI-6", kGi6, needs_keys, gi_6, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
