// Artifacts of runs with an intervention, made wrong in one respect; and artifacts of other tests
// that such a run would have made.
#include "verify/doctored.h"
#include "verify/intervention_artifacts.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kTouched = "intervention";
const Json kMask = "mask", kForce = "force";

// These rows in both places, the arrays as they are.
Doctored listed(const char* what, const Json& rows) {
  return {Check::intervention_stated,
          kTouched,
          what,
          [rows](Json& a) { set_intervention(a, rows); },
          {}};
}

// The whole member, in both places.
Doctored stated(const char* what, const Json& value) {
  return {Check::intervention_stated,
          kTouched,
          what,
          [value](Json& a) { a["intervention"] = a["settings"]["intervention"] = value; },
          {}};
}

// An artifact of another test, measured in a run with an intervention.
Doctored mistaken(const char* test, const std::string& settings, const Json& intervention) {
  return {Check::intervention_stated,
          test,
          "of a run with an intervention",
          set(settings + ".intervention", intervention),
          {}};
}

// A row with one member changed.
Json row_with(const char* key, const Json& value) {
  Json row = expert_row(3, 2, kMask);
  row[key] = value;
  return row;
}

std::vector<Doctored> doctored_lists() {
  const Json row = expert_row(3, 2, kMask);
  Json crowded = Json::array(), forcing = Json::array();
  for (int e = 0; e < 7; ++e) crowded.push_back(expert_row(3, e, kMask));
  for (int e = 0; e < 3; ++e) forcing.push_back(expert_row(3, e, kForce));
  Json unnamed = row;
  unnamed.erase("expert");
  return {
      {Check::intervention_stated,
       kTouched,
       "another one in the settings",
       set("settings.intervention.interventions.0.expert", 3),
       {}},
      {Check::intervention_stated,
       kTouched,
       "another one than in the settings",
       [](Json& a) { at(a, "intervention.interventions").erase(3); },
       {}},
      stated("no object", 3),
      stated("no list", {{"interventions", row}}),
      stated("another name", {{"rows", Json::array({row})}}),
      stated("more than a list", {{"interventions", Json::array({row})}, {"why", ""}}),
      listed("a row that is none", Json::array({3})),
      listed("a row without its expert", Json::array({unnamed})),
      listed("a row with more", Json::array({row_with("why", "")})),
      listed("a layer without a gate", Json::array({expert_row(4, 2, kMask)})),
      listed("a layer beyond the last", Json::array({expert_row(7, 2, kMask)})),
      listed("a layer that is no number", Json::array({row_with("layer", "3")})),
      listed("an expert beyond the last", Json::array({expert_row(3, 8, kMask)})),
      listed("an expert below the first", Json::array({expert_row(3, -1, kMask)})),
      listed("half an expert", Json::array({row_with("expert", 1.5)})),
      listed("another action", Json::array({expert_row(3, 2, "drop")})),
      listed("no action", Json::array({expert_row(3, 2, Json::object())})),
      listed("a scale in words", Json::array({expert_row(3, 2, {{"scale", "half"}})})),
      listed("a scale beyond fp32", Json::array({expert_row(3, 2, {{"scale", 1e39}})})),
      listed("two actions", Json::array({expert_row(3, 2, {{"scale", 1}, {"mask", true}})})),
      listed("layers out of order", {expert_row(5, 2, kMask), expert_row(3, 2, kMask)}),
      listed("actions out of order", {expert_row(3, 2, kForce), expert_row(3, 1, kMask)}),
      listed("experts out of order", {expert_row(3, 2, kMask), expert_row(3, 1, kMask)}),
      listed("a row twice", {row, row}),
      listed("a masked expert forced", {row, expert_row(3, 2, kForce)}),
      listed("a masked expert scaled", {row, expert_row(3, 2, {{"scale", 2}})}),
      listed("fewer than k experts left", crowded),
      listed("more than k experts forced", forcing),
  };
}

