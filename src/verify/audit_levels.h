// Forecasts as levels: decisions of one layer that a forecast gives the same probability. Levels
// are few, so scores are sums over them; a window holds some of them (sparse).
#pragma once

#include "verify/audit.h"

namespace rg::verify::audit {

enum class Forecast { f0, f1, f2, f3, f4 };
inline constexpr Forecast kForecasts[] = {Forecast::f0, Forecast::f1, Forecast::f2, Forecast::f3,
                                          Forecast::f4};
const char* name_of(Forecast forecast);
inline bool is_drawn(Forecast forecast) { return forecast >= Forecast::f2; }

// Decisions and flips by level; whole numbers, so that their sums don't depend on an order.
struct LevelCounts {
  explicit LevelCounts(size_t levels) : decisions(levels, 0), flips(levels, 0) {}
  std::vector<double> decisions, flips;
};

struct LevelEntry {
  uint32_t level;
  uint32_t decisions, flips;
};

struct LayerLevels {
  std::vector<double> p;             // probabilities, ascending, each with a decision
  std::vector<LevelEntry> entries;   // window after window
  std::vector<size_t> ends;          // (windows) where a window's entries end
  std::vector<size_t> pooled_level;  // (levels)

  void add_all(LevelCounts& counts) const;
  void add_drawn(const Replicates& replicates, size_t replicate, LevelCounts& counts) const;
  void add_to_pooled(const LevelCounts& counts, LevelCounts& pooled) const;
};

struct LeveledForecast {
  Forecast of;
  std::vector<LayerLevels> layers;  // ascending
  std::vector<double> pooled;       // the probabilities of all layers, ascending
};

// F0 and F1 from the other fold's rates, the others as drawn. The record has folds.
LeveledForecast leveled(const Record& record, Forecast forecast);

}  // namespace rg::verify::audit
