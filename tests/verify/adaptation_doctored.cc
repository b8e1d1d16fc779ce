#include "verify/doctored.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kAdaptation = "kl_bounded_adaptation";

// The hash of one layer of a run becomes the base's, or the other way round.
std::function<void(Json&)> copy_hash(const std::string& from, const std::string& to) {
  return [from, to](Json& a) { at(a, "layer_hashes." + to) = at(a, "layer_hashes." + from); };
}

std::vector<Doctored> doctored_statements() {
  return {
      {Check::frozen_layers,
       kAdaptation,
       "a frozen layer that was tuned",
       copy_hash("frozen-3.2", "frozen-3.1"),
       {}},
      {Check::frozen_layers,
       kAdaptation,
       "the comparison's frozen layer that was tuned",
       copy_hash("fewer-2.1", "fewer-2.0"),
       {}},
      {Check::frozen_layers,
       kAdaptation,
       "a run in which nothing was tuned",
       [](Json& a) { at(a, "layer_hashes.frozen-4") = at(a, "layer_hashes.base"); },
       {}},
      {Check::frozen_layers,
       kAdaptation,
       "a comparison that freezes as many",
       [](Json& a) {
         at(a, "baseline.frozen_set") = {0, 1};
         copy_hash("base.1", "fewer-1.1")(a);
         copy_hash("base.1", "fewer-2.1")(a);
       },
       {}},
      {Check::frozen_layers,
       kAdaptation,
       "a comparison that freezes others",
       set("baseline.frozen_set", {2}),
       {}},
      {Check::frozen_layers, kAdaptation, "nothing frozen", set("frozen_set", Json::array()), {}},
      {Check::layer_list, kAdaptation, "a layer twice", set("frozen_set", {0, 0, 1}), {}},
      {Check::layer_list, kAdaptation, "layers descending", set("frozen_set", {1, 0}), {}},
      {Check::layer_arrays,
       kAdaptation,
       "a frozen layer without hashes",
       set("frozen_set", {0, 1, 4}),
       {}},
      {Check::layer_arrays,
       kAdaptation,
       "a run with fewer layers",
       erase("layer_hashes.frozen-2", "3"),
       {}},
      {Check::layer_arrays,
       kAdaptation,
       "a run with more layers",
       copy_hash("frozen-2.3", "frozen-2.4"),
       {}},
      {Check::layer_arrays,
       kAdaptation,
       "a layer not in decimal",
       copy_hash("frozen-2.3", "frozen-2.03"),
       {}},
      {Check::family_arrays,
       kAdaptation,
       "a run without hashes",
       erase("layer_hashes", "frozen-6"),
       {}},
      {Check::family_arrays,
       kAdaptation,
       "hashes of another checkpoint",
       copy_hash("frozen-6", "other"),
       {}},
      {Check::value_kind,
       kAdaptation,
       "no hash of a layer",
       set("layer_hashes.frozen-6.3", "of the layer"),
       {}},
      {Check::value_kind,
       kAdaptation,
       "no hash of the registration",
       set("registration.sha256", "of the file"),
       {}},
      {Check::member_present,
       kAdaptation,
       "no time of registration",
       erase("registration", "registered_utc"),
       {}},
      {Check::member_present, kAdaptation, "no registration", erase("", "registration"), {}},
      {Check::member_present, kAdaptation, "no layer hashes", erase("", "layer_hashes"), {}},
      {Check::member_present, kAdaptation, "a bound missing", erase("thresholds", "L_max"), {}},
      {Check::member_present, kAdaptation, "no null hypothesis", erase("summary", "null"), {}},
      {Check::value_range, kAdaptation, "no drift allowed", set("thresholds.D_max", 0.0), {}},
      {Check::value_range, kAdaptation, "a negative bound", set("thresholds.L_max", -0.05), {}},
      {Check::family_list,
       kAdaptation,
       "roles by other names",
       [](Json& a) {
         a["domains"][0] = "prose";
         for (const char* member : {"data", "per_window"}) {
           a[member]["prose"] = a[member]["eval"];
           a[member].erase("eval");
         }
       },
       {}},
      {Check::family_list, kAdaptation, "roles exchanged", set("domains", {"base", "eval"}), {}},
      {Check::family_list, kAdaptation, "another base", set("base", "frozen-1"), {}},
      {Check::family_list,
       kAdaptation,
       "a run left out of its recipe",
       [](Json& a) { a["runs"].erase(5); },
       {}},
      {Check::family_list,
       kAdaptation,
       "runs in another order",
       [](Json& a) { std::swap(a["runs"][0], a["runs"][1]); },
       {}},
      {Check::family_list,
       kAdaptation,
       "a comparison without runs",
       set("baseline.runs", Json::array()),
       {}},
      {Check::member_known,
       kAdaptation,
       "edges, which this test has not",
       set("edges", Json::array()),
       {},
       true},
  };
}

