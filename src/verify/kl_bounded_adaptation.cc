// With a set of layers frozen, do tuned runs stay within the drift and the forgetting registered
// beforehand, do both go together over the runs, and are both lower than with fewer layers frozen?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/domains.h"
#include "verify/family_arrays.h"
#include "verify/frozen_layers.h"
#include "verify/rank_correlation.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr size_t kEval = 0, kBase = 1;  // the two roles, in the order of `domains`
constexpr const char* kRoles[] = {"eval", "base"};
constexpr uint64_t kMinRoleWindows = 1000;
constexpr size_t kMinRuns = 5;
constexpr Range kPositive{std::numeric_limits<double>::denorm_min(), kUnbounded};

// Nats, of the means over runs.
struct Thresholds {
  double drift = 0, forgetting = 0;
};

// What was registered and done, before anything is measured.
struct Adaptation {
  Thresholds largest;
  FrozenSets frozen;
  std::vector<std::string> tuned, compared;  // checkpoints
};

// Runs of one recipe: means over windows, and over runs.
struct RecipeMeans {
  std::vector<std::string> checkpoints;
  std::vector<ColumnId> drift_ids, forgetting_ids;
  std::vector<double> drift, forgetting;
  double drift_mean = 0, forgetting_mean = 0;
};

// The tuned runs resampled with replacement; the comparison's too for the deltas alone.
struct RunResamples {
  std::vector<double> drift, forgetting, rho;         // rho: of replicates that have ranks
  std::vector<double> drift_delta, forgetting_delta;  // the comparison's mean less theirs
  size_t dropped = 0;                                 // that have no ranks
  size_t supporting = 0;                              // on the passing side of every condition
};

struct Conditions {
  bool drift, forgetting, correlation, advantage;
  bool all() const { return drift && forgetting && correlation && advantage; }
};

void check_roles(const Case& c) {
  const std::vector<DomainWindows>& domains = c.header.family.domains;
  const bool both = domains.size() == 2 && domains[kEval].name == kRoles[kEval] &&
                    domains[kBase].name == kRoles[kBase];
  if (!both) c.inspect.invalid(Check::family_list, "domains", "expected eval, base");
}

std::vector<std::string> read_run_names(const Case& c, const At& list) {
  std::vector<std::string> names;
  if (!c.inspect.is(list, Kind::array)) return names;
  const Array& rows = list.value->array();
  if (rows.empty()) c.inspect.invalid(Check::family_list, list.path, "is empty");
  for (size_t i = 0; i < rows.size(); ++i) {
    const At row{&rows[i], fmt::format("{}[{}]", list.path, i)};
    if (!c.inspect.is(row, Kind::object)) return names;
    names.push_back(c.inspect.text(c.inspect.need(row, "ckpt")));
  }
  return names;
}

// The family is the base, the tuned runs, then the comparison's.
void check_run_names(const Case& c, const Adaptation& adaptation) {
  const Family& family = c.header.family;
  const At base = c.inspect.need(c.root, "base");
  if (base && c.inspect.text(base) != family.base()) {
    c.inspect.invalid(Check::family_list, base.path, "is not the family's base");
  }
  std::vector<std::string> expected = {family.base()};
  for (const auto* const names : {&adaptation.tuned, &adaptation.compared}) {
    expected.insert(expected.end(), names->begin(), names->end());
  }
  if (c.inspect.sound() && expected != family.checkpoints) {
    c.inspect.invalid(Check::family_list, "runs",
                      "and `baseline.runs` do not name the family's checkpoints in their order");
  }
}

Adaptation read_statement(const Case& c) {
  Inspector& inspect = c.inspect;
  Adaptation read;
  check_roles(c);
  inspect.text(inspect.need(inspect.need(c.root / "summary", "null"), "kind"));
  const At registration = inspect.need(c.root, "registration");
  check_sha256(inspect, inspect.need(registration, "sha256"));
  inspect.text(inspect.need(registration, "registered_utc"));
  const At thresholds = inspect.need(c.root, "thresholds");
  read.largest = {
      .drift = inspect.number(inspect.need(thresholds, "D_max"), kPositive).value_or(0),
      .forgetting = inspect.number(inspect.need(thresholds, "L_max"), kPositive).value_or(0)};
  read.tuned = read_run_names(c, inspect.need(c.root, "runs"));
  read.compared = read_run_names(c, inspect.need(inspect.need(c.root, "baseline"), "runs"));
  check_run_names(c, read);
  read.frozen = read_frozen_sets(c);
  if (inspect.sound()) check_layer_hashes(c, read.frozen, read.tuned, read.compared);
  return read;
}

