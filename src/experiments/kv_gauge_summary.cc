#include "experiments/kv_gauge_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "experiments/kv_gauge_estimates.h"
#include "experiments/unit_summary.h"
#include "keys/anchors.h"
#include "keys/centring.h"

namespace rg::experiments {
namespace {

constexpr const char* kNoKeys = "no held-out key, or no gauge was learned";
constexpr const char* kNoGauge = "there is no such gauge here";
constexpr const char* kNoRandom = "fewer than two random gauges";
constexpr BlockJson::Reasons kGaugeReasons{.absent = kNoKeys, .undefined = kNoKeys};

// Of one head, before anything becomes JSON.
struct HeadStatistics {
  std::optional<KvEstimates> estimates;
  struct Gauge {
    std::optional<stats::Interval> cosine, per_key, pooled;
  };
  std::vector<Gauge> gauges;
};

std::vector<double> squares(std::vector<double> values) {
  for (double& value : values) value *= value;
  return values;
}

// sum c x over the units, by replicate.
std::vector<double> drawn_sums(const stats::CountTable& table, const std::vector<double>& values) {
  std::vector<double> out(table.replicates(), 0);
  for (size_t unit = 0; unit < values.size(); ++unit) {
    const std::span<const float> counts = table.of_unit(unit);
    for (size_t b = 0; b < out.size(); ++b) out[b] += static_cast<double>(counts[b]) * values[unit];
  }
  return out;
}

std::optional<stats::Interval> pooled_interval(const KvGauge& gauge,
                                               const std::vector<double>& nonzero, uint32_t width,
                                               const stats::CountTable& table) {
  std::vector<double> values = squares(drawn_sums(table, gauge.sizes));
  const std::vector<double> keys = drawn_sums(table, nonzero);
  const std::vector<double> energy = drawn_sums(table, gauge.energy);
  for (size_t b = 0; b < values.size(); ++b) {
    const double under = keys[b] * width * energy[b];
    values[b] = under == 0 ? kNaN : values[b] / under;
  }
  return stats::percentile_interval(values);
}

HeadStatistics statistics_of(const KvHead& head, uint32_t width, const stats::CountTable& table) {
  HeadStatistics out{.estimates = kv_estimates(head, table), .gauges = {}};
  const auto interval = [&](const std::vector<double>& over, const std::vector<double>& under) {
    return stats::percentile_interval(stats::ratio_replicates(table, over, under).values);
  };
  for (const KvGauge& gauge : head.gauges) {
    HeadStatistics::Gauge& of = out.gauges.emplace_back();
    if (!gauge.usable()) continue;
    of.cosine = interval(gauge.cosines, head.nonzero);
    if (!gauge.full()) continue;
    of.per_key = interval(gauge.squared_norms, gauge.energy);
    of.pooled = pooled_interval(gauge, head.nonzero, width, table);
  }
  return out;
}

double total_of_counts(const std::vector<double>& counts) {
  double sum = 0;
  for (const double count : counts) sum += count;
  return sum;
}

std::optional<stats::Interval> ends_of(const stats::Replicates* replicates) {
  if (replicates == nullptr) return std::nullopt;
  return stats::percentile_interval(replicates->values);
}

// learned, random, advantage, noise_advantage, excess, centred; with outcome and place if `judged`.
void add_estimates(const KvEstimates* found, bool judged, const BlockJson& json, Json& out) {
  const auto part = [&](stats::Replicates KvEstimates::*member) {
    return found == nullptr ? nullptr : &(found->*member);
  };
  out["learned"] = json.block(part(&KvEstimates::learned));
  out["random"] = json.block(part(&KvEstimates::random));
  out["advantage"] = json.block(part(&KvEstimates::advantage));
  out["noise_advantage"] = json.block(part(&KvEstimates::noise_advantage));
  out["excess"] = json.block(part(&KvEstimates::excess));
  Json& centred = out["centred"] = Json::object();
  for (size_t i = 0; i < std::size(kCentringNames); ++i) {
    const stats::Replicates* const one = found == nullptr ? nullptr : &found->centred[i];
    centred[kCentringNames[i]] = json.block(one);
    if (judged) centred[kCentringNames[i]]["place"] = kv_place(ends_of(one));
  }
  if (!judged) return;
  out["advantage"]["outcome"] = kv_outcome(ends_of(part(&KvEstimates::advantage)));
  out["excess"]["outcome"] = kv_outcome(ends_of(part(&KvEstimates::excess)));
}

Json aggregates_json(const KvSums& sums, double keys, double width, const BlockJson& json) {
  const bool defined = keys > 0;
  const auto share = [&](double over, double under) {
    return json.number(defined ? over / under : kNaN, kNoKeys);
  };
  return {{"mean_cosine", share(sums.cosines, keys)},
          {"beta_per_key", share(sums.squared_norms, sums.energy)},
          {"beta_per_channel", share(sums.channel_squares, keys * sums.energy)},
          {"beta_pooled", share(sums.sizes * sums.sizes, keys * width * sums.energy)}};
}

Json gauges_json(const KvHead& head, const HeadStatistics& found, double width,
                 const BlockJson& json) {
  const double held_out = total_of_counts(head.nonzero);
  Json out = Json::array();
  for (size_t i = 0; i < head.gauges.size(); ++i) {
    const KvGauge& gauge = head.gauges[i];
    if (!gauge.usable()) {
      out.push_back(json.null(kNoGauge));
      continue;
    }
    Json one = {{"in_sample", aggregates_json(gauge.in_sample, head.fit_keys, width, json)},
                {"held_out", aggregates_json(gauge.held_out, held_out, width, json)},
                {"ci95", json.interval(found.gauges[i].cosine)}};
    if (gauge.full()) {
      one["ci95_beta_per_key"] = json.interval(found.gauges[i].per_key);
      one["ci95_beta_pooled"] = json.interval(found.gauges[i].pooled);
    }
    out.push_back(std::move(one));
  }
  return out;
}

Json dc5_json(const KvHead& head, size_t centring, const BlockJson& json) {
  const std::optional<KvCentred>& raw = head.centred[0];
  const std::optional<KvCentred>& centred = head.centred[centring];
  if (!raw || !centred) return json.null(kNoKeys);
  const auto sums = [](const KvCentred& of) {
    keys::CodeSums out;
    out.keys = total_of_counts(of.nonzero);
    out.zero_keys = total_of_counts(of.zero);
    out.squared_norms = of.squared_norms;
    out.energy = of.energy;
    return out;
  };
  const auto effect = keys::centring_effect(sums(*raw), sums(*centred));
  if (!effect) return json.null(kNoKeys);
  return {{"eta", effect->eta},
          {"raw_error", effect->raw_error},
          {"centred_error", effect->centred_error},
          {"needed_beta", json.number(effect->needed_beta, "centring removed all energy")},
          {"helps", effect->helps}};
}

// Sample standard deviation of the random gauges' mean cosines.
double random_spread(const KvHead& head) {
  const double keys = total_of_counts(head.nonzero);
  std::vector<double> cosines;
  for (const KvGauge& gauge : head.gauges) {
    if (gauge.random() && gauge.usable()) cosines.push_back(gauge.held_out.cosines / keys);
  }
  return keys > 0 ? stats::standard_error(cosines) : kNaN;
}

Json head_json(const KvHead& head, const HeadStatistics& found, double width,
               const BlockJson& json) {
  Json out = {{"keys_per_width", head.fit_keys / width}};
  add_estimates(found.estimates ? &*found.estimates : nullptr, false, json, out);
  out["random_spread"] = json.below("random_spread").number(random_spread(head), kNoRandom);
  out["noise_in_sample"] = head.noise ? Json(head.noise->in_sample_cosines / head.noise->fit_keys)
                                      : json.below("noise_in_sample").null(kNoKeys);
  out["gauges"] = gauges_json(head, found, width, json.below("gauges"));
  const BlockJson dc5 = json.below("dc5");
  out["dc5"] = {{"key_dc", dc5_json(head, 1, dc5)}, {"dataset_mean", dc5_json(head, 2, dc5)}};
  return out;
}

struct Cells {
  uint64_t below = 0, within = 0, above = 0;
  void add(const KvEstimates& head) {
    double best = -1;
    for (const stats::Replicates& centred : head.centred) {
      if (centred.estimate > best) best = centred.estimate;
    }
    ++(best < kPublishedLow ? below : best > kPublishedHigh ? above : within);
  }
};

std::vector<const KvEstimates*> defined(const std::vector<HeadStatistics>& heads) {
  std::vector<const KvEstimates*> out;
  for (const HeadStatistics& head : heads) {
    if (head.estimates) out.push_back(&*head.estimates);
  }
  return out;
}

Json layer_json(const KvLayer& layer, const std::vector<HeadStatistics>& heads,
                const std::optional<KvEstimates>& mean, Nulls& nulls) {
  const BlockJson json(nulls, "summary.per_layer." + layer_key(layer.layer), kGaugeReasons);
  Json out = {{"width", layer.width},
              {"gaussian_cosine", keys::gaussian_cosine(layer.width)},
              {"gaussian_beta", keys::gaussian_beta(layer.width)},
              {"defined_heads", defined(heads).size()},
              {"keys_per_width", kv_keys_per_width(layer)}};
  add_estimates(mean ? &*mean : nullptr, true, json, out);
  out["sentence"] = mean ? kv_sentence(*mean) : "undecided";
  Json& of_heads = out["heads"] = Json::array();
  for (size_t h = 0; h < heads.size(); ++h) {
    of_heads.push_back(head_json(layer.heads[h], heads[h], layer.width, json.below("heads")));
  }
  return out;
}

Json anchors_json() {
  return {{"gaussian_mse_1bit", 0.3634},
          {"gaussian_mse_2bit", 0.1175},
          {"published_learned", {kPublishedLow, kPublishedHigh}},
          {"published_random", 0.7979},
          {"published_beta", 0.7016}};
}

// Every head of every layer, heads in parallel.
std::vector<std::vector<HeadStatistics>> all_statistics(const KvStudy& study,
                                                        const stats::CountTable& table) {
  std::vector<std::vector<HeadStatistics>> out;
  std::vector<std::pair<size_t, size_t>> places;
  for (size_t l = 0; l < study.layers.size(); ++l) {
    out.emplace_back(study.layers[l].heads.size());
    for (size_t h = 0; h < out.back().size(); ++h) places.emplace_back(l, h);
  }
  parallel_for(places.size(), study.threads, [&](size_t i, int) {
    const KvLayer& layer = study.layers[places[i].first];
    out[places[i].first][places[i].second] =
        statistics_of(layer.heads[places[i].second], layer.width, table);
  });
  return out;
}

}  // namespace

double kv_keys_per_width(const KvLayer& layer) {
  double least = std::numeric_limits<double>::infinity();
  for (const KvHead& head : layer.heads) least = std::min(least, head.fit_keys / layer.width);
  return least;
}

Json kv_summary(const KvStudy& study, Nulls& nulls) {
  const stats::CountTable table(study.units.count, study.replicates, study.seed, kUnitDraws);
  const auto heads = all_statistics(study, table);
  Json per_layer = Json::object();
  std::vector<std::optional<KvEstimates>> means(study.layers.size());
  std::vector<const KvEstimates*> of_layers;
  Cells cells;
  bool degenerate = study.layers.empty();
  double keys_per_width = std::numeric_limits<double>::infinity();
  for (size_t l = 0; l < study.layers.size(); ++l) {
    const KvLayer& layer = study.layers[l];
    const std::vector<const KvEstimates*> of_heads = defined(heads[l]);
    means[l] = kv_mean(of_heads);
    if (means[l]) of_layers.push_back(&*means[l]);
    for (const KvEstimates* head : of_heads) cells.add(*head);
    degenerate = degenerate || of_heads.size() < layer.heads.size();
    keys_per_width = std::min(keys_per_width, kv_keys_per_width(layer));
    per_layer[layer_key(layer.layer)] = layer_json(layer, heads[l], means[l], nulls);
  }
  const std::optional<KvEstimates> model = kv_mean(of_layers);
  const BlockJson json(nulls, "summary.verdict", kGaugeReasons);
  Json verdict = {{"margin", kEquivalenceMargin}, {"outcome", ""}, {"sentence", ""}};
  add_estimates(model ? &*model : nullptr, true, json, verdict);
  const std::string outcome =
      degenerate ? "DEGENERATE" : verdict["advantage"]["outcome"].get<std::string>();
  verdict["advantage"].erase("outcome");  // it is the verdict's own
  verdict["outcome"] = outcome;
  verdict["sentence"] = degenerate ? "undecided" : kv_sentence(*model);
  verdict["cells"] = {{"below", cells.below}, {"within", cells.within}, {"above", cells.above}};
  verdict["keys_per_width"] = json.number(keys_per_width, "no layer has keys");
  verdict["fitted_documents"] = study.units.fitted_documents;
  const std::optional<double> z =
      degenerate ? std::nullopt : difference_z(model->advantage, outcome, Difference::gain);
  return {{"bootstrap", bootstrap_json(table, study.seed)},
          {"anchors", anchors_json()},
          {"per_layer", std::move(per_layer)},
          {"verdict", std::move(verdict)},
          {"replication", replication_json(z, study.units.count, nulls)}};
}

}  // namespace rg::experiments
