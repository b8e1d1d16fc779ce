#include "experiments/attention_summary.h"

#include <algorithm>
#include <cmath>

#include "experiments/attention_prompts.h"
#include "experiments/attention_tables.h"
#include "stats/pinned_math.h"

namespace rg::experiments {
namespace {

constexpr double kDominates = 0.85, kBalancedLow = 0.50, kBalancedHigh = 0.80;
constexpr double kCheckTolerance = 1e-5;

// The values whose means are attention's (or another part's) Shapley shares.
struct ShapleyValues {
  std::vector<double> share;        // phi/(1 - val_empty), val_empty fixed
  std::vector<double> over, under;  // with means in place of removed parts: phi, 1 - val(none)
};

class Reduction {
 public:
  Reduction(const AttentionRecords& records, Nulls& nulls)
      : records_(records),
        setting_(records.setting),
        decomposition_(records.decomposition),
        nulls_(nulls),
        statistician_(records.setting) {}

  Json per_window();
  Json layer(size_t slot);
  Json summary();

 private:
  ShapleyValues shapley_values(size_t slot, size_t part) const;
  Json mean(const stats::Replicates& replicates, const std::string& path) {
    return statistician_.mean_block(replicates, nulls_, path);
  }
  stats::Replicates ratio(const WindowValues& over, const WindowValues& under, size_t slot) const {
    return statistician_.ratio(over.of_layer(slot), under.of_layer(slot));
  }
  Json agreement(size_t slot, const std::string& path);
  Json verdict();
  Json convergence(const std::vector<size_t>& slots);
  std::vector<size_t> required_slots() const;