struct AdaptationArrays {
  CheckpointWindows drift;       // on eval: KL(checkpoint || base), nats
  CheckpointWindows forgetting;  // on base: loss less that of the base, nats
};

AdaptationArrays read_adaptation(const Case& c) {
  check_domains(c);
  const DomainWindows& eval = c.header.family.domains[kEval];
  const DomainWindows& base = c.header.family.domains[kBase];
  AdaptationArrays arrays{.drift = read_checkpoints(c, eval, "D", kNotNegative),
                          .forgetting = read_checkpoints(c, base, "L_forget", kAnyNumber)};
  const CheckpointWindows loss = read_checkpoints(c, base, "loss", kNotNegative);
  if (!c.inspect.sound()) return arrays;
  check_base_is_zero(c, eval, "D", arrays.drift);
  check_base_is_zero(c, base, "L_forget", arrays.forgetting);
  for (const auto& [checkpoint, values] : loss) {
    check_difference(c, "per_window.base.L_forget." + checkpoint, arrays.forgetting.at(checkpoint),
                     values, loss.at(c.header.family.base()));
  }
  return arrays;
}

double mean_of_runs(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

RecipeMeans means_of(const std::vector<std::string>& checkpoints, const AdaptationArrays& arrays,
                     DomainAnalyses& analyses) {
  RecipeMeans means;
  means.checkpoints = checkpoints;
  for (const std::string& checkpoint : checkpoints) {
    means.drift_ids.push_back(analyses[kEval].add(arrays.drift.at(checkpoint)));
    means.forgetting_ids.push_back(analyses[kBase].add(arrays.forgetting.at(checkpoint)));
    means.drift.push_back(analyses[kEval].mean(means.drift_ids.back()).value_or(0));
    means.forgetting.push_back(analyses[kBase].mean(means.forgetting_ids.back()).value_or(0));
  }
  means.drift_mean = mean_of_runs(means.drift);
  means.forgetting_mean = mean_of_runs(means.forgetting);
  return means;
}

// Over runs in their order: how often each was drawn times its value.
double mean_of_drawn(const std::vector<double>& values, const std::vector<uint32_t>& drawn) {
  std::vector<double> counts(values.size(), 0.0);
  for (const uint32_t run : drawn) counts[run] += 1;
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += counts[i] * values[i];
  return sum / static_cast<double>(values.size());
}

RunResamples resample_runs(const RecipeMeans& tuned, const RecipeMeans& compared,
                           const Thresholds& largest, uint64_t seed, uint32_t replicates) {
  RunResamples result;
  const auto runs = static_cast<uint32_t>(tuned.drift.size());
  const auto others = static_cast<uint32_t>(compared.drift.size());
  std::vector<double> drift(runs), forgetting(runs);
  for (uint32_t b = 0; b < replicates; ++b) {
    const std::vector<uint32_t> drawn = drawn_runs(runs, seed, b, kTunedRuns);
    const std::vector<uint32_t> other = drawn_runs(others, seed, b, kComparedRuns);
    for (uint32_t i = 0; i < runs; ++i) {
      drift[i] = tuned.drift[drawn[i]];
      forgetting[i] = tuned.forgetting[drawn[i]];
    }
    const double d = mean_of_drawn(tuned.drift, drawn), l = mean_of_drawn(tuned.forgetting, drawn);
    const std::optional<double> rho = rank_correlation(drift, forgetting);
    result.drift.push_back(d);
    result.forgetting.push_back(l);
    result.drift_delta.push_back(mean_of_drawn(compared.drift, other) - d);
    result.forgetting_delta.push_back(mean_of_drawn(compared.forgetting, other) - l);
    if (rho) {
      result.rho.push_back(*rho);
    } else {
      ++result.dropped;
    }
    const bool supports = d <= largest.drift && l <= largest.forgetting && rho && *rho > 0 &&
                          d < compared.drift_mean && l < compared.forgetting_mean;
    result.supporting += supports ? 1u : 0u;
  }
  return result;
}

Conditions judge_conditions(const RecipeMeans& tuned, const RecipeMeans& compared,
                            const Thresholds& largest, const RunResamples& resamples) {
  const std::optional<Interval> rho = percentile_interval(resamples.rho);
  return {.drift = tuned.drift_mean <= largest.drift,
          .forgetting = tuned.forgetting_mean <= largest.forgetting,
          .correlation = rho && rho->lo > 0,
          .advantage = tuned.drift_mean < compared.drift_mean &&
                       tuned.forgetting_mean < compared.forgetting_mean};
}

// Whatever the numbers of windows and runs.
Verdict adaptation_verdict(const RecipeMeans& tuned, const Conditions& conditions) {
  if (!rank_correlation(tuned.drift, tuned.forgetting)) return Verdict::degenerate;
  return conditions.all() ? Verdict::pass : Verdict::fail;
}

void claim_runs(DomainAnalyses& analyses, const RecipeMeans& recipe, const Thresholds& largest,
                const Claims::Path& rows, Claims& claims) {
  for (size_t i = 0; i < recipe.checkpoints.size(); ++i) {
    Claims::Path row = rows;
    row.push_back(std::to_string(i));
    row.emplace_back("D_hat");
    claims.mean(row, recipe.drift[i]);
    row.back() = "L_forget_hat";
    claims.mean(row, recipe.forgetting[i]);
    const Claims::Path run = {"summary", "per_run", recipe.checkpoints[i]};
    analyses[kEval].mean_block(claims, {run[0], run[1], run[2], "D"}, recipe.drift_ids[i]);
    analyses[kBase].mean_block(claims, {run[0], run[1], run[2], "L"}, recipe.forgetting_ids[i]);
    claims.flag({run[0], run[1], run[2], "within"},
                recipe.drift[i] <= largest.drift && recipe.forgetting[i] <= largest.forgetting);
  }
}

void claim_over_runs(const RecipeMeans& tuned, const RecipeMeans& compared,
                     const RunResamples& resamples, Claims& claims) {
  claims.mean({"baseline", "D_hat"}, compared.drift_mean);
  claims.mean({"baseline", "L_forget_hat"}, compared.forgetting_mean);
  claims.mean({"summary", "D_hat_mean"}, tuned.drift_mean);
  claims.mean({"summary", "L_forget_hat_mean"}, tuned.forgetting_mean);
  claims.mean({"summary", "freeze_advantage", "D_delta"}, compared.drift_mean - tuned.drift_mean);
  claims.mean({"summary", "freeze_advantage", "L_delta"},
              compared.forgetting_mean - tuned.forgetting_mean);
  claims.interval({"summary", "D_hat_mean_ci95"}, percentile_interval(resamples.drift));
  claims.interval({"summary", "L_forget_hat_mean_ci95"}, percentile_interval(resamples.forgetting));
  claims.interval({"summary", "freeze_advantage", "D_delta_ci95"},
                  percentile_interval(resamples.drift_delta));
  claims.interval({"summary", "freeze_advantage", "L_delta_ci95"},
                  percentile_interval(resamples.forgetting_delta));
  const auto below = [](const char* key) { return Claims::Path{"summary", "correlation", key}; };
  claims.mean(below("rho"), rank_correlation(tuned.drift, tuned.forgetting));
  claims.interval(below("ci95"), percentile_interval(resamples.rho));
  claims.count(below("K"), static_cast<int64_t>(tuned.drift.size()));
  claims.count(below("dropped"), static_cast<int64_t>(resamples.dropped));
  claims.mean(below("p_exact"), permutation_p(tuned.drift, tuned.forgetting));
}

void claim_conditions(const Conditions& conditions, Verdict verdict, Claims& claims) {
  for (const auto& [name, holds] :
       {std::pair{"drift", conditions.drift}, std::pair{"forgetting", conditions.forgetting},
        std::pair{"correlation", conditions.correlation},
        std::pair{"advantage", conditions.advantage}}) {
    claims.flag({"summary", "conditions", name}, holds);
  }
  claims.text({"summary", "verdict"}, std::string(verdict_name(verdict)));
}

// Standard error of a mean over runs; none for a single run.
std::optional<double> error_of_mean(const std::vector<double>& runs) {
  const std::optional<double> deviation = sample_deviation(runs);
  if (!deviation) return std::nullopt;
  return std::sqrt(*deviation * *deviation / static_cast<double>(runs.size()));
}

// Of the difference of both recipes' means. A single run of the comparison doesn't show how such
// runs vary: its mean counts as exact.
std::optional<double> error_of_delta(const std::vector<double>& tuned,
                                     const std::vector<double>& compared) {
  const std::optional<double> own = sample_deviation(tuned);
  if (!own) return std::nullopt;
  const double other = sample_deviation(compared).value_or(0);
  return std::sqrt(*own * *own / static_cast<double>(tuned.size()) +
                   other * other / static_cast<double>(compared.size()));
}

// Of a statistic over runs that is to lie on one side of a bound.
struct RunCriterion {
  const char* name;
  double estimate, bound;
  int side;
  bool holds;
  std::optional<double> error;  // standard error of estimate - bound
};

Criterion criterion_of(const RunCriterion& of, const std::vector<double>& replicates) {
  Criterion criterion{.name = of.name,
                      .layer = -1,
                      .estimate = of.estimate,
                      .ci95 = percentile_interval(replicates),
                      .holds = of.holds,
                      .z = {}};
  if (of.error && *of.error > 0) criterion.z = of.side * (of.estimate - of.bound) / *of.error;
  return criterion;
}

void add_run_criteria(const Adaptation& adaptation, const RecipeMeans& tuned,
                      const RecipeMeans& compared, const Conditions& conditions,
                      const RunResamples& resamples, Judgement& judgement) {
  const double d = tuned.drift_mean, l = tuned.forgetting_mean;
  const double rho = rank_correlation(tuned.drift, tuned.forgetting).value_or(0);
  judgement.criteria = {
      criterion_of(
          {"drift", d, adaptation.largest.drift, -1, conditions.drift, error_of_mean(tuned.drift)},
          resamples.drift),
      criterion_of({"forgetting", l, adaptation.largest.forgetting, -1, conditions.forgetting,
                    error_of_mean(tuned.forgetting)},
                   resamples.forgetting),
      criterion_of({"correlation of drift and forgetting", rho, 0, 1, conditions.correlation,
                    sample_deviation(resamples.rho)},
                   resamples.rho),
      criterion_of({"drift below comparison", d, compared.drift_mean, -1, d < compared.drift_mean,
                    error_of_delta(tuned.drift, compared.drift)},
                   resamples.drift),
      criterion_of(
          {"forgetting below comparison", l, compared.forgetting_mean, -1,
           l < compared.forgetting_mean, error_of_delta(tuned.forgetting, compared.forgetting)},
          resamples.forgetting)};
  choose_effect(judgement);
}

// From the smallest z of all criteria, in runs; none where a criterion has none.
void claim_over_repetitions(const Judgement& judgement, size_t runs, Claims& claims) {
  std::optional<double> z = std::numeric_limits<double>::infinity();
  for (const Criterion& criterion : judgement.criteria) {
    z = z && criterion.z ? std::optional(std::min(*z, *criterion.z)) : std::nullopt;
  }
  claim_replication(claims, {"summary", "replication"}, replication_of(runs, z));
  claims.text({"summary", "replication", "unit"}, "run");
}

std::string explain_success(const Adaptation& adaptation, const RecipeMeans& tuned,
                            const RecipeMeans& compared, const RunResamples& resamples) {
  return fmt::format(
      "With {} frozen, {} drift from the base by {:.3g} nats on average ({:.3g} registered) and "
      "forget "
      "{:.3g} nats ({:.3g} registered), less by {:.3g} and {:.3g} nats than with fewer layers "
      "frozen; runs that drift more forget more (rank correlation {:.3g}, at least {:.3g}).",
      at_layers(adaptation.frozen.own), counted(tuned.drift.size(), "run"), tuned.drift_mean,
      adaptation.largest.drift, tuned.forgetting_mean, adaptation.largest.forgetting,
      compared.drift_mean - tuned.drift_mean, compared.forgetting_mean - tuned.forgetting_mean,
      *rank_correlation(tuned.drift, tuned.forgetting), percentile_interval(resamples.rho)->lo);
}

std::string explain_failure(const Adaptation& adaptation, const RecipeMeans& tuned,
                            const RecipeMeans& compared, const Conditions& conditions,
                            const RunResamples& resamples) {
  std::string what;
  const auto add = [&](bool holds, const std::string& clause) {
    if (!holds) what += (what.empty() ? "" : "; ") + clause;
  };
  add(conditions.drift, fmt::format("drift within {:.3g} nats (it is {:.3g})",
                                    adaptation.largest.drift, tuned.drift_mean));
  add(conditions.forgetting, fmt::format("forgetting within {:.3g} nats (it is {:.3g})",
                                         adaptation.largest.forgetting, tuned.forgetting_mean));
  if (!conditions.correlation) {
    const std::optional<Interval> rho = percentile_interval(resamples.rho);
    add(false,
        fmt::format("that runs which drift more forget more (rank correlation {:.3g}, possibly as "
                    "low as {:.3g})",
                    *rank_correlation(tuned.drift, tuned.forgetting), rho ? rho->lo : -1));
  }
  add(conditions.advantage,
      fmt::format("less drift and less forgetting than with fewer layers frozen (lower by {:.3g} "
                  "and {:.3g} nats)",
                  compared.drift_mean - tuned.drift_mean,
                  compared.forgetting_mean - tuned.forgetting_mean));
  return fmt::format("Not shown over {} with {} frozen: {}.", counted(tuned.drift.size(), "run"),
                     at_layers(adaptation.frozen.own), what);
}

bool enough_runs(Judgement& judgement, size_t runs) {
  if (runs >= kMinRuns) return true;
  const std::string found = counted(runs, "tuned run");
  judgement.reasons.push_back(
      {"", "", "runs", fmt::format("{}, a verdict needs {}", found, kMinRuns)});
  judgement.sentence = fmt::format("Only {} {} measured; a verdict needs {}.", found,
                                   runs == 1 ? "was" : "were", kMinRuns);
  return false;
}

}  // namespace

