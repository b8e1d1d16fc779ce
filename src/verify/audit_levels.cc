#include "verify/audit_levels.h"

#include <algorithm>

namespace rg::verify::audit {
namespace {

// Decisions and flips of one window at one probability.
struct Raw {
  double p;
  double decisions, flips;
};

double rate(double flips, double decisions) { return decisions > 0 ? flips / decisions : 0; }

std::array<double, 2> sums_by_fold(const Record& record, const Windows& values) {
  std::array<double, 2> sums{};
  for (size_t w = 0; w < values.size(); ++w) {
    sums[static_cast<size_t>(record.folds[w])] += *values[w];
  }
  return sums;
}

// The rate of each fold.
std::array<double, 2> rates_by_fold(const Record& record, const LayerRecord& of) {
  const std::array<double, 2> flips = sums_by_fold(record, of.flips);
  const std::array<double, 2> decisions = sums_by_fold(record, of.decisions);
  return {rate(flips[0], decisions[0]), rate(flips[1], decisions[1])};
}

using RawWindows = std::vector<std::vector<Raw>>;

size_t other_fold(const Record& record, size_t w) {
  return 1 - static_cast<size_t>(record.folds[w]);
}

RawWindows by_layer_rate(const Record& record, const LayerRecord& of) {
  const std::array<double, 2> rates = rates_by_fold(record, of);
  RawWindows windows(of.flips.size());
  for (size_t w = 0; w < windows.size(); ++w) {
    windows[w].push_back({rates[other_fold(record, w)], *of.decisions[w], *of.flips[w]});
  }
  return windows;
}

RawWindows by_decile_rate(const Record& record, const LayerRecord& of) {
  const auto found = of.deciles.find("set");
  if (found == of.deciles.end()) return by_layer_rate(record, of);
  const Deciles& deciles = found->second;
  const std::array<double, 2> of_layer = rates_by_fold(record, of);
  RawWindows windows(of.flips.size());
  for (size_t i = 0; i < kDeciles; ++i) {
    const std::array<double, 2> flips = sums_by_fold(record, deciles.flips[i]);
    const std::array<double, 2> decisions = sums_by_fold(record, deciles.decisions[i]);
    for (size_t w = 0; w < windows.size(); ++w) {
      const size_t other = other_fold(record, w);
      const double p = decisions[other] > 0 ? flips[other] / decisions[other] : of_layer[other];
      windows[w].push_back({p, *deciles.decisions[i][w], *deciles.flips[i][w]});
    }
  }
  return windows;
}

RawWindows as_drawn(const LayerRecord& of, const char* name) {
  RawWindows windows(of.flips.size());
  const DrawnWindows& drawn = of.forecasts.at(name);
  for (size_t w = 0; w < windows.size(); ++w) {
    for (const DrawnLevel& level : drawn[w]) {
      windows[w].push_back({level.s / static_cast<double>(kDraws),
                            static_cast<double>(level.decisions),
                            static_cast<double>(level.flips)});
    }
  }
  return windows;
}

LayerLevels level(const RawWindows& windows) {
  LayerLevels levels;
  for (const std::vector<Raw>& window : windows) {
    for (const Raw& raw : window) {
      if (raw.decisions > 0) levels.p.push_back(raw.p);
    }
  }
  std::sort(levels.p.begin(), levels.p.end());
  levels.p.erase(std::unique(levels.p.begin(), levels.p.end()), levels.p.end());
  for (const std::vector<Raw>& window : windows) {
    for (const Raw& raw : window) {
      if (raw.decisions == 0) continue;
      const auto at = std::lower_bound(levels.p.begin(), levels.p.end(), raw.p);
      levels.entries.push_back({static_cast<uint32_t>(at - levels.p.begin()),
                                static_cast<uint32_t>(raw.decisions),
                                static_cast<uint32_t>(raw.flips)});
    }
    levels.ends.push_back(levels.entries.size());
  }
  return levels;
}

RawWindows raw_windows(const Record& record, const LayerRecord& of, Forecast forecast) {
  if (forecast == Forecast::f0) return by_layer_rate(record, of);
  if (forecast == Forecast::f1) return by_decile_rate(record, of);
  return as_drawn(of, name_of(forecast));
}

}  // namespace

const char* name_of(Forecast forecast) {
  constexpr const char* kNames[] = {"F0", "F1", "F2", "F3", "F4"};
  return kNames[static_cast<size_t>(forecast)];
}

void LayerLevels::add_all(LevelCounts& counts) const {
  for (const LevelEntry& entry : entries) {
    counts.decisions[entry.level] += entry.decisions;
    counts.flips[entry.level] += entry.flips;
  }
}

void LayerLevels::add_drawn(const Replicates& replicates, size_t replicate,
                            LevelCounts& counts) const {
  size_t entry = 0;
  for (size_t w = 0; w < ends.size(); ++w) {
    const double drawn = replicates.draws(replicate, w);
    if (drawn == 0) {
      entry = ends[w];
      continue;
    }
    for (; entry < ends[w]; ++entry) {
      const LevelEntry& of = entries[entry];
      counts.decisions[of.level] += drawn * of.decisions;
      counts.flips[of.level] += drawn * of.flips;
    }
  }
}

void LayerLevels::add_to_pooled(const LevelCounts& counts, LevelCounts& pooled) const {
  for (size_t i = 0; i < pooled_level.size(); ++i) {
    pooled.decisions[pooled_level[i]] += counts.decisions[i];
    pooled.flips[pooled_level[i]] += counts.flips[i];
  }
}

LeveledForecast leveled(const Record& record, Forecast forecast) {
  LeveledForecast result;
  result.of = forecast;
  std::vector<double>& pooled = result.pooled;
  for (const auto& [number, of] : record.layers) {
    result.layers.push_back(level(raw_windows(record, of, forecast)));
    pooled.insert(pooled.end(), result.layers.back().p.begin(), result.layers.back().p.end());
  }
  std::sort(pooled.begin(), pooled.end());
  pooled.erase(std::unique(pooled.begin(), pooled.end()), pooled.end());
  for (LayerLevels& layer : result.layers) {
    for (const double p : layer.p) {
      const auto at = std::lower_bound(pooled.begin(), pooled.end(), p);
      layer.pooled_level.push_back(static_cast<size_t>(at - pooled.begin()));
    }
  }
  return result;
}

}  // namespace rg::verify::audit