  const AttentionRecords& records_;
  const Setting& setting_;
  const DecompositionRecord& decomposition_;
  Nulls& nulls_;
  const Statistician statistician_;
};

Json Reduction::per_window() {
  Json whole = decomposition_.per_window(setting_.layers, nulls_);
  whole.update(records_.sources.null().per_window(setting_.layers, nulls_));
  return whole;
}

ShapleyValues Reduction::shapley_values(size_t slot, size_t part) const {
  const size_t n = setting_.windows->sequences();
  const double empty = decomposition_.layers[slot].val_empty;
  ShapleyValues values{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n)};
  std::array<double, kSubsets> value{};
  for (size_t w = 0; w < n; ++w) {
    value[kNone] = empty;
    value[kAll] = 1;
    for (const Subset subset : kProperSubsets) {
      value[subset] = decomposition_.val[subset].of_layer(slot)[w];
    }
    values.share[w] = empty < 1 ? shapley(part, value) / (1 - empty) : kNaN;
    for (Subset subset = kNone; subset < kAll; ++subset) {
      value[subset] = decomposition_.val_mean_replaced[subset].of_layer(slot)[w];
    }
    values.over[w] = shapley(part, value);
    values.under[w] = 1 - value[kNone];
  }
  return values;
}

Json Reduction::agreement(size_t slot, const std::string& path) {
  const DecompositionRecord::Layer& layer = decomposition_.layers[slot];
  double tokens = 0, top1 = 0, topk = 0;
  for (size_t e = 0; e < layer.embedding_top1.size(); ++e) {
    tokens += static_cast<double>(layer.embedding_top1[e]);
    top1 += static_cast<double>(layer.embedding_top1[e]) * static_cast<double>(layer.rest_top1[e]);
    topk += static_cast<double>(layer.embedding_topk[e]) * static_cast<double>(layer.rest_topk[e]);
  }
  const double squared = tokens * tokens;
  Json one = mean(statistician_.mean(decomposition_.agreement_top1.of_layer(slot)), path + ".top1");
  one["chance"] = nulls_.number(tokens > 0 ? top1 / squared : kNaN, path, "nothing was compared");
  Json all = mean(statistician_.mean(decomposition_.agreement_topk.of_layer(slot)), path + ".topk");
  all["chance"] = nulls_.number(tokens > 0 ? topk / (setting_.spec.top_k * squared) : kNaN, path,
                                "nothing was compared");
  return {{"top1", std::move(one)}, {"topk", std::move(all)}};
}

Json Reduction::layer(size_t slot) {
  const DecompositionRecord& d = decomposition_;
  const std::string path = "summary.per_layer." + layer_key(setting_.layers[slot]);
  Json norm = Json::object(), signed_share = Json::object(), varying = Json::object(),
       margin = Json::object(), shapley = Json::object(), replaced = Json::object();
  for (size_t p = 0; p < records_.parts; ++p) {
    const std::string part = kPartNames[p];
    norm[part] =
        mean(statistician_.mean(d.norm_share[p].of_layer(slot)), path + ".norm_share." + part);
    signed_share[part] =
        mean(ratio(d.signed_num[p], d.signed_den, slot), path + ".signed_share." + part);
    varying[part] = mean(ratio(d.signed_num_varying[p], d.signed_den_varying, slot),
                         path + ".signed_share_varying." + part);
    const std::string margin_path = path + ".margin_share." + part;
    margin[part] = mean(statistician_.mean(d.margin_part[p].of_layer(slot)), margin_path);
    const stats::Replicates of_total = ratio(d.margin_part[p], d.margin_total, slot);
    margin[part]["ratio"] = nulls_.number(of_total.estimate, margin_path, "the total is zero");
    margin[part]["ratio_ci95"] =
        interval_json(stats::percentile_interval(of_total.values), nulls_, margin_path);
  }
  for (size_t p = 0; p < kMixParts; ++p) {
    const std::string part = kPartNames[p];
    const ShapleyValues values = shapley_values(slot, p);
    const stats::Replicates shares = statistician_.mean(values.share);
    shapley[part] = mean(shares, path + ".shapley." + part);
    if (p == kAttention) {
      statistician_.add_siblings(shapley[part], values.share, shares, nulls_,
                                 path + ".shapley." + part);
    }
    replaced[part] = mean(statistician_.ratio(values.over, values.under),
                          path + ".shapley_mean_replaced." + part);
  }
  const SourceTable& sources = records_.sources;
  const auto attention_only = [&](const std::string& name, const stats::Replicates& replicates) {
    return Json{{"attention", mean(replicates, path + "." + name + ".attention")}};
  };
  return {
      {"norm_share", std::move(norm)},
      {"signed_share", std::move(signed_share)},
      {"signed_share_varying", std::move(varying)},
      {"margin_share", std::move(margin)},
      {"margin_total",
       mean(statistician_.mean(d.margin_total.of_layer(slot)), path + ".margin_total")},
      {"val_empty",
       nulls_.number(d.layers[slot].val_empty, path + ".val_empty", "no position is defined")},
      {"shapley", std::move(shapley)},
      {"shapley_mean_replaced", std::move(replaced)},
      {"agreement", agreement(slot, path + ".agreement")},
      {"null_share",
       attention_only("null_share", statistician_.mean(sources.null().share.of_layer(slot)))},
      {"null_signed_share",
       attention_only("null_signed_share",
                      ratio(sources.null().signed_num, sources.null().signed_den, slot))},
      {"published_ratio",
       attention_only("published_ratio", statistician_.mean(d.published_ratio.of_layer(slot)))}};
}

std::vector<size_t> Reduction::required_slots() const {
  std::vector<size_t> slots;
  for (size_t slot = 0; slot < setting_.layers.size(); ++slot) {
    if (setting_.layers[slot] != setting_.moe_layers.front()) slots.push_back(slot);
  }
  return slots;
}

Json Reduction::convergence(const std::vector<size_t>& slots) {
  std::vector<std::vector<double>> shares;
  std::vector<stats::Replicates> replicates;
  for (const size_t slot : slots) {
    shares.push_back(shapley_values(slot, kAttention).share);
    replicates.push_back(statistician_.mean(shares.back()));
  }
  const Hypothesis label = judge_layers(replicates);
  const stats::Judge judge = [&](std::span<const uint32_t> members,
                                 const stats::CountTable& table) {
    std::vector<stats::Replicates> of_subset;
    std::vector<double> values;
    for (const std::vector<double>& share : shares) {
      stats::gather(share, members, values);
      of_subset.push_back(stats::mean_replicates(table, values));
    }
    return static_cast<int>(judge_layers(of_subset));
  };
  // Distance of every required layer to a hypothesis' threshold, in standard errors.
  const auto z_of = [&](const auto& distance) {
    std::vector<stats::Criterion> criteria;
    for (const stats::Replicates& layer : replicates) {
      criteria.push_back({distance(layer.estimate), stats::standard_error(layer.values)});
    }
    return stats::smallest_z(criteria);
  };
  const auto h1 = z_of([](double mean) { return mean - kDominates; });
  const auto h2 =
      z_of([](double mean) { return std::min(mean - kBalancedLow, kBalancedHigh - mean); });
  const auto h3 = z_of([](double mean) { return kBalancedLow - mean; });
  std::optional<double> z;
  switch (label) {
    case Hypothesis::H1:
      z = h1;
      break;
    case Hypothesis::H2:
      z = h2;
      break;
    case Hypothesis::H3:
      z = h3;
      break;
    case Hypothesis::inconclusive:
      if (h1 && h2 && h3) z = std::max({*h1, *h2, *h3});
      break;
  }
  return convergence_json(
      stats::judge_convergence(setting_.windows->sequences(), setting_.seed, setting_.threads,
                               static_cast<int>(label), judge, z),
      name(label), nulls_);
}

Json Reduction::verdict() {
  const auto label_of = [&](const std::function<stats::Replicates(size_t)>& statistic) {
    std::vector<stats::Replicates> layers;
    for (const size_t slot : required_slots()) layers.push_back(statistic(slot));
    return name(judge_layers(layers));
  };
  const DecompositionRecord& d = decomposition_;
  return {
      {"exact", label_of([&](size_t slot) {
         return statistician_.mean(shapley_values(slot, kAttention).share);
       })},
      {"norm_share", label_of([&](size_t slot) {
         return statistician_.mean(d.norm_share[kAttention].of_layer(slot));
       })},
      {"signed_share",
       label_of([&](size_t slot) { return ratio(d.signed_num[kAttention], d.signed_den, slot); })},
      {"published_ratio",
       label_of([&](size_t slot) { return statistician_.mean(d.published_ratio.of_layer(slot)); })},
      {"published", published_verdict(setting_, records_.prompts, nulls_)}};
}

Json Reduction::summary() {
  return {{"bootstrap", statistician_.bootstrap_json()},
          {"null",
           {{"kind",
             "family-specific: a gate that sees nothing keeps the popularity null (RG-2) of its "
             "set, val_empty; empirical: a router of random directions gives null_share and "
             "null_signed_share"}}},
          {"per_layer", by_layer(setting_.layers, [&](size_t slot) { return layer(slot); })},
          {"verdict", verdict()},
          {"published_table", published_table(setting_, records_.prompts)},
          {"context_tests", context_tests(setting_, records_.prompts)},
          {"convergence", convergence(required_slots())}};
}

}  // namespace

