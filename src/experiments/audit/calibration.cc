#include "experiments/audit/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "stats/logistic.h"
#include "stats/order.h"
#include "stats/pinned_math.h"

namespace rg::experiments {
namespace {

constexpr uint64_t kFewestFlips = 100;  // fewer: INSUFFICIENT
constexpr double kCalibratedLow = 0.8, kCalibratedHigh = 1.25;
constexpr size_t kReliabilityBins = 10;
constexpr double kSmallestP = 1.0 / (2 * kAuditDraws);
constexpr double kUndefinedScore = std::numeric_limits<double>::quiet_NaN();

// Ascending, each p once.
ForecastLevels merged(const ForecastLevels& levels) {
  std::vector<const ForecastLevel*> order;
  for (const ForecastLevel& level : levels) order.push_back(&level);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->p < b->p; });
  ForecastLevels out;
  for (const ForecastLevel* const level : order) {
    if (out.empty() || out.back().p != level->p) {
      out.push_back(*level);
      continue;
    }
    for (size_t w = 0; w < level->decisions.size(); ++w) {
      out.back().decisions[w] += level->decisions[w];
      out.back().flips[w] += level->flips[w];
    }
  }
  return out;
}

// (windows); fp64 over the levels in ascending order.
struct WindowSums {
  std::vector<double> decisions, flips, p, raw_loss, loss;
};

WindowSums window_sums(const ForecastLevels& levels, size_t windows, bool drawn) {
  const std::vector<double> zeros(windows, 0.0);
  WindowSums sums{.decisions = zeros, .flips = zeros, .p = zeros, .raw_loss = zeros, .loss = zeros};
  for (const ForecastLevel& level : levels) {
    const double p = level.p;
    const double noise = drawn ? p * (1 - p) / (kAuditDraws - 1) : 0.0;
    for (size_t w = 0; w < windows; ++w) {
      const double n = level.decisions[w], f = level.flips[w];
      const double raw = f * ((1 - p) * (1 - p)) + (n - f) * (p * p);
      sums.decisions[w] += n;
      sums.flips[w] += f;
      sums.p[w] += n * p;
      sums.raw_loss[w] += raw;
      sums.loss[w] += raw - n * noise;
    }
  }
  return sums;
}

double total_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

double total_of(std::span<const uint32_t> values) {
  uint64_t sum = 0;
  for (const uint32_t value : values) sum += value;
  return static_cast<double>(sum);
}

// Decisions whose p lies in [e_b, e_{b+1}) for edges e_i = Quantile_{i/10} over all decisions; the
// last bin has both ends.
struct ReliabilityBin {
  double n = 0, p_sum = 0;
  std::vector<double> decisions, flips;  // (windows)
};

std::vector<ReliabilityBin> reliability_bins(const ForecastLevels& levels, size_t windows) {
  std::vector<double> counts;
  for (const ForecastLevel& level : levels) counts.push_back(total_of(level.decisions));
  const auto all = static_cast<size_t>(total_of(counts));
  std::vector<ReliabilityBin> bins(kReliabilityBins);
  if (all == 0) return {};
  std::vector<double> edges;  // e_1 .. e_9
  for (size_t i = 1; i < kReliabilityBins; ++i) {
    const auto rank = static_cast<double>(stats::quantile_rank({i, kReliabilityBins}, all));
    double reached = 0;
    size_t level = 0;
    while ((reached += counts[level]) < rank) ++level;
    edges.push_back(levels[level].p);
  }
  for (size_t l = 0; l < levels.size(); ++l) {
    if (counts[l] == 0) continue;
    const auto at = std::upper_bound(edges.begin(), edges.end(), levels[l].p) - edges.begin();
    ReliabilityBin& bin = bins[static_cast<size_t>(at)];
    bin.decisions.resize(windows);
    bin.flips.resize(windows);
    bin.n += counts[l];
    bin.p_sum += counts[l] * levels[l].p;
    for (size_t w = 0; w < windows; ++w) {
      bin.decisions[w] += levels[l].decisions[w];
      bin.flips[w] += levels[l].flips[w];
    }
  }
  std::erase_if(bins, [](const ReliabilityBin& bin) { return bin.n == 0; });
  return bins;
}

