#include "experiments/family/behavior_compression.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "experiments/family/compression.h"

namespace rg::experiments {
namespace {

enum ControlLabel : int { kHolds = 1, kBroken = 0, kUnchanged = -1 };

const char* control_name(int label) {
  return label == kHolds ? "HOLDS" : label == kBroken ? "BROKEN" : "DEGENERATE";
}

// |log p_a - log p_b| of one layer, summed by window over the positions with a margin; in position
// order.
struct Change {
  std::vector<double> all;                            // (windows)
  std::array<std::vector<double>, kQuantiles> under;  // at or under each threshold
};

Change change_of(const BoundaryRecord& record, size_t slot, std::span<const double> change) {
  const auto windows = record.windows(slot);
  Change sums;
  sums.all.assign(windows.size(), 0);
  sums.under.fill(sums.all);
  for (size_t w = 0; w < windows.size(); ++w) {
    const auto thresholds_below = record.thresholds_below(slot, w);
    for (size_t t = 0; t < record.positions(); ++t) {
      if (thresholds_below[t] == kNoMargin) continue;
      const double of_position = change[w * record.positions() + t];
      sums.all[w] += of_position;
      for (size_t q = thresholds_below[t]; q < kQuantiles; ++q) sums.under[q][w] += of_position;
    }
  }
  return sums;
}

LayerCompression compression_of_change(const BoundaryRecord& record, size_t slot,
                                       const Change& change) {
  LayerCompression compression;
  for (size_t q = 0; q < kQuantiles; ++q) {
    compression[q] =
        compression_of(record.windows(slot), record.positions(), q, change.all, change.under[q]);
  }
  return compression;
}

bool unchanged(std::span<const double> mass) {
  return std::all_of(mass.begin(), mass.end(), [](double sum) { return sum == 0; });
}

// The interval exists and does not lie above 0.
bool spread_out(const stats::Replicates& mean) {
  const auto defined = [](double value) { return !std::isnan(value); };
  return std::any_of(mean.values.begin(), mean.values.end(), defined) &&
         !stats::interval_above(mean.values, 0);
}

bool all_spread_out(std::span<const stats::Replicates> means) {
  return std::all_of(means.begin(), means.end(), spread_out);
}

// What a layer contributes to the verdicts.
struct ControlFinding {
  bool degenerate, holds, holds_published;
};

int control_verdict(std::span<const ControlFinding> required, bool ControlFinding::*holds) {
  const auto any = [&](const auto& found) {
    return std::any_of(required.begin(), required.end(), found);
  };
  if (any([](const ControlFinding& layer) { return layer.degenerate; })) return kUnchanged;
  return any([&](const ControlFinding& layer) { return !(layer.*holds); }) ? kBroken : kHolds;
}

// The largest upper end, over the quantiles, of sum F / sum n_le/T_def; NaN if none is defined.
double largest_upper_ratio(const LayerCompression& compression, const Statistician& statistician) {
  double largest = kNaN;
  for (const Compression& one : compression) {
    const auto interval =
        stats::percentile_interval(statistician.ratio(one.share, one.baseline).values);
    if (interval) largest = std::fmax(largest, (*interval)[1]);
  }
  return largest;
}

Json control_summary(const BoundaryRecord& record, size_t slot, std::span<const double> change,
                     const LayerCompression& compression, const Statistician& statistician,
                     Nulls& nulls, ControlFinding& found) {
  const std::string path = "summary.per_layer." + layer_key(record.setting().layers[slot]);
  const auto windows = record.windows(slot);
  const CompressionReplicates replicates = replicates_of(compression, statistician);
  size_t without = 0;
  for (size_t w = 0; w < windows.size(); ++w) {
    without += windows[w].undefined < record.positions() && change[w] == 0;
  }
  found = {.degenerate = unchanged(change),
           .holds = all_spread_out(replicates.tie_aware),
           .holds_published = all_spread_out(replicates.published)};
  return {
      {"F_beh", compression_json(compression, replicates, statistician, nulls, path + ".F_beh")},
      {"holds", found.holds},
      {"holds_published", found.holds_published},
      {"ratio_upper", nulls.number(largest_upper_ratio(compression, statistician),
                                   path + ".ratio_upper", "no window defines it")},
      {"windows_without_change", without},
      {"degenerate", found.degenerate ? Json("no change") : Json(nullptr)}};
}

struct JudgedLayer {
  std::span<const double> change;  // (windows)
  const LayerCompression* compression;
};

// Judges the required layers on some windows as the verdict judges them on all.
int judge_control(std::span<const JudgedLayer> required, std::span<const uint32_t> members,
                  const stats::CountTable& table) {
  std::vector<double> values;
  for (const JudgedLayer& layer : required) {
    stats::gather(layer.change, members, values);
    if (unchanged(values)) return kUnchanged;
  }
  for (const JudgedLayer& layer : required) {
    for (const Compression& one : *layer.compression) {
      stats::gather(one.tie_aware, members, values);
      if (!spread_out(stats::mean_replicates(table, values))) return kBroken;
    }
  }
  return kHolds;
}

// {L: {q: values by window}} and {L: {q: mean}}.
Json layer_values(const std::vector<int>& layers, std::span<const LayerCompression> compression,
                  std::vector<double> Compression::*values, Nulls& nulls, const std::string& name) {
  return by_layer(layers, [&](size_t slot) {
    return values_by_quantile(compression[slot], values, nulls,
                              "per_window." + name + "." + layer_key(layers[slot]));
  });
}
Json layer_means(const std::vector<int>& layers, std::span<const LayerCompression> compression,
                 const Statistician& statistician, Nulls& nulls, const std::string& name) {
  return by_layer(layers, [&](size_t slot) {
    return by_quantile([&](size_t q) {
      return nulls.number(statistician.mean(compression[slot][q].share).estimate,
                          "summary." + name + "." + layer_key(layers[slot]),
                          "no window defines it");
    });
  });
}

Json control_arrays(const BoundaryRecord& record, std::span<const Change> change,
                    std::span<const LayerCompression> behavior,
                    std::span<const LayerCompression> routing, Nulls& nulls) {
  const std::vector<int>& layers = record.setting().layers;
  const auto path = [&](const char* name, size_t slot) {
    return std::string("per_window.") + name + "." + layer_key(layers[slot]);
  };
  const char* const not_finite = "a log-probability is not finite";
  Json undefined = by_layer(layers, [&](size_t slot) {
    Json counts = Json::array();
    for (const BoundaryWindow& window : record.windows(slot)) counts.push_back(window.undefined);
    return counts;
  });
  return {{"n_undefined", std::move(undefined)},
          {"n_le", by_layer(layers,
                            [&](size_t slot) {
                              return counts_under(record.windows(slot),
                                                  &BoundaryWindow::tokens_under);
                            })},
          {"m_thr", layer_values(layers, routing, &Compression::threshold, nulls, "m_thr")},
          {"mass_beh", by_layer(layers,
                                [&](size_t slot) {
                                  return nulls.array(change[slot].all, path("mass_beh", slot),
                                                     not_finite);
                                })},
          {"mass_beh_le", by_layer(layers,
                                   [&](size_t slot) {
                                     return by_quantile([&](size_t q) {
                                       return nulls.array(change[slot].under[q],
                                                          path("mass_beh_le", slot), not_finite);
                                     });
                                   })},
          {"F_beh", layer_values(layers, behavior, &Compression::share, nulls, "F_beh")},
          {"F_route", layer_values(layers, routing, &Compression::share, nulls, "F_route")}};
}

}  // namespace

record::Contribution reduce_behavior_compression(const BoundaryRecord& record,
                                                 std::span<const double> log_p_a,
                                                 std::span<const double> log_p_b) {
  const Setting& setting = record.setting();
  const std::vector<int>& layers = setting.layers;
  const std::vector<int> required_layers = record.required_layers();
  const size_t windows = setting.windows->sequences();
  check_internal(log_p_a.size() == windows * record.positions() && log_p_a.size() == log_p_b.size(),
                 "a log-probability for every measured position in both checkpoints");
  const Statistician statistician(setting);
  Nulls nulls;

  std::vector<double> by_position(log_p_a.size());
  for (size_t i = 0; i < by_position.size(); ++i) {
    by_position[i] = std::abs(log_p_a[i] - log_p_b[i]);
  }
  std::vector<Change> change;
  std::vector<LayerCompression> behavior, routing;
  for (size_t slot = 0; slot < layers.size(); ++slot) {
    change.push_back(change_of(record, slot, by_position));
    behavior.push_back(compression_of_change(record, slot, change[slot]));
    routing.push_back(disagreement_compression(record, slot));
  }
  std::vector<ControlFinding> found(layers.size());
  Json per_layer = by_layer(layers, [&](size_t slot) {
    return control_summary(record, slot, change[slot].all, behavior[slot], statistician, nulls,
                           found[slot]);
  });
  std::vector<ControlFinding> required;
  std::vector<JudgedLayer> judged;
  for (const int layer : required_layers) {
    const auto slot = static_cast<size_t>(slot_among(layers, layer));
    required.push_back(found[slot]);
    judged.push_back({change[slot].all, &behavior[slot]});
  }
  const int verdict = control_verdict(required, &ControlFinding::holds);
  // A control holds for want of evidence: it has no distance that a repetition could be held to.
  const stats::Convergence convergence = stats::judge_convergence(
      windows, setting.seed, setting.threads, verdict,
      [&](std::span<const uint32_t> members, const stats::CountTable& table) {
        return judge_control(judged, members, table);
      },
      std::nullopt);

  record::Contribution part{.fields = Json::object(), .notes = record.notes()};
  part.fields["compression_qs"] = quantiles_json();
  part.fields["layers"] = layers;
  part.fields["verification"] = verification_json(required_layers);
  part.fields["per_window"] = control_arrays(record, change, behavior, routing, nulls);
  part.fields["summary"] = {
      {"bootstrap", statistician.bootstrap_json()},
      {"null",
       {{"kind",
         "change that ignores margins: a window's change of log-probability lies on its tokens at "
         "or under the threshold in proportion to their number"}}},
      {"F_route_by_layer", layer_means(layers, routing, statistician, nulls, "F_route_by_layer")},
      {"F_beh_by_layer", layer_means(layers, behavior, statistician, nulls, "F_beh_by_layer")},
      {"per_layer", std::move(per_layer)},
      {"verdict", control_name(verdict)},
      {"verdict_published",
       control_name(control_verdict(required, &ControlFinding::holds_published))},
      {"convergence", convergence_json(convergence, control_name(verdict), nulls)}};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
