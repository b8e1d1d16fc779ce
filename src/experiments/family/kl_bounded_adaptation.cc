#include "experiments/family/kl_bounded_adaptation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "experiments/common.h"
#include "experiments/family/family_outputs.h"
#include "experiments/family/over_runs.h"
#include "stats/convergence.h"
#include "stats/spearman.h"

namespace rg::experiments {
namespace {

constexpr uint32_t kAdaptationWindows = 1000;  // of each role; fewer give no verdict
// Counter layers that draw runs: neither windows nor documents, and each recipe its own.
constexpr uint32_t kRunTable = 2, kComparedRunTable = 3;
constexpr const char* kNoWindow = "no window defines it";

struct TunedRun {
  const AdaptationRun* run;
  std::vector<double> drift, forgetting, loss;  // by window; NaN where undefined
  stats::Replicates drift_mean, forgetting_mean;

  double d_hat() const { return drift_mean.estimate; }
  double l_hat() const { return forgetting_mean.estimate; }
  bool within(const AdaptationFacts& facts) const {
    return d_hat() <= facts.d_max && l_hat() <= facts.l_max;
  }
};

// Runs of one recipe, and the means of their estimates.
struct Recipe {
  std::vector<TunedRun> runs;
  RunMeans means;
  double d_mean, l_mean;
};

struct RunCorrelation {
  stats::Replicates rho;
  std::optional<double> p_exact;
  int64_t dropped;  // replicates with constant ranks
};

struct AdaptationConditions {
  bool drift, forgetting, correlation, advantage;
  bool all() const { return drift && forgetting && correlation && advantage; }
};

// The tables that resample windows, by role.
struct RoleTables {
  Statistician eval, base;
};

void check_facts(const AdaptationFacts& facts) {
  check_internal(!facts.runs.empty() && !facts.comparison.empty(), "both recipes have runs");
  check_internal(facts.comparison_frozen.size() < facts.frozen.size() &&
                     std::includes(facts.frozen.begin(), facts.frozen.end(),
                                   facts.comparison_frozen.begin(), facts.comparison_frozen.end()),
                 "the comparison freezes fewer layers");
  for (const auto* const recipe : {&facts.runs, &facts.comparison}) {
    for (const AdaptationRun& run : *recipe) {
      check_internal(run.eval->kl().size() == facts.eval_window_document.size() &&
                         run.base->loss().size() == facts.base_window_document.size(),
                     "every run is measured on all windows, with the base as reference");
    }
  }
}

TunedRun tuned_run(const AdaptationFacts& facts, const RoleTables& tables,
                   const AdaptationRun& run) {
  std::vector<double> drift = defined_values(run.eval->kl());
  std::vector<double> loss = defined_values(run.base->loss());
  std::vector<double> forgetting =
      window_differences(loss, defined_values(facts.base_on_base->loss()));
  stats::Replicates drift_mean = tables.eval.mean(drift);
  stats::Replicates forgetting_mean = tables.base.mean(forgetting);
  return {.run = &run,
          .drift = std::move(drift),
          .forgetting = std::move(forgetting),
          .loss = std::move(loss),
          .drift_mean = std::move(drift_mean),
          .forgetting_mean = std::move(forgetting_mean)};
}

Recipe recipe_of(const AdaptationFacts& facts, const RoleTables& tables,
                 std::span<const AdaptationRun> runs) {
  Recipe recipe{.runs = {}, .means = {}, .d_mean = kNaN, .l_mean = kNaN};
  for (const AdaptationRun& run : runs) {
    recipe.runs.push_back(tuned_run(facts, tables, run));
    recipe.means.drift.push_back(recipe.runs.back().d_hat());
    recipe.means.forgetting.push_back(recipe.runs.back().l_hat());
  }
  recipe.d_mean = stats::mean(recipe.means.drift);
  recipe.l_mean = stats::mean(recipe.means.forgetting);
  return recipe;
}

RunCorrelation correlation_of(const stats::CountTable& table, const RunMeans& tuned) {
  RunCorrelation found{.rho = stats::spearman_replicates(table, tuned.drift, tuned.forgetting),
                       .p_exact = stats::spearman_exact_p(tuned.drift, tuned.forgetting),
                       .dropped = 0};
  found.dropped = std::count_if(found.rho.values.begin(), found.rho.values.end(),
                                [](double value) { return std::isnan(value); });
  return found;
}

AdaptationConditions conditions_of(const AdaptationFacts& facts, const Recipe& tuned,
                                   const Recipe& comparison, const RunCorrelation& correlation) {
  return {
      .drift = tuned.d_mean <= facts.d_max,
      .forgetting = tuned.l_mean <= facts.l_max,
      .correlation = stats::interval_above(correlation.rho.values, 0),
      .advantage = tuned.d_mean < comparison.d_mean && tuned.l_mean < comparison.l_mean,
  };
}

const char* adaptation_verdict(const AdaptationConditions& conditions,
                               const RunCorrelation& correlation) {
  if (std::isnan(correlation.rho.estimate)) return "DEGENERATE";
  return conditions.all() ? "PASS" : "FAIL";
}

Json runs_json(const Recipe& recipe, Nulls& nulls, const std::string& path) {
  Json rows = Json::array();
  for (const TunedRun& run : recipe.runs) {
    rows.push_back({{"ckpt", run.run->ckpt},
                    {"D_hat", nulls.number(run.d_hat(), path, kNoWindow)},
                    {"L_forget_hat", nulls.number(run.l_hat(), path, kNoWindow)}});
  }
  return rows;
}

Json hashes_json(const LayerHashes& hashes) {
  Json object = Json::object();
  for (const auto& [layer, sha256] : hashes) object[layer_key(layer)] = sha256;
  return object;
}

// Both recipes' runs, in the order of the family's checkpoints.
std::vector<const TunedRun*> all_runs(const Recipe& tuned, const Recipe& comparison) {
  std::vector<const TunedRun*> runs;
  for (const Recipe* const recipe : {&tuned, &comparison}) {
    for (const TunedRun& run : recipe->runs) runs.push_back(&run);
  }
  return runs;
}

Json layer_hashes_json(const AdaptationFacts& facts, std::span<const TunedRun* const> runs) {
  Json hashes = {{facts.base, hashes_json(facts.base_hashes)}};
  for (const TunedRun* const run : runs) {
    hashes[run->run->ckpt] = hashes_json(run->run->layer_hashes);
  }
  return hashes;
}

Json windows_json(const AdaptationFacts& facts, std::span<const TunedRun* const> runs,
                  Nulls& nulls) {
  const auto array = [&](std::span<const double> values, const std::string& path) {
    return nulls.array(values, path, "some position of the window leaves the value undefined");
  };
  const std::vector<double> base_loss = defined_values(facts.base_on_base->loss());
  Json drift = {{facts.base, std::vector<double>(facts.eval_window_document.size(), 0.0)}};
  Json forgetting = {
      {facts.base, array(window_differences(base_loss, base_loss), "per_window.base.L_forget")}};
  Json loss = {{facts.base, array(base_loss, "per_window.base.loss")}};
  for (const TunedRun* const run : runs) {
    const std::string& ckpt = run->run->ckpt;
    drift[ckpt] = array(run->drift, "per_window.eval.D");
    forgetting[ckpt] = array(run->forgetting, "per_window.base.L_forget");
    loss[ckpt] = array(run->loss, "per_window.base.loss");
  }
  return {{"eval", {{"D", std::move(drift)}}},
          {"base", {{"L_forget", std::move(forgetting)}, {"loss", std::move(loss)}}}};
}

Json per_run_json(const AdaptationFacts& facts, const RoleTables& tables,
                  std::span<const TunedRun* const> runs, Nulls& nulls) {
  const std::string path = "summary.per_run";
  Json by_run = Json::object();
  for (const TunedRun* const run : runs) {
    by_run[run->run->ckpt] = {{"D", tables.eval.mean_block(run->drift_mean, nulls, path)},
                              {"L", tables.base.mean_block(run->forgetting_mean, nulls, path)},
                              {"within", run->within(facts)}};
  }
  return by_run;
}

Json correlation_json(const RunCorrelation& correlation, size_t runs, Nulls& nulls) {
  const std::string path = "summary.correlation";
  const std::string too_many =
      fmt::format("more than {} runs, or ranks that are all equal", stats::kMostPermutedUnits);
  return {{"rho", nulls.number(correlation.rho.estimate, path + ".rho", "ranks are all equal")},
          {"ci95", interval_json(stats::percentile_interval(correlation.rho.values), nulls,
                                 path + ".ci95")},
          {"K", runs},
          {"dropped", correlation.dropped},
          {"p_exact", correlation.p_exact ? Json(*correlation.p_exact)
                                          : nulls.null(path + ".p_exact", too_many)}};
}

Json advantage_json(const Recipe& tuned, const Recipe& comparison, const RunIntervals& intervals,
                    Nulls& nulls) {
  const std::string path = "summary.freeze_advantage";
  return {{"D_delta", nulls.number(comparison.d_mean - tuned.d_mean, path, kNoWindow)},
          {"D_delta_ci95", interval_json(intervals.drift_delta, nulls, path)},
          {"L_delta", nulls.number(comparison.l_mean - tuned.l_mean, path, kNoWindow)},
          {"L_delta_ci95", interval_json(intervals.forgetting_delta, nulls, path)}};
}

Json replication_json(size_t runs, std::optional<double> z, Nulls& nulls) {
  const stats::Replication of = stats::replication_of(runs, z);
  const auto optional = [&](const std::optional<double>& value) {
    return value ? Json(*value)
                 : nulls.null("summary.replication", "runs that show no spread, or not reached");
  };
  return {
      {"z", optional(of.z)},
      {"replication", optional(of.replication)},
      {"n_for_90", of.n_for_90 ? Json(static_cast<int64_t>(*of.n_for_90)) : optional(std::nullopt)},
      {"unit", "run"}};
}

Json summary_json(const AdaptationFacts& facts, const RoleTables& tables, const Recipe& tuned,
                  const Recipe& comparison, Nulls& nulls) {
  const stats::CountTable own(tuned.runs.size(), facts.replicates, facts.seed, kRunTable);
  const stats::CountTable other(comparison.runs.size(), facts.replicates, facts.seed,
                                kComparedRunTable);
  const RunCorrelation correlation = correlation_of(own, tuned.means);
  const RunIntervals intervals = intervals_over_runs(own, other, tuned.means, comparison.means);
  const std::optional<double> z = smallest_z_over_runs({facts.d_max, facts.l_max}, tuned.means,
                                                       comparison.means, correlation.rho);
  const AdaptationConditions conditions = conditions_of(facts, tuned, comparison, correlation);
  const auto number = [&](double value) { return nulls.number(value, "summary", kNoWindow); };
  const std::vector<const TunedRun*> runs = all_runs(tuned, comparison);
  return {{"bootstrap", tables.eval.bootstrap_json()},
          {"null",
           {{"kind",
             "empirical: drift and forgetting are not associated over runs; runs resampled with "
             "replacement"}}},
          {"D_hat_mean", number(tuned.d_mean)},
          {"D_hat_mean_ci95", interval_json(intervals.drift, nulls, "summary.D_hat_mean_ci95")},
          {"L_forget_hat_mean", number(tuned.l_mean)},
          {"L_forget_hat_mean_ci95",
           interval_json(intervals.forgetting, nulls, "summary.L_forget_hat_mean_ci95")},
          {"per_run", per_run_json(facts, tables, runs, nulls)},
          {"correlation", correlation_json(correlation, tuned.runs.size(), nulls)},
          {"freeze_advantage", advantage_json(tuned, comparison, intervals, nulls)},
          {"replication", replication_json(tuned.runs.size(), z, nulls)},
          {"conditions",
           {{"drift", conditions.drift},
            {"forgetting", conditions.forgetting},
            {"correlation", conditions.correlation},
            {"advantage", conditions.advantage}}},
          {"verdict", adaptation_verdict(conditions, correlation)}};
}

}  // namespace

record::Contribution reduce_kl_bounded_adaptation(const AdaptationFacts& facts) {
  check_facts(facts);
  const RoleTables tables{
      .eval = Statistician(facts.eval_window_document, facts.replicates, facts.seed),
      .base = Statistician(facts.base_window_document, facts.replicates, facts.seed)};
  const Recipe tuned = recipe_of(facts, tables, facts.runs);
  const Recipe comparison = recipe_of(facts, tables, facts.comparison);
  const std::vector<const TunedRun*> runs = all_runs(tuned, comparison);

  Nulls nulls;
  Json verification = verification_json({});
  verification["n_windows_required"] = kAdaptationWindows;
  const auto number = [&](double value) { return nulls.number(value, "baseline", kNoWindow); };
  record::Contribution part{
      .fields = {{"layers", Json::array()},
                 {"verification", std::move(verification)},
                 {"base", facts.base},
                 {"frozen_set", facts.frozen},
                 {"thresholds", {{"D_max", facts.d_max}, {"L_max", facts.l_max}}},
                 {"registration",
                  {{"sha256", facts.registration_sha256},
                   {"registered_utc", facts.registered_utc}}},
                 {"runs", runs_json(tuned, nulls, "runs")},
                 {"baseline",
                  {{"frozen_set", facts.comparison_frozen},
                   {"runs", runs_json(comparison, nulls, "baseline")},
                   {"D_hat", number(comparison.d_mean)},
                   {"L_forget_hat", number(comparison.l_mean)}}},
                 {"layer_hashes", layer_hashes_json(facts, runs)},
                 {"per_window", windows_json(facts, runs, nulls)},
                 {"summary", summary_json(facts, tables, tuned, comparison, nulls)}},
      .notes = {}};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
