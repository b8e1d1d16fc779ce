#include "base/sha256.h"
#include "verify/doctored.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kDominance = "kl_edge_dominance";
constexpr const char* kEntropy = "entropy_collapse";
constexpr const char* kTracking = "terminal_tracking";
constexpr const char* kCompatibility = "terminal_compatibility";

// One bundled artifact doctored and sealed again, so that the bundle's own digest isn't what
// rejects it.
std::function<void(Json&)> in_part(const std::string& part,
                                   const std::function<void(Json&)>& doctor) {
  return [part, doctor](Json& artifact) {
    doctor(at(artifact, part));
    seal(at(artifact, part));
  };
}

// The chart requires only these layers, and says what follows from it.
void require_layers(Json& artifact, const Json& layers) {
  at(artifact, "chart.verification.required_layers") = layers;
  complete(artifact["chart"]);
}

// A scan of two layers is degenerate, so that the conjunction has no answer.
void without_answer(Json& artifact) {
  Json& scan = artifact["scan"];
  for (Json& array : scan["per_window"]) array.erase("1");
  scan["expert_counts"].erase("1");
  scan["layers"] = scan["verification"]["required_layers"] = {3, 5};
  const Json bootstrap = scan["summary"]["bootstrap"];
  const Json null = {{"kind", scan["summary"]["null"]["kind"]}};
  scan["summary"] = {{"bootstrap", bootstrap}, {"null", null}};
  complete(scan);
  complete(artifact);
}

std::vector<Doctored> doctored_headers() {
  return {
      {Check::family_list,
       kDominance,
       "the base is not first",
       set("family.ckpts", {"tuned", "base", "aligned"}),
       {}},
      {Check::family_list,
       kDominance,
       "a checkpoint twice",
       set("family.ckpts", {"base", "tuned", "tuned"}),
       {}},
      {Check::family_list,
       kDominance,
       "a base alone",
       set("family.ckpts", Json::array({"base"})),
       {}},
      {Check::family_list, kDominance, "a domain twice", set("domains", {"prose", "prose"}), {}},
      {Check::family_list, kEntropy, "no edge", set("edges", Json::array()), {}},
      {Check::family_list, kEntropy, "an edge from elsewhere", set("edges.0.from", "other"), {}},
      {Check::family_list, kEntropy, "an edge to itself", set("edges.0.to", "base"), {}},
      {Check::family_list,
       kEntropy,
       "an edge twice",
       [](Json& a) { a["edges"].push_back(a["edges"][0]); },
       {}},
      {Check::family_list,
       kDominance,
       "files of the wrong checkpoint",
       set("checkpoints.0.ckpt", "aligned"),
       {}},
      {Check::family_list,
       kDominance,
       "files of one checkpoint missing",
       [](Json& a) { a["checkpoints"].erase(1); },
       {}},
      {Check::family_arrays,
       kDominance,
       "no array of a checkpoint",
       erase("per_window.code.L_forget", "tuned"),
       {}},
      {Check::family_arrays,
       kDominance,
       "no array of the base",
       erase("per_window.code.D", "base"),
       {}},
      {Check::family_arrays,
       kEntropy,
       "an array of another checkpoint",
       [](Json& a) { at(a, "per_window.prose.V")["other"] = at(a, "per_window.prose.V.tuned"); },
       {}},
      {Check::family_arrays, kEntropy, "no arrays of a domain", erase("per_window", "code"), {}},
      {Check::family_arrays,
       kDominance,
       "arrays of another domain",
       [](Json& a) { a["per_window"]["other"] = a["per_window"]["code"]; },
       {}},
      {Check::family_arrays,
       kDominance,
       "windows of another domain",
       [](Json& a) { a["data"]["other"] = a["data"]["code"]; },
       {}},
      {Check::member_present, kDominance, "no windows of a domain", erase("data", "code"), {}},
      {Check::member_present, kDominance, "no family file", erase("family", "sha256"), {}},
      {Check::member_present, kEntropy, "no gate", erase("", "gate_semantics"), {}},
      {Check::member_present,
       kEntropy,
       "no tensors of a checkpoint",
       set("checkpoints.1.tensors", Json::array()),
       {}},
      {Check::member_present, kTracking, "no program", erase("", "program_version"), {}},
      {Check::member_present,
       kCompatibility,
       "no digest",
       {},
       [](Json& a) {
         a.erase("body_sha256");
         return text_of(a);
       }},
      {Check::member_present, kTracking, "no file of the family", erase("family", "sha256"), {}},
      {Check::member_present,
       "terminal_ovk_scan",
       "a family without its file",
       set("family", {{"family_name", "line"}}),
       {}},
      {Check::value_kind, kDominance, "no hash", set("family.sha256", "of the file"), {}},
      {Check::value_kind,
       kTracking,
       "no hash of the family file",
       set("family.sha256", std::string(64, 'G')),
       {}},
      {Check::layer_list, kDominance, "a measured layer", set("layers", {3}), {}},
      {Check::required_layers,
       kEntropy,
       "a required layer",
       set("verification.required_layers", {3}),
       {}},
      {Check::gate_semantics,
       kDominance,
       "half-precision scores",
       set("gate_semantics.scores_dtype", "bf16"),
       {}},
      {Check::document_ids,
       kDominance,
       "a window of a domain without its document",
       [](Json& a) { at(a, "data.code.doc_ids").erase(0); },
       {}},
      {Check::member_known, kTracking, "unknown member", set("extra", 1), {}, true},
      {Check::body_digest,
       kEntropy,
       "a digest of something else",
       {},
       [](Json& a) {
         a["body_sha256"] = sha256_hex("other");
         return text_of(a);
       }},
  };
}

