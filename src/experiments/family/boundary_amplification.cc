#include "experiments/family/boundary_amplification.h"

#include <algorithm>
#include <cmath>

#include "experiments/family/boundary_criteria.h"
#include "stats/holm.h"
#include "stats/joint_maximum.h"

namespace rg::experiments {
namespace {

enum AmplificationLabel : int { kAmplified = 1, kNotAmplified = 0, kNoAnswer = -1 };

const char* amplification_name(int label) {
  return label == kAmplified ? "PASS" : label == kNotAmplified ? "FAIL" : "DEGENERATE";
}

// What a layer contributes to the verdicts.
struct AmplificationFinding {
  bool degenerate, a, a_published, b;
  double joint_p, joint_statistic;
  stats::Criterion rise;
};

int amplification_verdict(std::span<const AmplificationFinding> required,
                          bool AmplificationFinding::*a) {
  const auto every = [&](const auto& holds) {
    return std::all_of(required.begin(), required.end(), holds);
  };
  if (!every([](const AmplificationFinding& layer) { return !layer.degenerate; })) return kNoAnswer;
  return every([a](const AmplificationFinding& layer) { return layer.*a && layer.b; })
             ? kAmplified
             : kNotAmplified;
}

// The arrays of one layer, and the means of them that the published contract stores.
Json reference_layer(const BoundaryRecord& record, size_t slot, const BoundaryLayer& layer,
                     const CompressionReplicates& replicates, const Statistician& statistician,
                     Nulls& nulls, const std::string& path) {
  const auto windows = record.windows(slot);
  const auto counts = [&](uint32_t BoundaryWindow::*count) {
    Json values = Json::array();
    for (const BoundaryWindow& window : windows) values.push_back(window.*count);
    return values;
  };
  const auto by_decile = [&](std::array<uint32_t, kDeciles> BoundaryWindow::*count) {
    Json deciles = Json::array();
    for (size_t i = 0; i < kDeciles; ++i) {
      Json values = Json::array();
      for (const BoundaryWindow& window : windows) values.push_back((window.*count)[i]);
      deciles.push_back(std::move(values));
    }
    return deciles;
  };
  const LayerCompression& compression = layer.compression();
  const auto mean = [&](std::span<const double> values, size_t q) {
    return nulls.number(statistician.mean(values).estimate,
                        path + ".compression." + kCompressionQs[q].key, "no window defines it");
  };
  Json deciles = Json::array();
  const DecileMeans means = mean_disagreement(layer.sums(), record.setting().spec.top_k);
  const auto edges = record.decile_edges(slot);
  for (size_t i = 0; i < kDeciles; ++i) {
    if (std::isnan(means[i])) continue;
    deciles.push_back({{"bin", i},
                       {"m_lo", edges[i]},
                       {"m_hi", edges[i + 1]},
                       {"ov_mean", 1 - means[i]},
                       {"n", layer.sums().tokens[i]}});
  }
  return {{"n_undefined", counts(&BoundaryWindow::undefined)},
          {"mass_per_window", counts(&BoundaryWindow::mass)},
          {"n_le_per_window", counts_under(windows, &BoundaryWindow::tokens_under)},
          {"mass_le_per_window", counts_under(windows, &BoundaryWindow::mass_under)},
          {"m_thr_per_window", values_by_quantile(compression, &Compression::threshold, nulls,
                                                  path + ".m_thr_per_window")},
          {"compression_F_per_window", values_by_quantile(compression, &Compression::share, nulls,
                                                          path + ".compression_F_per_window")},
          {"decile_sums_per_window",
           {{"mass", by_decile(&BoundaryWindow::decile_mass)},
            {"tokens", by_decile(&BoundaryWindow::decile_tokens)}}},
          {"compression", by_quantile([&](size_t q) {
             return Json{{"F", mean(compression[q].share, q)},
                         {"m_thr", mean(compression[q].threshold, q)},
                         {"sel_frac", mean(compression[q].baseline, q)}};
           })},
          {"compression_F_minus_q_ci95", by_quantile([&](size_t q) {
             return interval_json(stats::percentile_interval(replicates.published[q].values), nulls,
                                  path + ".compression_F_minus_q_ci95");
           })},
          {"decile_edges",
           edges.empty() ? nulls.null(path + ".decile_edges", "no margin is finite") : Json(edges)},
          {"deciles", std::move(deciles)}};
}

// Share of the replicates in which some quantile's mean lies above 0; NaN if none defines them all.
double share_above(std::span<const stats::Replicates> means) {
  size_t defined = 0, above = 0;
  for (size_t b = 0; b < means[0].values.size(); ++b) {
    const auto undefined = [b](const auto& mean) { return std::isnan(mean.values[b]); };
    if (std::any_of(means.begin(), means.end(), undefined)) continue;
    ++defined;
    above += std::any_of(means.begin(), means.end(),
                         [b](const auto& mean) { return mean.values[b] > 0; });
  }
  return defined == 0 ? kNaN : static_cast<double>(above) / static_cast<double>(defined);
}

// The quantile with the largest ratio of the mean F to what uniform disagreement would give.
Json effect_json(const LayerCompression& compression, Nulls& nulls, const std::string& path) {
  double largest = kNaN;
  size_t at = 0;
  for (size_t q = 0; q < kQuantiles; ++q) {
    double share = 0, baseline = 0;
    for (size_t w = 0; w < compression[q].share.size(); ++w) {
      if (std::isnan(compression[q].share[w])) continue;
      share += compression[q].share[w];
      baseline += compression[q].baseline[w];
    }
    if (baseline > 0 && !(share / baseline <= largest)) {
      largest = share / baseline;
      at = q;
    }
  }
  const char* const reason = "no margin is finite";
  return {{"q", std::isnan(largest) ? nulls.null(path, reason) : Json(kCompressionQs[at].key)},
          {"ratio", nulls.number(largest, path, reason)}};
}

// Fills `found` on the way.
Json amplification_summary(const BoundaryRecord& record, size_t slot, const BoundaryLayer& layer,
                           const CompressionReplicates& replicates,
                           const Statistician& statistician, Nulls& nulls,
                           AmplificationFinding& found) {
  const std::string path = "summary.per_layer." + layer_key(record.setting().layers[slot]);
  std::vector<double> disagreement;
  size_t without = 0;
  for (const BoundaryWindow& window : record.windows(slot)) {
    const uint64_t defined = record.positions() - window.undefined;
    without += defined > 0 && window.mass == 0;
    disagreement.push_back(defined == 0
                               ? kNaN
                               : static_cast<double>(window.mass) /
                                     static_cast<double>(record.setting().spec.top_k * defined));
  }
  const stats::JointMaximum joint = stats::joint_maximum(replicates.tie_aware);
  const stats::Replicates rise = layer.rise(statistician);
  const char* const no_answer = degenerate(layer.sums(), layer.equal_margins());
  found = {.degenerate = no_answer != nullptr,
           .a = concentrated(replicates.tie_aware),
           .a_published = concentrated(replicates.published),
           .b = !(rise.estimate > 0),
           .joint_p = joint.p,
           .joint_statistic = joint.statistic,
           .rise = {-rise.estimate, stats::standard_error(rise.values)}};
  const auto judged = [&](bool holds, const std::vector<stats::Replicates>& means,
                          const std::string& name) {
    return Json{{"holds", holds},
                {"probability", nulls.number(share_above(means), path + "." + name,
                                             "no replicate defines every quantile")}};
  };
  const auto of_joint = [&](double value) {
    return nulls.number(value, path + ".a_joint", "no quantile's mean varies");
  };
  return {
      {"F", compression_json(layer.compression(), replicates, statistician, nulls, path + ".F")},
      {"disagreement",
       statistician.mean_block(statistician.mean(disagreement), nulls, path + ".disagreement")},
      {"windows_without_disagreement", without},
      {"a", judged(found.a, replicates.tie_aware, "a")},
      {"a_published", judged(found.a_published, replicates.published, "a_published")},
      {"a_joint",
       {{"statistic", of_joint(joint.statistic)},
        {"critical", of_joint(joint.critical)},
        {"p", of_joint(joint.p)},
        {"holds", joint.holds}}},
      {"b", {{"holds", found.b}}},
      {"b_violation",
       {{"value", nulls.number(rise.estimate, path + ".b_violation", "fewer than 2 deciles")},
        {"ci95",
         interval_json(stats::percentile_interval(rise.values), nulls, path + ".b_violation")}}},
      {"effect", effect_json(layer.compression(), nulls, path + ".effect")},
      {"degenerate", no_answer == nullptr ? Json(nullptr) : Json(no_answer)}};
}

// Judges the required layers on some windows as the verdict judges them on all; (b), the cheaper
// criterion, first.
int judge_amplification(std::span<const BoundaryLayer* const> required, uint32_t k,
                        std::span<const uint32_t> members, const stats::CountTable& table) {
  bool falling = true;
  for (const BoundaryLayer* layer : required) {
    const DecileSums sums = layer->sums_among(members);
    if (degenerate(sums, layer->equal_margins()) != nullptr) return kNoAnswer;
    falling = falling && never_increases(mean_disagreement(sums, k));
  }
  return falling && std::all_of(required.begin(), required.end(),
                                [&](const BoundaryLayer* layer) {
                                  return layer->concentrated_among(members, table);
                                })
             ? kAmplified
             : kNotAmplified;
}

}  // namespace

record::Contribution reduce_boundary_amplification(const BoundaryRecord& record,
                                                   Direction direction) {
  const Setting& setting = record.setting();
  const std::vector<int>& layers = setting.layers;
  const std::vector<int> required_layers = record.required_layers();
  const Statistician statistician(setting);
  Nulls nulls;
  const std::string reference = direction == Direction::a_to_b ? "y_ref_A" : "y_ref_B";

  std::vector<BoundaryLayer> measured;
  std::vector<CompressionReplicates> replicates;
  for (size_t slot = 0; slot < layers.size(); ++slot) {
    measured.emplace_back(record, slot);
    replicates.push_back(replicates_of(measured[slot].compression(), statistician));
  }
  Json arrays = by_layer(layers, [&](size_t slot) {
    return reference_layer(record, slot, measured[slot], replicates[slot], statistician, nulls,
                           reference + ".per_layer." + layer_key(layers[slot]));
  });
  std::vector<AmplificationFinding> found(layers.size());
  Json per_layer = by_layer(layers, [&](size_t slot) {
    return amplification_summary(record, slot, measured[slot], replicates[slot], statistician,
                                 nulls, found[slot]);
  });

  std::vector<AmplificationFinding> required;
  std::vector<const BoundaryLayer*> judged;
  std::vector<double> joint_p;
  std::vector<stats::Criterion> criteria;
  for (const int layer : required_layers) {
    const auto slot = static_cast<size_t>(slot_among(layers, layer));
    required.push_back(found[slot]);
    judged.push_back(&measured[slot]);
    joint_p.push_back(found[slot].joint_p);
    criteria.push_back({found[slot].joint_statistic, 1});  // studentised already
    criteria.push_back(found[slot].rise);
  }
  const std::vector<double> adjusted = stats::holm_adjusted(joint_p);
  const int verdict = amplification_verdict(required, &AmplificationFinding::a);
  const stats::Convergence convergence = stats::judge_convergence(
      setting.windows->sequences(), setting.seed, setting.threads, verdict,
      [&](std::span<const uint32_t> members, const stats::CountTable& table) {
        return judge_amplification(judged, setting.spec.top_k, members, table);
      },
      stats::smallest_z(criteria));

  Json y_ref = {{"k", setting.spec.top_k.value},
                {"scores_fp32", true},
                {"layers", layers},
                {"per_layer", std::move(arrays)}};
  record::Contribution part{.fields = Json::object(), .notes = record.notes()};
  part.fields["compression_qs"] = quantiles_json();
  part.fields["decile_bins"] = kDeciles;
  part.fields["layers"] = layers;
  part.fields["verification"] = verification_json(required_layers);
  part.fields["y_ref_A"] = nullptr;
  part.fields["y_ref_B"] = nullptr;
  part.fields[reference] = std::move(y_ref);
  part.fields["summary"] = {
      {"bootstrap", statistician.bootstrap_json()},
      {"null",
       {{"kind",
         "disagreement that ignores margins: a window's mass lies on its tokens at or under the "
         "threshold in proportion to their number"}}},
      {"per_layer", std::move(per_layer)},
      {"holm_p", by_layer(required_layers,
                          [&](size_t i) {
                            return nulls.number(adjusted[i],
                                                "summary.holm_p." + layer_key(required_layers[i]),
                                                "no quantile's mean varies");
                          })},
      {"verdict", amplification_name(verdict)},
      {"verdict_published",
       amplification_name(amplification_verdict(required, &AmplificationFinding::a_published))},
      {"convergence", convergence_json(convergence, amplification_name(verdict), nulls)}};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
