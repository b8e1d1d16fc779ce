#include "verify/audit_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "verify/audit_levels.h"
#include "verify/audit_logistic.h"

namespace rg::verify::audit {
namespace {

constexpr size_t kReplicatesPerTask = 25;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kMinFlips = 100;
constexpr double kCalibratedLo = 0.8, kCalibratedHi = 1.25;

std::optional<double> defined(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

std::optional<Interval> interval_of(const std::vector<double>& replicates) {
  std::vector<double> values;
  for (const double value : replicates) {
    if (!std::isnan(value)) values.push_back(value);
  }
  return percentile_interval(std::move(values));
}

// What counts by level give; kNone where undefined.
struct Numbers {
  double decisions = 0, flips = 0, sum_p = 0;
  double ratio = kNone, slope = kNone;
  double raw = kNone, brier = kNone;  // without and with the correction for draws
};

// A fixed set of levels: those of one layer, or of all.
class Scale {
 public:
  Scale(std::vector<double> p, Forecast of) : p_(std::move(p)), of_(of) {
    for (const double value : p_) {
      const double clipped = std::clamp(value, 0.5 / kDraws, 1 - 0.5 / kDraws);
      x_.push_back(std::log(clipped / (1 - clipped)));
    }
  }

  // Bins by the deciles of p over all decisions.
  void set_bins(const LevelCounts& all) {
    const auto decisions = static_cast<uint64_t>(sum_of(all.decisions));
    bin_.assign(p_.size(), 0);
    if (decisions == 0) return;
    std::array<double, kDeciles> inner{};  // the upper edges of all but the last
    for (size_t i = 1; i < kDeciles; ++i) {
      inner[i] = quantile(all, quantile_rank({i, kDeciles}, decisions));
    }
    for (size_t level = 0; level < p_.size(); ++level) {
      while (bin_[level] + 1 < kDeciles && p_[level] >= inner[bin_[level] + 1]) ++bin_[level];
    }
  }

  size_t size() const { return p_.size(); }
  double p(size_t level) const { return p_[level]; }
  size_t bin(size_t level) const { return bin_[level]; }

  Numbers numbers(const LevelCounts& counts) const {
    Numbers found;
    double squares = 0, correction = 0;
    for (size_t i = 0; i < p_.size(); ++i) {
      const double decisions = counts.decisions[i], flips = counts.flips[i], p = p_[i];
      found.decisions += decisions;
      found.flips += flips;
      found.sum_p += p * decisions;
      squares += flips * (1 - p) * (1 - p) + (decisions - flips) * p * p;
      correction += decisions * p * (1 - p) / (kDraws - 1);
    }
    if (found.flips > 0) found.ratio = found.sum_p / found.flips;
    if (found.decisions > 0) {
      found.raw = squares / found.decisions;
      found.brier = is_drawn(of_) ? (squares - correction) / found.decisions : found.raw;
    }
    if (of_ != Forecast::f0) found.slope = slope(counts).value_or(kNone);
    return found;
  }

  static double sum_of(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }

 private:
  double quantile(const LevelCounts& all, uint64_t rank) const {
    double below = 0;
    for (size_t i = 0; i < p_.size(); ++i) {
      below += all.decisions[i];
      if (below >= static_cast<double>(rank)) return p_[i];
    }
    return p_.back();
  }

  std::optional<double> slope(const LevelCounts& counts) const {
    std::vector<Outcome> outcomes(p_.size());
    for (size_t i = 0; i < p_.size(); ++i) {
      outcomes[i] = {x_[i], counts.decisions[i], counts.flips[i]};
    }
    return logistic_slope(outcomes);
  }

  std::vector<double> p_, x_;
  std::vector<size_t> bin_;
  Forecast of_;
};

// One row of the reliability diagram.
struct Bin {
  double decisions = 0, flips = 0, sum_p = 0;
};
using Bins = std::array<Bin, kDeciles>;

Bins bins_of(const Scale& scale, const LevelCounts& counts) {
  Bins bins;
  for (size_t i = 0; i < scale.size(); ++i) {
    Bin& bin = bins[scale.bin(i)];
    bin.decisions += counts.decisions[i];
    bin.flips += counts.flips[i];
    bin.sum_p += scale.p(i) * counts.decisions[i];
  }
  return bins;
}

// Scores of one forecast on one layer, or on all of them.
struct Unit {
  Unit(Scale s, const LevelCounts& all, size_t replicates)
      : scale(std::move(s)), numbers(scale.numbers(all)) {
    scale.set_bins(all);
    bins = bins_of(scale, all);
    for (std::vector<double>* of : {&ratio, &slope, &brier}) of->assign(replicates, kNone);
    rate.fill(std::vector<double>(replicates, kNone));
  }

  void add(size_t replicate, const LevelCounts& counts) {
    const Numbers found = scale.numbers(counts);
    ratio[replicate] = found.ratio;
    slope[replicate] = found.slope;
    brier[replicate] = found.brier;
    const Bins drawn = bins_of(scale, counts);
    for (size_t i = 0; i < kDeciles; ++i) {
      if (drawn[i].decisions > 0) rate[i][replicate] = drawn[i].flips / drawn[i].decisions;
    }
  }

  Scale scale;
  Numbers numbers;
  Bins bins;
  std::vector<double> ratio, slope, brier;         // by replicate
  std::array<std::vector<double>, kDeciles> rate;  // (bins)(replicates)
};

// The layers in ascending order, then all of them.
std::vector<Unit> score(const LeveledForecast& forecast, const Replicates& replicates,
                        int threads) {
  std::vector<Unit> units;
  const size_t layers = forecast.layers.size();
  LevelCounts all(forecast.pooled.size());
  for (const LayerLevels& levels : forecast.layers) {
    LevelCounts counts(levels.p.size());
    levels.add_all(counts);
    levels.add_to_pooled(counts, all);
    units.emplace_back(Scale(levels.p, forecast.of), counts, replicates.count());
  }
  units.emplace_back(Scale(forecast.pooled, forecast.of), all, replicates.count());
  const size_t tasks = (replicates.count() + kReplicatesPerTask - 1) / kReplicatesPerTask;
  parallel_for(tasks, threads, [&](size_t task, int) {
    const size_t end = std::min<size_t>(replicates.count(), (task + 1) * kReplicatesPerTask);
    for (size_t b = task * kReplicatesPerTask; b < end; ++b) {
      LevelCounts pooled(forecast.pooled.size());
      for (size_t i = 0; i < layers; ++i) {
        LevelCounts counts(forecast.layers[i].p.size());
        forecast.layers[i].add_drawn(replicates, b, counts);
        forecast.layers[i].add_to_pooled(counts, pooled);
        units[i].add(b, counts);
      }
      units[layers].add(b, pooled);
    }
  });
  return units;
}

struct Skill {
  std::optional<double> value;
  std::optional<Interval> interval;
};

Skill skill_over(const Unit& unit, const Unit& reference) {
  const auto of = [](double brier, double base) {
    return std::isnan(brier) || std::isnan(base) || base == 0 ? kNone : 1 - brier / base;
  };
  std::vector<double> replicates;
  for (size_t b = 0; b < unit.brier.size(); ++b) {
    replicates.push_back(of(unit.brier[b], reference.brier[b]));
  }
  return {defined(of(unit.numbers.brier, reference.numbers.brier)), interval_of(replicates)};
}

bool calibrated(const std::optional<Interval>& interval) {
  return interval && interval->lo >= kCalibratedLo && interval->hi <= kCalibratedHi;
}

class ScoreClaims {
 public:
  ScoreClaims(Claims& claims, Claims::Path at, Forecast of, const Unit& unit)
      : claims_(claims), at_(std::move(at)), of_(of), unit_(unit) {}

  Labels claim(const Unit* f0, const Unit* f1) {
    const Numbers& found = unit_.numbers;
    const bool any = found.decisions > 0;
    claims_.count(at({"decisions"}), static_cast<int64_t>(found.decisions));
    claims_.count(at({"flips"}), static_cast<int64_t>(found.flips));
    near("mean_p", any ? std::optional(found.sum_p / found.decisions) : std::nullopt);
    near("mean_f", any ? std::optional(found.flips / found.decisions) : std::nullopt);
    const std::optional<Interval> ratio = interval_of(unit_.ratio);
    claims_.near(at({"ratio", "rate"}), defined(found.ratio), Check::summary_mean);
    claims_.close_interval(at({"ratio", "ci95"}), ratio, Check::summary_interval);
    const std::optional<Interval> slope = claim_slope();
    claims_.near(at({"brier", "rate"}), defined(found.brier), Check::summary_mean);
    claims_.close_interval(at({"brier", "ci95"}), interval_of(unit_.brier),
                           Check::summary_interval);
    claim_skill("skill_f0", f0);
    const std::optional<Interval> skill = claim_skill("skill_f1", f1);
    claim_reliability();
    Labels labels;
    if (found.flips < kMinFlips) {
      labels = {"INSUFFICIENT", "INSUFFICIENT"};
    } else {
      const bool fits = calibrated(ratio) && (of_ == Forecast::f0 || calibrated(slope));
      labels.calibration = fits ? "CALIBRATED" : "NOT_CALIBRATED";
      labels.information = skill && skill->lo > 0 ? "INFORMATIVE" : "NOT_INFORMATIVE";
    }
    claims_.text(at({"calibration"}), labels.calibration);
    claims_.text(at({"information"}), labels.information);
    return labels;
  }

 private:
  Claims::Path at(std::initializer_list<std::string> below) const {
    Claims::Path path = at_;
    path.insert(path.end(), below);
    return path;
  }
  void near(const char* key, std::optional<double> value) {
    claims_.near(at({key}), value, Check::summary_mean);
  }

  std::optional<Interval> claim_slope() {
    if (of_ == Forecast::f0) {
      claims_.iterated(at({"slope"}), std::nullopt);
      return std::nullopt;
    }
    const std::optional<Interval> slope = interval_of(unit_.slope);
    claims_.iterated(at({"slope", "value"}), defined(unit_.numbers.slope));
    claims_.iterated_interval(at({"slope", "ci95"}), slope);
    return slope;
  }

  std::optional<Interval> claim_skill(const char* key, const Unit* reference) {
    if (reference == nullptr) {
      near(key, std::nullopt);
      return std::nullopt;
    }
    const Skill skill = skill_over(unit_, *reference);
    claims_.near(at({key, "value"}), skill.value, Check::summary_mean);
    claims_.close_interval(at({key, "ci95"}), skill.interval, Check::summary_interval);
    return skill.interval;
  }

  // The diagram's rows, and how they take the raw Brier score apart.
  void claim_reliability() {
    const Numbers& all = unit_.numbers;
    size_t row = 0;
    double rel = 0, res = 0;
    const double base = all.flips / all.decisions;  // not a number, and unused, without decisions
    for (size_t i = 0; i < kDeciles; ++i) {
      const Bin& bin = unit_.bins[i];
      if (bin.decisions == 0) continue;
      const double p = bin.sum_p / bin.decisions, f = bin.flips / bin.decisions;
      rel += bin.decisions * (p - f) * (p - f);
      res += bin.decisions * (f - base) * (f - base);
      const std::string number = std::to_string(row++);
      claims_.near(at({"reliability", number, "p"}), p, Check::summary_mean);
      claims_.near(at({"reliability", number, "f"}), f, Check::summary_mean);
      claims_.close_interval(at({"reliability", number, "ci95"}), interval_of(unit_.rate[i]),
                             Check::summary_interval);
      claims_.count(at({"reliability", number, "n"}), static_cast<int64_t>(bin.decisions));
    }
    claims_.absent(at({"reliability", std::to_string(row)}));
    if (all.decisions == 0) {
      for (const char* key : {"rel", "res", "unc", "within"}) near(key, std::nullopt);
      return;
    }
    rel /= all.decisions;
    res /= all.decisions;
    const double unc = base * (1 - base);
    near("rel", rel);
    near("res", res);
    near("unc", unc);
    near("within", all.raw - (rel - res + unc));
  }

  Claims& claims_;
  Claims::Path at_;
  Forecast of_;
  const Unit& unit_;
};

}  // namespace

Labels claim_scores(const Case& c, const Record& record, const Replicates& replicates,
                    Claims& claims) {
  Labels labels;
  if (record.folds.empty()) {
    claims.mean({"summary", "forecasts"}, std::nullopt);
    return labels;
  }
  const int threads = c.inspect.options().threads;
  std::vector<Unit> f0, f1;
  for (const Forecast of : kForecasts) {
    std::vector<Unit> units = score(leveled(record, of), replicates, threads);
    for (size_t i = 0; i < units.size(); ++i) {
      const bool pooled = i == c.header.layers.size();
      Claims::Path at = {"summary", "forecasts", name_of(of)};
      if (pooled) {
        at.emplace_back("pooled");
      } else {
        at.insert(at.end(), {"per_layer", std::to_string(c.header.layers[i])});
      }
      const Unit* over_f0 = of == Forecast::f0 ? nullptr : &f0[i];
      const Unit* over_f1 = is_drawn(of) ? &f1[i] : nullptr;
      labels = ScoreClaims(claims, std::move(at), of, units[i]).claim(over_f0, over_f1);
    }
    if (of == Forecast::f0) f0 = std::move(units);
    if (of == Forecast::f1) f1 = std::move(units);
  }
  return labels;  // of F4, pooled
}

uint64_t score_columns(const Record& record) {
  uint64_t columns = 0;
  if (record.folds.empty()) return 0;
  for (const auto& [layer, of] : record.layers) {
    columns += 4 + 4 * kDeciles;  // F0 and F1: decisions and flips in two folds
    columns += of.forecasts.size() * 2 * (kDraws + 1);
  }
  return columns;
}

}  // namespace rg::verify::audit