// Routes imposed at layer 3, whose action has another value at this place below "impose".
Doctored imposed_with(const char* what, const char* key, const Json& value) {
  Json row = imposed_row(3, nullptr);
  row["action"]["impose"][key] = value;
  return listed(what, Json::array({row}));
}

std::vector<Doctored> doctored_impositions() {
  const Json row = imposed_row(3, nullptr), routes = row["action"]["impose"];
  const std::string digest = routes["ids_sha256"];
  Json without_weights = row, of_expert = row, with_more = row, no_object = row, two_actions = row;
  without_weights["action"]["impose"].erase("weights_sha256");
  of_expert["expert"] = 0;
  with_more["why"] = "";
  no_object["action"]["impose"] = digest;
  two_actions["action"]["scale"] = 1;
  Json unstated = row;
  unstated["action"] = kMask;
  return {
      listed("imposed routes without a word on weights", Json::array({without_weights})),
      listed("routes imposed on an expert", Json::array({of_expert})),
      listed("imposed routes with more", Json::array({with_more})),
      listed("imposed routes that are no object", Json::array({no_object})),
      listed("imposed routes and a scale in one", Json::array({two_actions})),
      listed("a whole layer masked", Json::array({unstated})),
      imposed_with("a third digest", "log_sha256", digest),
      imposed_with("ids without a digest", "ids_sha256", false),
      imposed_with("a short digest of ids", "ids_sha256", digest.substr(1)),
      imposed_with("a long digest of ids", "ids_sha256", digest + "0"),
      imposed_with("a digest of ids in capitals", "ids_sha256", std::string(64, 'F')),
      imposed_with("a digest of ids that is a number", "ids_sha256", 64),
      imposed_with("a short digest of weights", "weights_sha256", digest.substr(1)),
      imposed_with("weights without imposing them", "weights_sha256", false),
      listed("routes imposed on a layer without a gate", Json::array({imposed_row(4, digest)})),
      listed("routes imposed twice", Json::array({row, imposed_row(3, digest)})),
      listed("routes imposed before a scale of the layer",
             Json::array({row, expert_row(3, 2, {{"scale", 2}})})),
      listed("routes imposed where an expert is masked",
             Json::array({expert_row(3, 2, kMask), row})),
      listed("routes imposed where an expert is forced",
             Json::array({expert_row(3, 2, kForce), row})),
      listed("other sets below the first imposed routes", Json::array({imposed_row(5, digest)})),
      {Check::intervention_stated,
       kTouched,
       "other imposed routes in the settings",
       [row](Json& a) {
         set_intervention(a, Json::array({row}));
         at(a, "settings.intervention.interventions.0.action.impose.ids_sha256") =
             std::string(64, '0');
       },
       {}},
  };
}