void judge_kl_bounded_adaptation(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Options& options = c.inspect.options();
  const Adaptation adaptation = read_statement(c);
  if (!c.inspect.sound()) return;
  const AdaptationArrays arrays = read_adaptation(c);
  if (!c.inspect.sound()) return;

  const uint64_t runs = adaptation.tuned.size();
  const uint64_t drawn = runs + adaptation.compared.size();
  check_resample_budget({drawn, drawn, *c.header.replicates}, options.max_replicates,
                        judgement.path);
  check_resample_budget({drawn, drawn, options.replicates}, UINT32_MAX, judgement.path);
  DomainAnalyses analyses(c);
  const RecipeMeans tuned = means_of(adaptation.tuned, arrays, analyses);
  const RecipeMeans compared = means_of(adaptation.compared, arrays, analyses);
  analyses.resample();
  const Thresholds& largest = adaptation.largest;
  const RunResamples resamples =
      resample_runs(tuned, compared, largest, *c.header.seed, *c.header.replicates);
  const Conditions conditions = judge_conditions(tuned, compared, largest, resamples);
  const Verdict verdict = adaptation_verdict(tuned, conditions);

  claim_runs(analyses, tuned, largest, {"runs"}, finding.claims);
  claim_runs(analyses, compared, largest, {"baseline", "runs"}, finding.claims);
  claim_over_runs(tuned, compared, resamples, finding.claims);
  claim_conditions(conditions, verdict, finding.claims);

  add_run_criteria(adaptation, tuned, compared, conditions, resamples, judgement);
  claim_over_repetitions(judgement, runs, finding.claims);
  finding.verdict = Verdict::insufficient;
  if (!enough_for_a_verdict(c, kMinRoleWindows) || !enough_runs(judgement, runs)) return;
  finding.verdict = verdict;
  if (verdict == Verdict::degenerate) {
    judgement.reasons.push_back({"", "", "runs", "all drift alike, or all forget alike"});
    judgement.sentence =
        fmt::format("All {} drift alike, or all forget alike: their ranks can't be compared.",
                    counted(runs, "run"));
    return;
  }
  const RunResamples ours =
      resample_runs(tuned, compared, largest, options.seed, options.replicates);
  const Verdict again = adaptation_verdict(tuned, judge_conditions(tuned, compared, largest, ours));
  judgement.stability =
      stability_of(options, verdict, again,
                   static_cast<double>(ours.supporting) / static_cast<double>(options.replicates));
  judgement.sentence = verdict == Verdict::pass
                           ? explain_success(adaptation, tuned, compared, resamples)
                           : explain_failure(adaptation, tuned, compared, conditions, resamples);
}

}  // namespace rg::verify