std::vector<int> required_layers(const Setting& setting) {
  std::vector<int> required = setting.layers;
  std::erase(required, setting.moe_layers.front());
  return required;
}

const char* name(Hypothesis label) {
  switch (label) {
    case Hypothesis::H1:
      return "H1";
    case Hypothesis::H2:
      return "H2";
    case Hypothesis::H3:
      return "H3";
    case Hypothesis::inconclusive:
      break;
  }
  return "inconclusive";
}

Hypothesis judge_mean(double mean) {
  if (mean > kDominates) return Hypothesis::H1;
  if (mean < kBalancedLow) return Hypothesis::H3;
  return mean <= kBalancedHigh ? Hypothesis::H2 : Hypothesis::inconclusive;
}

Hypothesis judge_layers(std::span<const stats::Replicates> layers) {
  if (layers.empty()) return Hypothesis::inconclusive;
  const auto all = [&](const auto& holds) {
    return std::all_of(layers.begin(), layers.end(), holds);
  };
  // "Within" includes the ends.
  const auto within = [](const stats::Replicates& layer) {
    const auto ends = stats::percentile_interval(layer.values);
    return ends && (*ends)[0] >= kBalancedLow && (*ends)[1] <= kBalancedHigh;
  };
  if (all([](const auto& layer) { return stats::interval_above(layer.values, kDominates); })) {
    return Hypothesis::H1;
  }
  if (all([](const auto& layer) { return stats::interval_below(layer.values, kBalancedLow); })) {
    return Hypothesis::H3;
  }
  return all(within) ? Hypothesis::H2 : Hypothesis::inconclusive;
}

void reduce_attention(const AttentionRecords& records, Json& fields) {
  const Setting& setting = records.setting;
  const std::vector<int>& layers = setting.layers;
  Nulls nulls;
  Reduction reduction(records, nulls);
  fields["per_window"] = reduction.per_window();
  fields["prompts"] = prompts_json(setting, records.prompts, nulls);
  fields["probes"] = probes_json(setting, records.prompts);
  fields["source_table"] = by_layer(layers, [&](size_t slot) {
    const SourceTable::Row& row = records.sources.rows()[slot];
    const std::string path = "source_table." + layer_key(layers[slot]);
    const char* reason = "that layer has no gate and was not watched, or nothing was sampled";
    return Json{{"embedding", nulls.number(row.embedding, path, reason)},
                {"attention", nulls.array(row.attention, path, reason)},
                {"experts", nulls.array(row.experts, path, reason)},
                {"positions", row.positions}};
  });
  fields["token_id"] =
      by_layer(layers, [&](size_t slot) { return token_json(records, slot, nulls); });
  fields["gate_geometry"] =
      by_layer(layers, [&](size_t slot) { return geometry_json(records.geometry[slot]); });
  const auto of_layer = [&](size_t slot) -> const DecompositionRecord::Layer& {
    return records.decomposition.layers[slot];
  };
  fields["decomposition_check"] = by_layer(layers, [&](size_t slot) {
    return Json{{"max_error", of_layer(slot).max_error},
                {"scale", of_layer(slot).scale},
                {"ratio", of_layer(slot).ratio},
                {"holds", of_layer(slot).ratio <= kCheckTolerance}};
  });
  fields["agreement_counts"] = by_layer(layers, [&](size_t slot) {
    return Json{{"embedding_top1", of_layer(slot).embedding_top1},
                {"rest_top1", of_layer(slot).rest_top1},
                {"embedding_topk", of_layer(slot).embedding_topk},
                {"rest_topk", of_layer(slot).rest_topk}};
  });
  fields["expert_counts"] =
      by_layer(layers, [&](size_t slot) { return Json(of_layer(slot).expert_counts); });
  fields["summary"] = reduction.summary();
  nulls.add_to(fields);
}

}  // namespace rg::experiments