std::vector<Doctored> doctored_arrays() {
  return {
      {Check::value_range,
       kDominance,
       "a negative divergence",
       set("per_window.code.D.tuned.7", -1e-9),
       {}},
      {Check::value_range,
       kDominance,
       "a base that diverges from itself",
       set("per_window.code.D.base.7", 1e-9),
       {}},
      {Check::value_range,
       kDominance,
       "a base that forgets, below the tolerance of differences",
       set("per_window.prose.L_forget.base.7", 1e-13),
       {}},
      {Check::value_range, kDominance, "another direction", set("kl_direction", "base||theta"), {}},
      {Check::value_range,
       kEntropy,
       "a negative entropy",
       set("per_window.code.H.base.3", -0.5),
       {}},
      {Check::value_range,
       kEntropy,
       "a negative varentropy",
       set("per_window.code.V.tuned.3", -1e-9),
       {}},
      {Check::value_range,
       kEntropy,
       "collision entropy above Shannon's",
       [](Json& a) {
         at(a, "per_window.prose.H2.tuned.3") =
             at(a, "per_window.prose.H.tuned.3").get<double>() + 1e-8;
       },
       {}},
      {Check::share_total,
       kDominance,
       "forgetting that isn't the losses' difference",
       add("per_window.prose.L_forget.tuned.3", 1e-9),
       {}},
      {Check::share_total,
       kEntropy,
       "a gap of its own",
       add("per_window.code.gap.base.3", 1e-9),
       {}},
      {Check::null_pattern,
       kDominance,
       "a window left out",
       nulled({"per_window.code.D.aligned.11"}),
       {}},
      {Check::null_reason, kEntropy, "a reason for nothing", set("null_reasons", {{"a", "b"}}), {}},
      {Check::array_length,
       kDominance,
       "as many windows as the other domain",
       [](Json& a) {
         Json& values = at(a, "per_window.code.loss.tuned");
         values.erase(values.begin() + 200, values.end());
       },
       {}},
      {Check::member_present, kDominance, "no losses", erase("per_window.prose", "loss"), {}},
      {Check::member_present, kDominance, "no direction", erase("", "kl_direction"), {}},
      {Check::member_present, kDominance, "no null hypothesis", erase("summary", "null"), {}},
      {Check::member_present,
       kDominance,
       "no adjusted p",
       erase("summary.edges.code.base__to__tuned", "L_p_holm"),
       {}},
      {Check::member_present,
       kEntropy,
       "no mean of the base",
       erase("summary.per_domain.code.base", "H2"),
       {}},
      {Check::summary_mean,
       kDominance,
       "drift of one checkpoint",
       add("summary.per_domain.code.aligned.D_hat.mean", 1e-9),
       {}},
      {Check::summary_mean,
       kDominance,
       "an edge's forgetting",
       add("summary.edges.prose.tuned__to__aligned.L_delta.delta", 1e-9),
       {}},
      {Check::summary_mean,
       kDominance,
       "p without the one that is added",
       set("summary.edges.prose.tuned__to__aligned.D_p", 0),
       {}},
      {Check::summary_mean,
       kDominance,
       "p that isn't adjusted",
       [](Json& a) {
         Json& edge = at(a, "summary.edges.prose.base__to__tuned");
         edge["D_p_holm"] = edge["D_p"];
       },
       {}},
      {Check::summary_mean,
       kEntropy,
       "an edge's entropy",
       add("summary.edges.code.base__to__tuned.H.delta", 1e-9),
       {}},
      {Check::summary_interval,
       kDominance,
       "a wider interval",
       add("summary.edges.code.base__to__tuned.D_delta_ci95.1", 1e-6),
       {}},
      {Check::summary_interval,
       kDominance,
       "the table of the other domain's windows",
       [](Json& a) {
         // Intervals that the smaller domain's draws would give.
         Json other = a;
         for (const char* name : {"D", "loss", "L_forget"}) {
           for (Json& values : other["per_window"]["code"][name]) {
             values.erase(values.begin() + 200, values.end());
           }
         }
         other["data"]["code"]["n_windows"] = 200;
         Json& documents = other["data"]["code"]["doc_ids"];
         documents.erase(documents.begin() + 200, documents.end());
         complete(other);
         at(a, "summary.per_domain.code.tuned.D_hat.ci95") =
             at(other, "summary.per_domain.code.tuned.D_hat.ci95");
       },
       {}},
      {Check::summary_exact,
       kDominance,
       "an edge that holds said not to",
       set("summary.edges.code.base__to__tuned.holds", false),
       {}},
      {Check::summary_exact, kDominance, "another verdict", set("summary.verdict", "FAIL"), {}},
      {Check::convergence_numbers, kDominance, "z", add("summary.convergence.z", 1e-6), {}},
      {Check::bootstrap_settings, kEntropy, "no seed", erase("summary.bootstrap", "seed"), {}},
  };
}