// Whether an interval is defined and within [0.8, 1.25].
bool near_one(const stats::Replicates& replicates) {
  const auto interval = stats::percentile_interval(replicates.values);
  return interval && (*interval)[0] >= kCalibratedLow && (*interval)[1] <= kCalibratedHigh;
}

// 1 - own / reference, undefined where the reference is 0 or undefined.
stats::Replicates skill_of(const stats::Replicates& own, const stats::Replicates& reference) {
  const auto skill = [](double loss, double of) {
    return of == 0 || std::isnan(of) ? kUndefinedScore : 1 - loss / of;
  };
  stats::Replicates out{.estimate = skill(own.estimate, reference.estimate),
                        .values = std::vector<double>(own.values.size())};
  for (size_t b = 0; b < own.values.size(); ++b) {
    out.values[b] = skill(own.values[b], reference.values[b]);
  }
  return out;
}

class Score {
 public:
  Score(const ForecastLevels& own, bool drawn, const Statistician& statistician, Nulls& nulls,
        const std::string& path)
      : levels_(merged(own)),
        sums_(window_sums(levels_, statistician.table().units(), drawn)),
        statistician_(statistician),
        nulls_(nulls),
        path_(path),
        decisions_(total_of(sums_.decisions)),
        flips_(total_of(sums_.flips)),
        brier_(statistician.ratio(sums_.loss, sums_.decisions)) {}

  Json json(const ForecastLevels* f0, const ForecastLevels* f1, bool has_slope) const {
    const stats::Replicates ratio = statistician_.ratio(sums_.p, sums_.flips);
    const auto slope = has_slope ? std::optional(slope_replicates()) : std::nullopt;
    const auto skill_f0 = skill_against(f0), skill_f1 = skill_against(f1);
    Json score = Json::object();
    score["decisions"] = static_cast<uint64_t>(decisions_);
    score["flips"] = static_cast<uint64_t>(flips_);
    score["mean_p"] = number(total_of(sums_.p) / decisions_, "mean_p");
    score["mean_f"] = number(flips_ / decisions_, "mean_f");
    score["ratio"] = block(ratio, "ratio", "rate", "no decision flips");
    score["slope"] = slope ? block(*slope, "slope", "value", "flips don't fix a slope")
                           : nulls_.null(path_ + ".slope", "p is a constant of the layer");
    score["brier"] = block(brier_, "brier", "rate", kNoDecision);
    score["skill_f0"] = skill_block(skill_f0, "skill_f0");
    score["skill_f1"] = skill_block(skill_f1, "skill_f1");
    add_reliability(score);
    const bool enough = flips_ >= static_cast<double>(kFewestFlips);
    const bool calibrated = near_one(ratio) && (!slope || near_one(*slope));
    const bool informative = skill_f1 && stats::interval_above(skill_f1->values, 0);
    score["calibration"] = !enough ? "INSUFFICIENT" : calibrated ? "CALIBRATED" : "NOT_CALIBRATED";
    score["information"] = !enough       ? "INSUFFICIENT"
                           : informative ? "INFORMATIVE"
                                         : "NOT_INFORMATIVE";
    return score;
  }

 private:
  static constexpr const char* kNoDecision = "no decision is defined";

  Json number(double value, const char* member) const {
    return nulls_.number(value, path_ + '.' + member, kNoDecision);
  }
  // {value, ci95}
  Json block(const stats::Replicates& replicates, const char* member, const char* value,
             const char* reason) const {
    const std::string path = path_ + '.' + member;
    if (std::isnan(replicates.estimate)) {
      nulls_.null(path, reason);
      return {{value, nullptr}, {"ci95", nullptr}};
    }
    return {{value, replicates.estimate},
            {"ci95",
             interval_json(stats::percentile_interval(replicates.values), nulls_, path + ".ci95")}};
  }
  Json skill_block(const std::optional<stats::Replicates>& skill, const char* member) const {
    if (!skill)
      return nulls_.null(path_ + '.' + member,
                         "a reference isn't scored against itself or a finer one");
    return block(*skill, member, "value", "the reference has no loss");
  }