std::vector<Doctored> doctored_touched() {
  return {
      {Check::member_present, kTouched, "no intervention", erase("", "intervention"), {}},
      {Check::member_present,
       kTouched,
       "no intervention in the settings",
       erase("settings", "intervention"),
       {}},
      {Check::member_present, kTouched, "no direction", erase("", "kl_direction"), {}},
      {Check::value_range,
       kTouched,
       "the other direction",
       set("kl_direction", "p_plain||p_intervened"),
       {}},
      {Check::intervention_stated,
       kTouched,
       "another set below the first intervention",
       [](Json& a) { at(a, "per_window.mass.1.9") = at(a, "per_window.changed.1.9") = 1; },
       {}},
      listed("other sets below a first intervention that is later",
             Json::array({expert_row(5, 4, kMask)})),
      {Check::intervention_stated,
       kTouched,
       "other sets with an empty list",
       [](Json& a) {
         change_nothing(a);
         set_intervention(a, Json::array());
         at(a, "per_window.mass.5.9") = at(a, "per_window.changed.5.9") = 1;
       },
       {}},
      {Check::intervention_stated,
       kTouched,
       "another distribution with an empty list",
       [](Json& a) {
         change_nothing(a);
         set_intervention(a, Json::array());
         at(a, "per_window.kl.9") = 1e-9;
       },
       {}},
      {Check::intervention_stated,
       kTouched,
       "another loss with an empty list",
       [](Json& a) {
         change_nothing(a);
         set_intervention(a, Json::array());
         add("per_window.loss.9", 1e-9)(a);
       },
       {}},
      {Check::intervention_stated,
       kTouched,
       "another next token with an empty list",
       [](Json& a) {
         change_nothing(a);
         set_intervention(a, Json::array());
         at(a, "per_window.top1_equal.9") = 62;
       },
       {}},
      {Check::member_present, kTouched, "no divergence", erase("per_window", "kl"), {}},
      {Check::member_present, kTouched, "no plain loss", erase("per_window", "loss_plain"), {}},
      {Check::member_present, kTouched, "no next token", erase("per_window", "top1_equal"), {}},
      {Check::member_present, kTouched, "no masses", erase("per_window", "mass"), {}},
      {Check::member_present, kTouched, "no changes", erase("per_window", "changed"), {}},
      {Check::value_range, kTouched, "a divergence below 0", set("per_window.kl.9", -0.25), {}},
      {Check::value_range, kTouched, "a loss below 0", set("per_window.loss.9", -0.25), {}},
      {Check::value_range,
       kTouched,
       "a plain loss below 0",
       set("per_window.loss_plain.9", -0.25),
       {}},
      {Check::value_range,
       kTouched,
       "more next tokens than positions",
       set("per_window.top1_equal.9", 64),
       {}},
      {Check::value_range,
       kTouched,
       "more changes than positions",
       [](Json& a) { at(a, "per_window.mass.5.9") = at(a, "per_window.changed.5.9") = 64; },
       {}},
      {Check::value_range,
       kTouched,
       "more experts than chosen",
       [](Json& a) {
         at(a, "per_window.changed.5.9") = 63;
         at(a, "per_window.mass.5.9") = 127;
       },
       {}},
      {Check::value_kind, kTouched, "half a next token", set("per_window.top1_equal.9", 61.5), {}},
      {Check::value_kind, kTouched, "half a mass", set("per_window.mass.5.9", 0.5), {}},
      {Check::value_kind, kTouched, "a divergence in words", set("per_window.kl.9", "0"), {}},
      {Check::null_pattern,
       kTouched,
       "a divergence out of the way",
       nulled({"per_window.kl.9"}),
       {}},
      {Check::null_pattern, kTouched, "a loss out of the way", nulled({"per_window.loss.9"}), {}},
      {Check::array_length,
       kTouched,
       "a window without its next tokens",
       [](Json& a) { at(a, "per_window.top1_equal").erase(0); },
       {}},
      {Check::array_length,
       kTouched,
       "a window without its loss",
       [](Json& a) { at(a, "per_window.loss").erase(0); },
       {}},
      {Check::layer_arrays, kTouched, "no masses of a layer", erase("per_window.mass", "3"), {}},
      {Check::layer_arrays,
       kTouched,
       "changes of a layer not measured",
       [](Json& a) {
         at(a, "per_window.changed.4") = at(a, "per_window.changed.3");
         at(a, "per_window.changed.4.0") = 1;
       },
       {}},
      {Check::count_total,
       kTouched,
       "a changed set without an expert",
       [](Json& a) {
         at(a, "per_window.changed.5.9") = 2;
         at(a, "per_window.mass.5.9") = 1;
       },
       {}},
      {Check::count_total,
       kTouched,
       "more than k experts of a token",
       [](Json& a) {
         at(a, "per_window.changed.5.9") = 1;
         at(a, "per_window.mass.5.9") = 3;
       },
       {}},
  };
}