std::vector<Doctored> doctored_numbers() {
  return {
      {Check::value_range,
       kAdaptation,
       "a negative divergence",
       set("per_window.eval.D.frozen-2.7", -1e-9),
       {}},
      {Check::value_range,
       kAdaptation,
       "a base that diverges from itself",
       set("per_window.eval.D.base.7", 1e-9),
       {}},
      {Check::share_total,
       kAdaptation,
       "forgetting that isn't the losses' difference",
       add("per_window.base.L_forget.fewer-1.3", 1e-9),
       {}},
      {Check::null_pattern,
       kAdaptation,
       "a window left out",
       nulled({"per_window.eval.D.frozen-4.11"}),
       {}},
      {Check::array_length,
       kAdaptation,
       "as many windows as the other role",
       [](Json& a) {
         Json& values = at(a, "per_window.base.loss.frozen-1");
         values.erase(values.begin() + 1000, values.end());
       },
       {}},
      {Check::family_arrays,
       kAdaptation,
       "no losses of the base",
       erase("per_window.base.loss", "base"),
       {}},
      {Check::summary_mean, kAdaptation, "a run's drift", add("runs.2.D_hat", 1e-9), {}},
      {Check::summary_mean,
       kAdaptation,
       "forgetting of a run of the comparison",
       add("baseline.runs.1.L_forget_hat", 1e-9),
       {}},
      {Check::summary_mean, kAdaptation, "the comparison's drift", add("baseline.D_hat", 1e-9), {}},
      {Check::summary_mean,
       kAdaptation,
       "mean forgetting",
       add("summary.L_forget_hat_mean", 1e-9),
       {}},
      {Check::summary_mean,
       kAdaptation,
       "a run's mean over windows",
       add("summary.per_run.fewer-2.L.mean", 1e-9),
       {}},
      {Check::summary_mean, kAdaptation, "rho", add("summary.correlation.rho", 1e-9), {}},
      {Check::summary_mean,
       kAdaptation,
       "a p of the other side",
       [](Json& a) {
         Json& p = at(a, "summary.correlation.p_exact");
         p = 1 - p.get<double>();
       },
       {}},
      {Check::summary_mean,
       kAdaptation,
       "an advantage in drift",
       add("summary.freeze_advantage.D_delta", 1e-9),
       {}},
      {Check::summary_interval,
       kAdaptation,
       "a narrower interval of rho",
       add("summary.correlation.ci95.0", 1e-6),
       {}},
      {Check::summary_interval,
       kAdaptation,
       "a run's interval",
       add("summary.per_run.frozen-1.D.ci95.1", 1e-6),
       {}},
      {Check::summary_exact, kAdaptation, "a run more", set("summary.correlation.K", 7), {}},
      {Check::summary_exact,
       kAdaptation,
       "replicates without ranks",
       set("summary.correlation.dropped", 3),
       {}},
      {Check::summary_exact,
       kAdaptation,
       "a run said to lie within",
       set("summary.per_run.fewer-1.within", true),
       {}},
      {Check::summary_exact,
       kAdaptation,
       "a condition said to fail",
       set("summary.conditions.advantage", false),
       {}},
      {Check::summary_exact, kAdaptation, "another verdict", set("summary.verdict", "FAIL"), {}},
  };
}

}  // namespace

std::vector<Doctored> doctored_adaptations() {
  std::vector<Doctored> all = doctored_statements();
  for (Doctored& item : doctored_numbers()) all.push_back(std::move(item));
  return all;
}

}  // namespace rg::verify::testing
