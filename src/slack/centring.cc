// DC on real keys: the effect of taking their mean away.
#include <algorithm>
#include <array>
#include <cmath>

#include "slack/walk.h"
#include "theorems/centering.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

void dc_1(const HeadSample& sample, Row& row) {
  const Contexts& contexts = sample.layer->contexts;
  const auto per_context = static_cast<uint32_t>(contexts.query_positions.size());
  const double root = std::sqrt(static_cast<double>(sample.keys.cols()));
  for_each_query_head(sample, [&](uint32_t i, uint32_t query_head) {
    for (uint32_t token = 0; token < contexts.tokens(); ++token) {
      const Visible seen = visible_keys(*sample.layer, token);
      const Tensor keys = sample.keys.middleRows(seen.first, seen.count);
      const Tensor query = sample.queries[i].row(token);
      theorems::Findings findings;
      theorems::shift_keeps_attention(query, keys, theorems::mean_key(keys), findings);
      const double longest = keys.rowwise().norm().maxCoeff();
      row.see(0,
              {.value = findings.list().front().value,
               .bound = 0,
               .allowance = 1e-13 + 4 * root * kUnit * query.norm() * longest},
              {query_head, token / per_context, token % per_context});
    }
  });
}

void dc_2(const HeadSample& sample, Row& row) {
  const theorems::Rotary& rotary = sample.layer->keys->rotary;
  const Tensor& keys = sample.early_keys;
  const Vector mean = theorems::mean_key(keys);
  const Tensor table = theorems::correction_table(mean, rotary, keys.rows());
  for_each_query_head(sample, [&](uint32_t i, uint32_t query_head) {
    const Tensor& queries = sample.early_queries[i];
    if (queries.isZero(0) || keys.isZero(0)) {
      row.skip(0);
      return;
    }
    theorems::Findings findings;
    theorems::correction_restores_scores(queries, keys, mean, table, rotary, findings);
    row.see(0, case_of(findings.list().front(), kRounding), {query_head});
  });
}

// Findings of centering_errors in units of the energy; its facts follow from them.
void dc_5(const HeadSample& sample, Row& row) {
  const Tensor& keys = sample.keys;
  const double energy = keys.rowwise().squaredNorm().mean();
  const Tensor centred = theorems::without(keys, theorems::mean_key(keys));
  if (!(centred.rowwise().squaredNorm().mean() > kRounding * energy)) return row.skip_all();
  const Tensor identity = Tensor::Identity(keys.cols(), keys.cols());
  theorems::Findings findings;
  theorems::centering_errors(keys, identity, identity, findings);
  size_t quantity = 0;
  for (const theorems::Finding& found : findings.list()) {
    if (found.tolerance == 0) continue;
    row.see(quantity++,
            {.value = found.value / energy, .bound = found.bound / energy, .allowance = kRounding},
            {sample.head});
  }
}

void dc_6(const HeadSample& sample, Row& row) {
  const Vector mean = theorems::mean_key(sample.keys);
  if (mean.isZero(0)) return row.skip(0, static_cast<uint64_t>(sample.keys.rows()));
  const Tensor gauge = theorems::mirror_to_ones(mean);
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    theorems::Findings findings;
    theorems::beats_alignment(key.transpose(), mean, gauge, findings);
    const theorems::Finding& found = findings.list().front();  // cosine of the code >= alignment
    row.see(0, {.value = found.bound, .bound = found.value, .allowance = kRounding}, place);
  });
}

std::optional<std::string> needs_keys_before_rope(const LayerFacts& layer) {
  if (!layer.keys) return needs_keys(layer);
  if (layer.keys->planes() == 0) return "the layer has no RoPE";
  if (!layer.keys->before_rope) return "keys before RoPE aren't seen";
  return std::nullopt;
}

constexpr Quantity kDc1[] = {{"attention", Relation::equal, Unit::query}};
constexpr Quantity kDc2[] = {{"scores", Relation::equal, Unit::query_head}};
constexpr Quantity kDc5[] = {{"raw_error", Relation::equal, Unit::head},
                             {"centred_error", Relation::equal, Unit::head},
                             {"raw_error_pooled", Relation::equal, Unit::head},
                             {"centred_error_pooled", Relation::equal, Unit::head}};
constexpr Quantity kDc6[] = {{"alignment", Relation::at_most, Unit::key}};

}  // namespace

std::span<const TheoremCheck> centring_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"DC-1", kDc1, needs_keys, dc_1, nullptr, nullptr},
      TheoremCheck{"DC-2", kDc2, needs_keys_before_rope, dc_2, nullptr, nullptr},
      TheoremCheck{"DC-5", kDc5, needs_keys, dc_5, nullptr, nullptr},
      TheoremCheck{"DC-6", kDc6, needs_keys, dc_6, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
