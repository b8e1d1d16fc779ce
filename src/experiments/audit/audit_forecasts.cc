#include "experiments/audit/audit_forecasts.h"

#include <array>

#include "base/cancel.h"

namespace rg::experiments {
namespace {

constexpr std::array<const char*, 5> kForecasts = {"F0", "F1", "F2", "F3", "F4"};

// Decisions and flips of windows, of a layer or of one of its deciles.
struct FoldCounts {
  std::span<const uint8_t> fold;
  std::vector<uint32_t> decisions, flips;

  // Rate in the fold other than `fold_of`; none without decisions there.
  std::optional<double> other_rate(uint8_t fold_of) const {
    uint64_t all = 0, flipped = 0;
    for (size_t w = 0; w < fold.size(); ++w) {
      if (fold[w] == fold_of) continue;
      all += decisions[w];
      flipped += flips[w];
    }
    if (all == 0) return std::nullopt;
    return static_cast<double>(flipped) / static_cast<double>(all);
  }
  ForecastLevel level(uint8_t of, double p) const {
    ForecastLevel level{p, decisions, flips};
    for (size_t w = 0; w < fold.size(); ++w) {
      if (fold[w] != of) level.decisions[w] = level.flips[w] = 0;
    }
    return level;
  }
};

FoldCounts layer_counts(const AuditRecord& record, size_t slot) {
  const auto flips = record.counts(AuditCount::flips, slot);
  FoldCounts counts{record.folds(), {}, {flips.begin(), flips.end()}};
  for (const uint32_t undefined : record.counts(AuditCount::undefined, slot)) {
    counts.decisions.push_back(record.positions() - undefined);
  }
  return counts;
}

using FiveLevels = std::array<ForecastLevels, kForecasts.size()>;

Json scores_of(const FiveLevels& levels, size_t forecast, const Statistician& statistician,
               Nulls& nulls, const std::string& path) {
  throw_if_stopped();
  return score_json(levels[forecast], forecast >= 2, forecast >= 1 ? &levels[0] : nullptr,
                    forecast >= 2 ? &levels[1] : nullptr, forecast >= 1, statistician, nulls, path);
}

}  // namespace

ForecastLevels layer_rate_levels(const AuditRecord& record, size_t slot) {
  const FoldCounts counts = layer_counts(record, slot);
  ForecastLevels levels;
  for (const uint8_t fold : {uint8_t{0}, uint8_t{1}}) {
    levels.push_back(counts.level(fold, counts.other_rate(fold).value_or(0.0)));
  }
  return levels;
}

ForecastLevels decile_rate_levels(const AuditRecord& record, size_t slot) {
  const auto& deciles = record.deciles(MarginKind::set, slot);
  if (!deciles) return layer_rate_levels(record, slot);
  const FoldCounts layer = layer_counts(record, slot);
  ForecastLevels levels;
  for (size_t bin = 0; bin < kMarginDeciles; ++bin) {
    const FoldCounts counts{record.folds(), deciles->decisions[bin], deciles->flips[bin]};
    for (const uint8_t fold : {uint8_t{0}, uint8_t{1}}) {
      const double of_layer = layer.other_rate(fold).value_or(0.0);
      levels.push_back(counts.level(fold, counts.other_rate(fold).value_or(of_layer)));
    }
  }
  return levels;
}

Json audit_forecasts(const AuditRecord& record, const Statistician& statistician, Nulls& nulls) {
  if (record.folds().empty()) {
    return nulls.null("summary.forecasts", "all windows are of one document: no half to fit on");
  }
  const std::vector<int>& layers = record.setting().layers;
  std::vector<FiveLevels> of_layers;
  FiveLevels pooled;
  for (size_t slot = 0; slot < layers.size(); ++slot) {
    const LayerForecast& drawn = record.forecast(slot);
    of_layers.push_back({layer_rate_levels(record, slot), decile_rate_levels(record, slot),
                         levels_of(drawn.f2), levels_of(drawn.f3), levels_of(drawn.f4)});
    for (size_t f = 0; f < kForecasts.size(); ++f) {
      const ForecastLevels& more = of_layers.back()[f];
      pooled[f].insert(pooled[f].end(), more.begin(), more.end());
    }
  }
  Json object = Json::object();
  for (size_t f = 0; f < kForecasts.size(); ++f) {
    const std::string path = std::string("summary.forecasts.") + kForecasts[f];
    object[kForecasts[f]] = {
        {"pooled", scores_of(pooled, f, statistician, nulls, path + ".pooled")},
        {"per_layer", by_layer(layers, [&](size_t slot) {
           return scores_of(of_layers[slot], f, statistician, nulls,
                            path + ".per_layer." + layer_key(layers[slot]));
         })}};
  }
  return object;
}

}  // namespace rg::experiments