std::vector<Doctored> doctored_touched_summaries() {
  return {
      {Check::summary_exact, kTouched, "another outcome", set("summary.outcome", "UNCHANGED"), {}},
      {Check::summary_exact, kTouched, "another verdict", set("summary.verdict", "PASS"), {}},
      {Check::member_present, kTouched, "no outcome", erase("summary", "outcome"), {}},
      {Check::member_present, kTouched, "no later layers", erase("summary", "downstream"), {}},
      {Check::summary_mean, kTouched, "a plain loss", add("summary.loss_plain.mean", 1e-9), {}},
      {Check::summary_mean, kTouched, "a loss", add("summary.loss.mean", 1e-9), {}},
      {Check::summary_mean, kTouched, "a change", add("summary.loss_delta.mean", 1e-9), {}},
      {Check::summary_mean, kTouched, "a divergence", add("summary.kl.mean", 1e-9), {}},
      {Check::summary_mean, kTouched, "a rate", add("summary.top1.rate", 1e-9), {}},
      {Check::summary_mean,
       kTouched,
       "an overlap",
       add("summary.per_layer.5.overlap.rate", 1e-9),
       {}},
      {Check::summary_mean,
       kTouched,
       "a share of changes",
       add("summary.per_layer.3.changed.rate", 1e-9),
       {}},
      {Check::summary_mean,
       kTouched,
       "an overlap of later layers",
       add("summary.downstream.overlap.rate", 1e-9),
       {}},
      {Check::summary_mean,
       kTouched,
       "later layers where there are none",
       [](Json& a) {
         for (const char* name : {"mass", "changed"}) {
           at(a, std::string("per_window.") + name + ".3") = Json(200, 0);
         }
         set_intervention(a, Json::array({expert_row(5, 4, kMask)}));
         const Json later = a["summary"]["downstream"];
         complete(a);
         a["summary"]["downstream"] = later;
         a.erase("null_reasons");
       },
       {}},
      {Check::summary_interval,
       kTouched,
       "an end of the change",
       add("summary.loss_delta.ci95.1", 1e-9),
       {}},
      {Check::summary_interval,
       kTouched,
       "an end of a rate",
       add("summary.top1.ci95.0", -1e-9),
       {}},
      {Check::summary_interval,
       kTouched,
       "an end of an overlap",
       add("summary.per_layer.3.overlap.ci95.0", -1e-9),
       {}},
      {Check::summary_interval,
       kTouched,
       "an end of later changes",
       add("summary.downstream.changed.ci95.1", 1e-9),
       {}},
      {Check::interval_order,
       kTouched,
       "an overlap's ends swapped",
       [](Json& a) {
         Json& ends = at(a, "summary.per_layer.3.overlap.ci95");
         ends = {ends[1], ends[0]};
       },
       {}},
  };
}

// Whatever the test, and whether or not the intervention changes anything.
std::vector<Doctored> doctored_mistaken() {
  const Json masked = {{"interventions", Json::array({expert_row(3, 2, kMask)})}};
  const Json empty = {{"interventions", Json::array()}};
  const auto scan = [](const Json& intervention) {
    return [intervention](Json& a) {
      Json& part = a["scans"][1];
      part["settings"]["intervention"] = intervention;
      seal(part);
    };
  };
  std::vector<Doctored> all;
  for (const char* test : kTests) {
    if (std::string(test) != kTouched) all.push_back(mistaken(test, "settings", masked));
  }
  for (const char* test : {"kl_edge_dominance", "entropy_collapse", "kl_bounded_adaptation",
                           "terminal_tracking", "terminal_compatibility"}) {
    all.push_back(mistaken(test, "settings", masked));
  }
  for (const char* test : {"terminal_ovk_scan", "behavior_compression", "entropy_collapse"}) {
    all.push_back(mistaken(test, "settings", empty));
    all.push_back(mistaken(test, "settings", nullptr));
  }
  all.push_back({Check::intervention_stated,
                 "terminal_tracking",
                 "a scan with an intervention",
                 scan(masked),
                 {}});
  return all;
}

}  // namespace

std::vector<Doctored> doctored_interventions() {
  std::vector<Doctored> all = doctored_lists();
  for (const auto& more : {doctored_impositions(), doctored_touched(), doctored_touched_summaries(),
                           doctored_mistaken()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace rg::verify::testing