  std::optional<stats::Replicates> skill_against(const ForecastLevels* reference) const {
    if (reference == nullptr) return std::nullopt;
    const WindowSums sums = window_sums(merged(*reference), sums_.decisions.size(), false);
    return skill_of(brier_, statistician_.ratio(sums.loss, sums.decisions));
  }

  stats::Replicates slope_replicates() const {
    std::vector<stats::OutcomeLevel> outcomes;
    for (const ForecastLevel& level : levels_) {
      const double p = std::clamp(level.p, kSmallestP, 1 - kSmallestP);
      outcomes.push_back({.x = stats::pinned_log(p / (1 - p)),
                          .trials = level.decisions,
                          .outcomes = level.flips});
    }
    return stats::logistic_slope_replicates(statistician_.table(), outcomes);
  }

  // The diagram, and the decomposition of the raw loss (Murphy 1973) with what binning hides.
  void add_reliability(Json& score) const {
    Json& diagram = score["reliability"] = Json::array();
    double rel = 0, res = 0;
    const double mean_f = flips_ / decisions_;
    for (const ReliabilityBin& bin : reliability_bins(levels_, sums_.decisions.size())) {
      const stats::Replicates f = statistician_.ratio(bin.flips, bin.decisions);
      const double p = bin.p_sum / bin.n;
      rel += bin.n * ((p - f.estimate) * (p - f.estimate));
      res += bin.n * ((f.estimate - mean_f) * (f.estimate - mean_f));
      diagram.push_back({{"p", p},
                         {"f", f.estimate},
                         {"ci95", interval_json(stats::percentile_interval(f.values), nulls_,
                                                path_ + ".reliability")},
                         {"n", static_cast<uint64_t>(bin.n)}});
    }
    rel /= decisions_;
    res /= decisions_;
    const double unc = mean_f * (1 - mean_f);
    const double raw = total_of(sums_.raw_loss) / decisions_;
    score["rel"] = number(rel, "rel");
    score["res"] = number(res, "res");
    score["unc"] = number(unc, "unc");
    score["within"] = number(raw - (rel - res + unc), "within");
  }

  ForecastLevels levels_;
  WindowSums sums_;
  const Statistician& statistician_;
  Nulls& nulls_;
  const std::string& path_;
  double decisions_, flips_;
  stats::Replicates brier_;
};

}  // namespace

ForecastLevels levels_of(const DrawCounts& counts) {
  const size_t windows = counts.of_window.size();
  std::array<ForecastLevel, kAuditDraws + 1> by_draws;
  for (size_t w = 0; w < windows; ++w) {
    for (const std::array<uint32_t, 3>& row : counts.of_window[w]) {
      ForecastLevel& level = by_draws[row[0]];
      level.decisions.resize(windows);
      level.flips.resize(windows);
      level.decisions[w] += row[1];
      level.flips[w] += row[2];
    }
  }
  ForecastLevels levels;
  for (uint32_t s = 0; s <= kAuditDraws; ++s) {
    if (by_draws[s].decisions.empty()) continue;
    by_draws[s].p = static_cast<double>(s) / kAuditDraws;
    levels.push_back(std::move(by_draws[s]));
  }
  return levels;
}

Json score_json(const ForecastLevels& own, bool drawn, const ForecastLevels* f0,
                const ForecastLevels* f1, bool has_slope, const Statistician& statistician,
                Nulls& nulls, const std::string& path) {
  return Score(own, drawn, statistician, nulls, path).json(f0, f1, has_slope);
}

}  // namespace rg::experiments
