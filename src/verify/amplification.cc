#include "verify/amplification.h"

#include <algorithm>
#include <numeric>

namespace rg::verify::boundary {
namespace {

bool rises(const std::vector<double>& disagreement) {
  return largest_rise(disagreement).value_or(0) > 0;
}

}  // namespace

Amplification::Amplification(const Case& c, const std::map<int, LayerRecord>& record)
    : c_(c), record_(record), analysis_(c), windows_(c.header.n_windows) {
  std::iota(windows_.begin(), windows_.end(), 0u);
  for (const auto& [layer, of] : record_) columns_[layer] = add_layer(of);
  analysis_.resample();
  for (const auto& [layer, of] : record_) findings_[layer] = find(layer);
}

Amplification::LayerColumns Amplification::add_layer(const LayerRecord& of) {
  LayerColumns added;
  added.excess = edge::add_excess(c_, analysis_, of.strata, of.share, of.mass);
  if (!c_.header.full) return added;
  Windows disagreement(of.mass.size());
  for (size_t w = 0; w < disagreement.size(); ++w) {
    const double tokens = *of.strata.defined[w];
    if (tokens > 0) disagreement[w] = *of.mass[w] / (c_.header.topk * tokens);
  }
  added.disagreement = analysis_.add(disagreement);
  for (size_t i = 0; i < kDeciles; ++i) {
    added.mass[i] = analysis_.add_verdict(of.decile_mass[i]);
    added.tokens[i] = analysis_.add_verdict(of.decile_tokens[i]);
  }
  return added;
}

LayerFinding Amplification::find(int layer) const {
  LayerFinding found;
  const Sample& sample = analysis_.primary();
  const std::vector<double> deciles = disagreement(layer, windows_);
  found.a = exceeds(sample, layer, &edge::Excess::judged);
  found.b = !rises(deciles);
  found.rise = largest_rise(deciles);
  found.degenerate = degenerate(layer, windows_);
  const LayerColumns& columns = columns_.at(layer);
  std::vector<ColumnId> judged;
  for (size_t i = 0; i < columns.excess.size(); ++i) {
    const edge::Excess& level = columns.excess[i];
    judged.push_back(level.judged);
    const std::optional<double> share = analysis_.mean(level.share);
    const std::optional<double> excess = analysis_.mean(level.judged);
    if (!share || !excess) continue;
    const double even = c_.header.full ? *analysis_.mean(level.even) : *share - *excess;
    if (found.ratio && *share / even <= *found.ratio) continue;
    found.best = i;
    found.ratio = *share / even;
  }
  found.joint = joint_test(analysis_, judged);
  if (!c_.header.full) return found;  // its deciles aren't stored window by window
  for (size_t b = 0; b < sample.count(); ++b) {
    const auto rise = largest_rise(replicated_disagreement(sample, layer, b));
    if (rise) found.replicated_rises.push_back(*rise);
  }
  return found;
}

Verdict Amplification::judge(const Sample& sample, std::span<const uint32_t> windows,
                             edge::Baseline baseline) const {
  bool pass = true;
  for (const int layer : c_.header.required) {
    if (degenerate(layer, windows)) return Verdict::degenerate;
    pass = pass && exceeds(sample, layer, baseline) && !rises(disagreement(layer, windows));
  }
  return pass ? Verdict::pass : Verdict::fail;
}

bool Amplification::supports(const Sample& sample, size_t b) const {
  return std::all_of(c_.header.required.begin(), c_.header.required.end(), [&](int layer) {
    return any_above(sample, layer, &edge::Excess::judged, b).value_or(false) &&
           !rises(replicated_disagreement(sample, layer, b));
  });
}

bool Amplification::exceeds(const Sample& sample, int layer, edge::Baseline baseline) const {
  const edge::LayerExcess& excess = columns_.at(layer).excess;
  return std::any_of(excess.begin(), excess.end(), [&](const edge::Excess& level) {
    const std::optional<Interval> interval = sample.interval(level.*baseline);
    return interval && interval->lo > 0;
  });
}

std::optional<bool> Amplification::any_above(const Sample& sample, int layer,
                                             edge::Baseline baseline, size_t b) const {
  bool above = false;
  for (const edge::Excess& level : columns_.at(layer).excess) {
    const std::optional<double> mean = sample.mean(level.*baseline, b);
    if (!mean) return std::nullopt;
    above = above || *mean > 0;
  }
  return above;
}

std::optional<double> Amplification::probability(int layer, edge::Baseline baseline) const {
  const Sample& sample = analysis_.primary();
  uint32_t defined = 0;
  uint32_t above = 0;
  for (size_t b = 0; b < sample.count(); ++b) {
    const std::optional<bool> any = any_above(sample, layer, baseline, b);
    defined += any ? 1u : 0u;
    above += any.value_or(false) ? 1u : 0u;
  }
  if (defined == 0) return std::nullopt;
  return above / static_cast<double>(defined);
}

std::vector<double> Amplification::disagreement(int layer,
                                                std::span<const uint32_t> windows) const {
  const LayerRecord& of = record_.at(layer);
  if (!c_.header.full) {
    std::vector<double> stated;
    for (const Decile& decile : of.deciles) stated.push_back(1 - decile.overlap);
    return stated;
  }
  std::array<double, kDeciles> mass{}, tokens{};
  for (size_t i = 0; i < kDeciles; ++i) {
    for (const uint32_t w : windows) {
      mass[i] += *of.decile_mass[i][w];
      tokens[i] += *of.decile_tokens[i][w];
    }
  }
  return disagreement_by_decile(mass, tokens, c_.header.topk);
}

std::vector<double> Amplification::replicated_disagreement(const Sample& sample, int layer,
                                                           size_t b) const {
  if (!c_.header.full) return disagreement(layer, windows_);
  const LayerColumns& columns = columns_.at(layer);
  std::array<double, kDeciles> mass{}, tokens{};
  for (size_t i = 0; i < kDeciles; ++i) {
    mass[i] = sample.sum(columns.mass[i], b);
    tokens[i] = sample.sum(columns.tokens[i], b);
  }
  return disagreement_by_decile(mass, tokens, c_.header.topk);
}

std::optional<std::string> Amplification::degenerate(int layer,
                                                     std::span<const uint32_t> windows) const {
  const LayerRecord& of = record_.at(layer);
  const std::vector<double> deciles = disagreement(layer, windows);
  const bool none = std::all_of(deciles.begin(), deciles.end(), [](double d) { return d == 0; });
  if (none) return "no disagreement";
  const bool equal = c_.header.full ? of.edges.front() == of.edges.back()
                                    : of.deciles.front().margin_lo == of.deciles.back().margin_hi;
  if (equal) return "equal margins";
  if (deciles.size() < 3) return "fewer than 3 deciles";
  return std::nullopt;
}

// What y_ref_A or y_ref_B derives from its own arrays.
void Amplification::claim_reference(Claims& claims, int layer) const {
  const Claims::Path at = {reference_name(c_.header), "per_layer", std::to_string(layer)};
  const auto below = [&](std::initializer_list<std::string> keys) {
    Claims::Path path = at;
    path.insert(path.end(), keys);
    return path;
  };
  const LayerRecord& of = record_.at(layer);
  const LayerColumns& columns = columns_.at(layer);
  for (size_t i = 0; i < edge::kLevels.size(); ++i) {
    const std::string q = edge::kLevels[i].key;
    const edge::Excess& excess = columns.excess[i];
    claims.mean(below({"compression", q, "F"}), analysis_.mean(excess.share));
    if (!c_.header.full) {
      At stated = c_.root;
      for (const std::string& key : below({"compression_F_minus_q_ci95", q})) stated = stated / key;
      warn_foreign_interval_of_two(c_, stated, analysis_, excess.published, excess.share_minus_q);
      continue;
    }
    claims.mean(below({"compression", q, "m_thr"}), verify::mean(of.strata.m_thr[i]));
    claims.mean(below({"compression", q, "sel_frac"}), analysis_.mean(excess.even));
    claims.interval(below({"compression_F_minus_q_ci95", q}),
                    analysis_.primary().interval(excess.published));
  }
  if (!c_.header.full) return;
  size_t row = 0;
  for (size_t i = 0; i < kDeciles; ++i) {
    const double tokens = total(of.decile_tokens[i]).sum;
    if (tokens == 0) continue;
    const std::string key = std::to_string(row++);
    claims.count(below({"deciles", key, "bin"}), static_cast<int64_t>(i));
    claims.mean(below({"deciles", key, "m_lo"}), of.edges[i]);
    claims.mean(below({"deciles", key, "m_hi"}), of.edges[i + 1]);
    claims.mean(below({"deciles", key, "ov_mean"}),
                1 - total(of.decile_mass[i]).sum / (c_.header.topk * tokens));
    claims.count(below({"deciles", key, "n"}), static_cast<int64_t>(tokens));
  }
  claims.absent(below({"deciles", std::to_string(row)}));
}

void Amplification::claim_layer(Claims& claims, int layer) const {
  claim_reference(claims, layer);
  if (!c_.header.full) return;
  const auto below = [&](std::initializer_list<std::string> keys) {
    Claims::Path path = {"summary", "per_layer", std::to_string(layer)};
    path.insert(path.end(), keys);
    return path;
  };
  const LayerFinding& found = findings_.at(layer);
  const LayerColumns& columns = columns_.at(layer);
  const LayerRecord& of = record_.at(layer);
  for (size_t i = 0; i < edge::kLevels.size(); ++i) {
    edge::claim_excess(analysis_, claims, below({"F", edge::kLevels[i].key}), columns.excess[i]);
  }
  analysis_.mean_block(claims, below({"disagreement"}), columns.disagreement);
  claims.count(below({"windows_without_disagreement"}), edge::windows_without(of.strata, of.mass));
  claims.flag(below({"a", "holds"}), found.a);
  claims.mean(below({"a", "probability"}), probability(layer, &edge::Excess::tie_aware));
  claims.flag(below({"a_published", "holds"}),
              exceeds(analysis_.primary(), layer, &edge::Excess::published));
  claims.mean(below({"a_published", "probability"}), probability(layer, &edge::Excess::published));
  claims.near(below({"a_joint", "statistic"}), found.joint.statistic, Check::summary_mean);
  claims.near(below({"a_joint", "critical"}), found.joint.critical, Check::summary_mean);
  claims.mean(below({"a_joint", "p"}), found.joint.p);
  claims.flag(below({"a_joint", "holds"}), found.joint.holds);
  claims.flag(below({"b", "holds"}), found.b);
  claims.mean(below({"b_violation", "value"}), found.rise);
  claims.interval(below({"b_violation", "ci95"}), percentile_interval(found.replicated_rises));
  if (found.best) {
    claims.text(below({"effect", "q"}), edge::kLevels[*found.best].key);
  } else {
    claims.flag(below({"effect", "q"}), std::nullopt);
  }
  claims.mean(below({"effect", "ratio"}), found.ratio);
  if (found.degenerate) {
    claims.text(below({"degenerate"}), *found.degenerate);
  } else {
    claims.flag(below({"degenerate"}), std::nullopt);
  }
}

void Amplification::add_criteria(int layer) {
  const LayerFinding& found = findings_.at(layer);
  const std::optional<double> error = sample_deviation(found.replicated_rises);
  const bool has_distance = found.rise && error && *error > 0;
  Judgement& judgement = c_.inspect.judgement();
  judgement.criteria.push_back(
      edge::clearest(analysis_, columns_.at(layer).excess, "boundary_excess", layer, found.a));
  judgement.criteria.push_back(
      {.name = "decile_rise",
       .layer = layer,
       .estimate = found.rise.value_or(0),
       .ci95 = percentile_interval(found.replicated_rises),
       .holds = found.b,
       .z = has_distance ? std::optional(-*found.rise / *error) : std::nullopt});
}

}  // namespace rg::verify::boundary
