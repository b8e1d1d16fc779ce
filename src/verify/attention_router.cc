// How much of the router's choice attention carries: shares, Shapley values and the hypotheses'
// labels, recomputed from the per-window arrays.
#include "verify/attention_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "verify/words.h"

namespace rg::verify {
namespace {

using router::kAttention;
using router::kGroups;
using router::kParts;

struct Ratio {
  ColumnId numerator, denominator;
};

struct RouterLayer {
  router::LayerCounts counts;
  double val_empty = 0;
  std::vector<ColumnId> norm_share, margin_part;                  // by part
  std::vector<Ratio> signed_share, signed_varying, margin_share;  // by part
  ColumnId margin_total, agreement_top1, agreement_topk, null_share, published_ratio;
  ColumnId signed_attention;
  std::array<ColumnId, kGroups> shapley{};
  std::array<Ratio, kGroups> mean_replaced{};
  Ratio null_signed;
};

// The subsets that hold exactly the groups named, in the order embedding, attention, experts.
std::string subset(size_t a, size_t b) {
  return std::string(kParts[std::min(a, b)]) + '+' + kParts[std::max(a, b)];
}

// phi of one group in one window; undefined where a subset's value is.
std::optional<double> shapley_value(const router::Parts& val, int layer, size_t window, size_t g,
                                    std::optional<double> none) {
  const size_t a = g == 0 ? 1 : 0;
  const size_t b = g == 2 ? 1 : 2;
  const auto at = [&](const std::string& name) { return val.at(name).at(layer)[window]; };
  const auto own = at(kParts[g]);
  const auto with_a = at(subset(g, a));
  const auto alone_a = at(kParts[a]);
  const auto with_b = at(subset(g, b));
  const auto alone_b = at(kParts[b]);
  const auto others = at(subset(a, b));
  if (!own || !with_a || !alone_a || !with_b || !alone_b || !others || !none) return std::nullopt;
  return (*own - *none) / 3 + (*with_a - *alone_a) / 6 + (*with_b - *alone_b) / 6 +
         (1 - *others) / 3;
}

// sum c^2 / (k N^2). The stated value is used where it is right, so that intervals built on it
// can be equal bit by bit.
double popularity_null(const Case& c, int layer, const std::vector<int64_t>& counts) {
  double squares = 0;
  double selections = 0;
  for (const int64_t count : counts) {
    squares += static_cast<double>(count) * static_cast<double>(count);
    selections += static_cast<double>(count);
  }
  const double k = c.header.topk;
  const double tokens = selections / k;
  const double computed = tokens > 0 ? squares / (k * tokens * tokens) : 0;
  const At stated = (((c.root / "summary") / "per_layer") / std::to_string(layer)) / "val_empty";
  if (stated && stated.value->is_number() &&
      std::abs(stated.value->number() - computed) <= 1e-12 * computed) {
    return stated.value->number();
  }
  return computed;
}

void add_layer(const Case& c, Analysis& analysis, const router::Arrays& arrays, int layer,
               RouterLayer& added) {
  const size_t n = c.header.n_windows;
  const auto ratio = [&](const Windows& numerator, const Windows& denominator) {
    Ratio made;
    add_ratio(analysis, numerator, denominator, made.numerator, made.denominator);
    return made;
  };
  for (size_t p = 0; p < arrays.parts.size(); ++p) {
    const std::string& part = arrays.parts[p];
    const Windows& share = arrays.norm_share.at(part).at(layer);
    added.norm_share.push_back(p == kAttention ? analysis.add_verdict(share) : analysis.add(share));
    added.margin_part.push_back(analysis.add(arrays.margin_part.at(part).at(layer)));
    added.signed_share.push_back(
        ratio(arrays.signed_num.at(part).at(layer), arrays.signed_den.at(layer)));
    added.signed_varying.push_back(
        ratio(arrays.signed_num_varying.at(part).at(layer), arrays.signed_den_varying.at(layer)));
    added.margin_share.push_back(
        ratio(arrays.margin_part.at(part).at(layer), arrays.margin_total.at(layer)));
  }
  added.margin_total = analysis.add(arrays.margin_total.at(layer));
  added.agreement_top1 = analysis.add(arrays.agreement_top1.at(layer));
  added.agreement_topk = analysis.add(arrays.agreement_topk.at(layer));
  added.null_share = analysis.add(arrays.null_share.at(layer));
  added.published_ratio = analysis.add(arrays.published_ratio.at(layer));
  added.null_signed = ratio(arrays.null_signed_num.at(layer), arrays.null_signed_den.at(layer));
  for (size_t g = 0; g < kGroups; ++g) {
    Windows shares(n);
    Windows replaced(n);
    Windows rest(n);
    const Windows& none = arrays.val_mean_replaced.at("none").at(layer);
    for (size_t w = 0; w < n; ++w) {
      const auto phi = shapley_value(arrays.val, layer, w, g, added.val_empty);
      if (phi && added.val_empty != 1) shares[w] = *phi / (1 - added.val_empty);
      replaced[w] = shapley_value(arrays.val_mean_replaced, layer, w, g, none[w]);
      if (none[w]) rest[w] = 1 - *none[w];
    }
    added.shapley[g] = g == kAttention ? analysis.add_verdict(shares) : analysis.add(shares);
    added.mean_replaced[g] = ratio(replaced, rest);
  }
}

double dot(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

void claim_layer(const Case& c, const Analysis& analysis, const router::Arrays& arrays, int number,
                 const RouterLayer& layer, Claims& claims) {
  const Claims::Path at = {"summary", "per_layer", std::to_string(number)};
  const auto below = [&](std::initializer_list<std::string> keys) {
    Claims::Path path = at;
    path.insert(path.end(), keys.begin(), keys.end());
    return path;
  };
  const auto ratio = [&](const Claims::Path& path, const Ratio& r, const char* mean_key,
                         const char* interval_key) {
    analysis.ratio_block(claims, path, r.numerator, r.denominator, mean_key, interval_key);
  };
  for (size_t p = 0; p < arrays.parts.size(); ++p) {
    const std::string& part = arrays.parts[p];
    analysis.mean_block(claims, below({"norm_share", part}), layer.norm_share[p]);
    ratio(below({"signed_share", part}), layer.signed_share[p], "mean", "ci95");
    ratio(below({"signed_share_varying", part}), layer.signed_varying[p], "mean", "ci95");
    analysis.mean_block(claims, below({"margin_share", part}), layer.margin_part[p]);
    ratio(below({"margin_share", part}), layer.margin_share[p], "ratio", "ratio_ci95");
  }
  analysis.mean_block(claims, below({"margin_total"}), layer.margin_total);
  claims.mean(below({"val_empty"}), layer.val_empty);
  for (size_t g = 0; g < kGroups; ++g) {
    const Claims::Path path = below({"shapley", kParts[g]});
    analysis.mean_block(claims, path, layer.shapley[g]);
    if (g == kAttention) analysis.siblings(claims, path, layer.shapley[g]);
    ratio(below({"shapley_mean_replaced", kParts[g]}), layer.mean_replaced[g], "mean", "ci95");
  }
  const router::LayerCounts& counts = layer.counts;
  double positions = 0;
  for (const int64_t count : counts.embedding_top1) positions += static_cast<double>(count);
  std::optional<double> chance_top1;
  std::optional<double> chance_topk;
  if (positions > 0) {
    chance_top1 = dot(counts.embedding_top1, counts.rest_top1) / (positions * positions);
    chance_topk =
        dot(counts.embedding_topk, counts.rest_topk) / (c.header.topk * (positions * positions));
  }
  analysis.mean_block(claims, below({"agreement", "top1"}), layer.agreement_top1);
  claims.mean(below({"agreement", "top1", "chance"}), chance_top1);
  analysis.mean_block(claims, below({"agreement", "topk"}), layer.agreement_topk);
  claims.mean(below({"agreement", "topk", "chance"}), chance_topk);
  analysis.mean_block(claims, below({"null_share", "attention"}), layer.null_share);
  ratio(below({"null_signed_share", "attention"}), layer.null_signed, "mean", "ci95");
  analysis.mean_block(claims, below({"published_ratio", "attention"}), layer.published_ratio);
}

std::optional<Interval> ratio_interval(const Sample& sample, const Ratio& ratio) {
  std::vector<double> replicates;
  for (size_t b = 0; b < sample.count(); ++b) {
    const double den = sample.sum(ratio.denominator, b);
    if (den != 0) replicates.push_back(sample.sum(ratio.numerator, b) / den);
  }
  return percentile_interval(std::move(replicates));
}

// z of one hypothesis: minimum over layers; none where a layer has no standard error.
std::optional<double> hypothesis_z(const Analysis& analysis, const std::vector<ColumnId>& shares,
                                   const std::vector<Test>& tests) {
  std::optional<double> z = 1e300;
  for (const ColumnId id : shares) {
    for (Test test : tests) {
      test.id = id;
      const std::optional<double> distance = analysis.distance(test);
      z = z && distance ? std::optional(std::min(*z, *distance)) : std::nullopt;
    }
  }
  return shares.empty() ? std::nullopt : z;
}

struct Hypothesis {
  const char* label;
  std::vector<Test> tests;
};

std::vector<Hypothesis> hypotheses() {
  return {{"H1", {{"", 0, {}, router::kDominates, 1}}},
          {"H2", {{"", 0, {}, router::kBalancedLow, 1}, {"", 0, {}, router::kBalancedHigh, -1}}},
          {"H3", {{"", 0, {}, router::kBalancedLow, -1}}}};
}

std::optional<double> verdict_z(const Analysis& analysis, const std::vector<ColumnId>& shares,
                                const std::string& label) {
  std::optional<double> best;
  for (const Hypothesis& hypothesis : hypotheses()) {
    const std::optional<double> z = hypothesis_z(analysis, shares, hypothesis.tests);
    if (label == hypothesis.label) return z;
    if (z && (!best || *z > *best)) best = z;
  }
  return best;
}

// The label of the exact shares as the end of a sentence.
std::string conclusion_of(const std::string& label, size_t layers) {
  const int dominates = static_cast<int>(std::lround(100 * router::kDominates));
  const int low = static_cast<int>(std::lround(100 * router::kBalancedLow));
  const int high = static_cast<int>(std::lround(100 * router::kBalancedHigh));
  const char* where = layers == 1 ? "" : " at all of them";
  if (label == "H1") return fmt::format("it dominates (above {} %){}", dominates, where);
  if (label == "H2") return fmt::format("it is balanced ({} to {} %){}", low, high, where);
  if (label == "H3") return fmt::format("it stays below {} %{}", low, where);
  return fmt::format(
      "it neither dominates (above {} %), nor is balanced ({} to {} %), nor stays below {} %{}",
      dominates, low, high, low, where);
}

std::string show_published(std::optional<double> mean) {
  const std::string label = router::label_of_mean(mean);
  return mean ? fmt::format("{} ({:.1f} %)", label, 100 * *mean) : label;
}

// `convention: published`: the table's line gives the published program's figure, which has neither
// interval nor standard error: the mean over all layers, as in the first published version.
void show_published_convention(Judgement& judgement, const router::PublishedVerdict& verdict) {
  judgement.effect.reset();
  if (!verdict.all_layers) {
    judgement.sentence = "No prompt was measured, so the published ratio is undefined.";
    return;
  }
  judgement.effect = Criterion{.name = "published ratio",
                               .layer = -1,
                               .estimate = *verdict.all_layers,
                               .ci95 = {},
                               .holds = router::label_of_mean(verdict.all_layers) != "inconclusive",
                               .z = {}};
  const auto percent = [](std::optional<double> mean) {
    const std::string words = label_words(router::label_of_mean(mean));
    return mean ? fmt::format("{:.1f} % ({})", 100 * *mean, words) : words;
  };
  judgement.sentence = fmt::format(
      "By the published computation {} of what enters the router at {} is not the embedding; "
      "without the first MoE layer {}. Not all of that is attention.",
      percent(verdict.all_layers), at_layers(verdict.layers), percent(verdict.without_first));
}

}  // namespace

void judge_attention_router(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  const At stated_convention = c.inspect.need(c.root, "convention");
  const std::string convention = c.inspect.text(stated_convention);
  if (c.inspect.sound() && convention != "exact" && convention != "published") {
    c.inspect.invalid(Check::value_range, stated_convention.path, "expected exact or published");
  }
  const router::Arrays arrays = router::read_arrays(c);
  const std::vector<router::Reading> prompts = router::read_prompts(c);
  const std::vector<router::Reading> probes = router::read_probes(c);
  router::check_token_ids(c);
  router::check_geometry(c);
  router::check_decomposition(c);
  router::check_source_table(c);
  router::check_similarity(c, finding.claims);
  if (!c.inspect.sound()) return;

  std::map<int, RouterLayer> layers;
  for (const int layer : header.layers) {
    layers[layer].counts = router::read_counts(c, layer, arrays);
  }
  if (!c.inspect.sound()) return;
  for (auto& [number, layer] : layers) {
    layer.val_empty = popularity_null(c, number, layer.counts.experts);
    router::check_val_grid(c, number, arrays, layer.val_empty);
  }
  if (!c.inspect.sound()) return;
  Analysis analysis(c);
  for (auto& [number, layer] : layers) add_layer(c, analysis, arrays, number, layer);
  analysis.resample();
  const Sample& primary = analysis.primary();
  for (const auto& [number, layer] : layers) {
    claim_layer(c, analysis, arrays, number, layer, finding.claims);
  }

  std::vector<ColumnId> shares;
  for (const int layer : header.required) shares.push_back(layers[layer].shapley[kAttention]);
  const auto label = [&](const Sample& sample, std::span<const uint32_t>) {
    std::vector<std::optional<Interval>> intervals;
    for (const ColumnId id : shares) intervals.push_back(sample.interval(id));
    return router::label_of(intervals);
  };
  const auto label_beside = [&](const auto& interval_of) {
    std::vector<std::optional<Interval>> intervals;
    for (const int layer : header.required) intervals.push_back(interval_of(layers[layer]));
    return router::label_of(intervals);
  };
  const std::string exact = label(primary, {});
  const std::vector<std::pair<const char*, std::string>> labels = {
      {"exact", exact},
      {"norm_share", label_beside([&](const RouterLayer& layer) {
         return primary.interval(layer.norm_share[kAttention]);
       })},
      {"signed_share", label_beside([&](const RouterLayer& layer) {
         return ratio_interval(primary, layer.signed_share[kAttention]);
       })},
      {"published_ratio", label_beside([&](const RouterLayer& layer) {
         return primary.interval(layer.published_ratio);
       })}};
  for (const auto& [name, text] : labels) {
    // A verifier's own choice of layers changes the labels; the summary states the artifact's.
    if (!header.required_by_verifier) finding.claims.text({"summary", "verdict", name}, text);
    judgement.beside.push_back({std::string("H by ") + name, text});
  }
  const router::PublishedVerdict published =
      router::claim_published(c, prompts, probes, finding.claims);
  judgement.beside.push_back({"H published, all layers", show_published(published.all_layers)});
  judgement.beside.push_back(
      {"H published, without the first layer", show_published(published.without_first)});
  const std::optional<double> z = verdict_z(analysis, shares, exact);
  analysis.convergence(finding.claims, z, label);

  for (const int layer : header.required) {
    Criterion criterion{"attention share",
                        layer,
                        analysis.mean(layers[layer].shapley[kAttention]).value_or(0),
                        primary.interval(layers[layer].shapley[kAttention]),
                        exact != "inconclusive",
                        verdict_z(analysis, {layers[layer].shapley[kAttention]}, exact)};
    judgement.criteria.push_back(criterion);
  }
  choose_effect(judgement);
  uint32_t supporting = 0;
  for (size_t b = 0; b < analysis.own().count(); ++b) {
    std::vector<std::optional<Interval>> points;
    for (const ColumnId id : shares) {
      const auto value = analysis.own().mean(id, b);
      points.push_back(value ? std::optional(Interval{*value, *value}) : std::nullopt);
    }
    supporting += router::label_of(points) == exact ? 1u : 0u;
  }
  judgement.stability =
      Stability{.replicates = c.inspect.options().replicates,
                .seed = c.inspect.options().seed,
                .verdict = Verdict::reported,
                .probability = supporting / static_cast<double>(analysis.own().count()),
                .fragile = label(analysis.own(), {}) != exact};
  const bool similarity = static_cast<bool>(c.root / "expert_similarity");
  judgement.notes.push_back(fmt::format(
      "not recomputable from the artifact and taken as stated: experts of prompts and probes, "
      "token_id values (their intervals were recomputed from the leave-one-out values), singular "
      "values and router cosines, the source table{}",
      similarity ? ", ranks and cosines of the experts' matrices" : ""));
  finding.verdict = Verdict::reported;
  if (convention == "published") {
    show_published_convention(judgement, published);
    return;
  }
  if (!judgement.effect) {
    judgement.sentence =
        "Only the first MoE layer was measured, and the labels are about the layers after it.";
    return;
  }
  double lowest = 1e300;
  double highest = -1e300;
  for (const Criterion& criterion : judgement.criteria) {
    lowest = std::min(lowest, criterion.estimate);
    highest = std::max(highest, criterion.estimate);
  }
  const std::string range = highest - lowest < 0.005
                                ? fmt::format("{:.0f}", 100 * highest)
                                : fmt::format("{:.0f} to {:.0f}", 100 * lowest, 100 * highest);
  judgement.sentence =
      fmt::format("Attention decides {} % of the router's choice at {}; {}.", range,
                  at_layers(header.required), conclusion_of(exact, header.required.size()));
}

}  // namespace rg::verify