std::vector<Doctored> doctored_bundles() {
  return {
      {Check::bundle_parts,
       kTracking,
       "one model twice",
       in_part("scans.1", set("tensors.0.sha256", sha256_hex("gate"))),
       {}},
      {Check::bundle_parts,
       kTracking,
       "a scan of another domain",
       in_part("scans.1", set("domain", "code")),
       {}},
      {Check::bundle_parts,
       kTracking,
       "another test among the scans",
       [](Json& a) { a["scans"].push_back(make_chart_compatibility({})); },
       {}},
      {Check::bundle_parts,
       kTracking,
       "a bundle in a bundle",
       [](Json& a) { a["scans"][1] = make_terminal_tracking({}); },
       {}},
      {Check::array_length, kTracking, "one scan", [](Json& a) { a["scans"].erase(1); }, {}},
      {Check::value_kind, kTracking, "a number for a scan", set("scans.1", 3), {}},
      {Check::value_range,
       kTracking,
       "one depth is enough",
       set("verification.min_distinct_terminals", 1),
       {}},
      {Check::body_digest,
       kTracking,
       "a scan that was changed",
       set("scans.1.model.ckpt", "x"),
       {}},
      {Check::value_range,
       kTracking,
       "an overlap above 1 in a scan",
       in_part("scans.1", set("per_window.ovk_cf_mean.3.117", 1.25)),
       {}},
      {Check::summary_mean,
       kTracking,
       "a scan's terminal jump",
       in_part("scans.0", add("summary.terminal_jump.delta_mean", 1e-9)),
       {}},
      {Check::member_known,
       kTracking,
       "unknown member of a scan",
       in_part("scans.0", set("extra", 1)),
       {},
       true},
      {Check::summary_exact, kTracking, "three scans", set("summary.n_scans", 3), {}},
      {Check::summary_exact,
       kTracking,
       "another last layer",
       set("summary.terminal_moe_layers.1", 9),
       {}},
      {Check::summary_exact,
       kTracking,
       "a third last layer",
       [](Json& a) { at(a, "summary.terminal_moe_layers").push_back(9); },
       {}},
      {Check::summary_exact,
       kTracking,
       "one depth of two",
       set("summary.distinct_terminal_moe_layers", 1),
       {}},
      {Check::summary_exact, kTracking, "another verdict", set("summary.verdict", "FAIL"), {}},
      {Check::member_present, kTracking, "no effect", erase("summary", "effect"), {}},
      {Check::member_present, kTracking, "no convergence", erase("summary", "convergence"), {}},
      {Check::summary_exact,
       kTracking,
       "the jump of another model",
       set("summary.effect.ckpt", "deeper"),
       {}},
      {Check::summary_exact, kTracking, "another pair", set("summary.effect.pair", "3->7"), {}},
      {Check::summary_mean,
       kTracking,
       "a larger drop",
       add("summary.effect.delta_mean", -1e-6),
       {}},
      {Check::summary_interval,
       kTracking,
       "a narrower interval of the drop",
       add("summary.effect.ci95.0", 1e-6),
       {}},
      {Check::convergence_numbers,
       kTracking,
       "settled earlier",
       set("summary.convergence.settled_at", 49),
       {}},
      {Check::convergence_numbers,
       kTracking,
       "said not to be settled",
       set("summary.convergence.settled", false),
       {}},
      {Check::convergence_numbers,
       kTracking,
       "a larger distance",
       add("summary.convergence.z", 1e-6),
       {}},
      {Check::convergence_numbers,
       kTracking,
       "a likelier repetition",
       set("summary.convergence.replication", 0.5),
       {}},
      {Check::convergence_numbers,
       kTracking,
       "fewer windows needed",
       [](Json& a) {
         Json& needed = at(a, "summary.convergence.n_for_90");
         needed = needed.get<int64_t>() + 1;
       },
       {}},
      {Check::bundle_parts,
       kCompatibility,
       "another model",
       in_part("scan", set("model.ckpt", "another")),
       {}},
      {Check::bundle_parts,
       kCompatibility,
       "another last MoE layer",
       in_part("chart",
               [](Json& a) {
                 a["model"]["terminal_moe_layer"] = 7;
                 a["model"]["moe_layers"].push_back(7);
               }),
       {}},
      {Check::bundle_parts,
       kCompatibility,
       "other weights",
       in_part("scan", set("tensors.0.sha256", sha256_hex("another gate"))),
       {}},
      {Check::bundle_parts,
       kCompatibility,
       "one tensor more",
       in_part("scan",
               [](Json& a) {
                 a["tensors"].push_back(a["tensors"][0]);
                 a["tensors"][1]["name"] = "model.layers.3.mlp.gate.weight";
               }),
       {}},
      {Check::bundle_parts,
       kCompatibility,
       "other windows",
       in_part("chart", set("data.seed", 8)),
       {}},
      {Check::bundle_parts, kCompatibility, "another domain", set("domain", "code"), {}},
      {Check::bundle_parts,
       kCompatibility,
       "two scans",
       [](Json& a) { a["chart"] = a["scan"]; },
       {}},
      {Check::required_layers,
       kCompatibility,
       "a chart that doesn't require the last layer",
       [](Json& a) {
         require_layers(a, {1, 3});
       },
       {}},
      {Check::member_present, kCompatibility, "no chart", erase("", "chart"), {}},
      {Check::member_present, kCompatibility, "no effect", erase("summary", "effect"), {}},
      {Check::member_present,
       kCompatibility,
       "no convergence",
       erase("summary", "convergence"),
       {}},
      {Check::summary_exact,
       kCompatibility,
       "the other part's effect",
       [](Json& a) {
         Json& part = at(a, "summary.effect.part");
         part = part == "chart" ? "scan" : "chart";
       },
       {}},
      {Check::summary_exact, kCompatibility, "no criterion", set("summary.effect.name", "c3"), {}},
      {Check::summary_exact, kCompatibility, "another layer", set("summary.effect.layer", 7), {}},
      {Check::summary_mean, kCompatibility, "an effect", add("summary.effect.delta", -1e-6), {}},
      {Check::summary_interval,
       kCompatibility,
       "an effect's interval",
       add("summary.effect.ci95.0", 1e-6),
       {}},
      {Check::convergence_numbers,
       kCompatibility,
       "a distance",
       add("summary.convergence.z", 1e-6),
       {}},
      {Check::convergence_numbers,
       kCompatibility,
       "settled later",
       [](Json& a) {
         Json& settled_at = at(a, "summary.convergence.settled_at");
         settled_at = settled_at.get<int64_t>() + 1;
       },
       {}},
      {Check::summary_exact, kCompatibility, "unsafe", set("summary.compatibility", "unsafe"), {}},
      {Check::summary_exact, kCompatibility, "the scan's", set("summary.scan_verdict", "FAIL"), {}},
      {Check::summary_exact,
       kCompatibility,
       "the chart's",
       set("summary.chart_verdict", "FAIL"),
       {}},
      {Check::summary_exact,
       kCompatibility,
       "the layer before the last one measured",
       set("summary.layer_sets.transition.layers.0", 1),
       {}},
      {Check::summary_exact,
       kCompatibility,
       "what fails at the last layer",
       set("summary.layer_sets.terminal.failure_type.5", "both"),
       {}},
      {Check::summary_exact,
       kCompatibility,
       "a layer more",
       [](Json& a) { at(a, "summary.layer_sets.full.layers").push_back(7); },
       {}},
      {Check::null_reason,
       kCompatibility,
       "no reason why there is no answer",
       [](Json& a) {
         without_answer(a);
         a.erase("null_reasons");
       },
       {}},
  };
}

}  // namespace

std::vector<Doctored> doctored_families() {
  std::vector<Doctored> all = doctored_headers();
  for (auto* list : {doctored_arrays, doctored_bundles}) {
    for (Doctored& item : list()) all.push_back(std::move(item));
  }
  return all;
}

}  // namespace rg::verify::testing
