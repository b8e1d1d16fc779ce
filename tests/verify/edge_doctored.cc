#include <cmath>

#include "verify/doctored.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kV1 = "boundary_amplification";
constexpr const char* kV1b = "behavior_compression";
const std::string kLayer3 = "y_ref_A.per_layer.3.";

// A count `amount` higher.
std::function<void(Json&)> raise(const std::string& path, int amount) {
  return [path, amount](Json& artifact) {
    Json& count = at(artifact, path);
    count = count.get<int>() + amount;
  };
}

// A window of layer 3 whose strata at 0.05 and 0.1 have one threshold but not one size.
void same_threshold(Json& artifact) {
  Json& thresholds = at(artifact, kLayer3 + "m_thr_per_window");
  thresholds["q05"][50] = thresholds["q10"][50];
}

// All of a window's disagreement in one decile: more than its tokens can have.
void crowd_decile(Json& artifact) {
  Json& mass = at(artifact, kLayer3 + "decile_sums_per_window.mass");
  int all = 0;
  for (Json& decile : mass) {
    all += decile[50].get<int>();
    decile[50] = 0;
  }
  mass[0][50] = all;
}

void published_arrays_only(Json& artifact) {
  for (const char* ours : {"body_sha256", "numeric_profile", "null_reasons", "settings", "inputs",
                           "tensors", "notes", "program_version", "other"}) {
    artifact.erase(ours);
  }
  artifact["model"].erase("moe_layers");
  artifact["summary"] = {{"bootstrap", artifact["summary"]["bootstrap"]}};
}

std::vector<Doctored> doctored_amplification() {
  return {
      {Check::member_present, kV1, "no edge", erase("", "edge"), {}},
      {Check::member_present, kV1, "an edge without its name", erase("edge", "edge_name"), {}},
      {Check::member_present, kV1, "no other checkpoint", erase("", "other"), {}},
      {Check::member_present, kV1, "no tensors of the other", erase("other", "tensors"), {}},
      {Check::member_present, kV1, "no reference", erase("", "y_ref_B"), {}},
      {Check::member_present,
       kV1,
       "no counts of ties",
       erase("y_ref_A.per_layer.3", "n_le_per_window"),
       {}},
      {Check::member_present,
       kV1,
       "no largest stratum",
       erase(kLayer3 + "mass_le_per_window", "q20"),
       {}},
      {Check::member_present, kV1, "no edges", erase("y_ref_A.per_layer.3", "decile_edges"), {}},
      {Check::member_present, kV1, "no words for the null", erase("summary.null", "kind"), {}},
      {Check::member_present, kV1, "no joint test", erase("summary.per_layer.3", "a_joint"), {}},
      {Check::member_present, kV1, "no adjusted p", erase("summary.holm_p", "3"), {}},
      {Check::member_present,
       kV1,
       "no family's digest",
       set("family", {{"family_name", "synthetic"}}),
       {}},
      {Check::member_present,
       kV1,
       "only its extra arrays say whose it is",
       {},
       [](Json& a) {
         published_arrays_only(a);
         return text_of(a);
       }},
      {Check::value_kind,
       kV1,
       "a family's digest that is none",
       set("family", {{"family_name", "synthetic"}, {"sha256", "5d0c"}}),
       {}},
      {Check::value_kind, kV1, "no digest of the other", set("other.inputs.0.sha256", "5d0c"), {}},
      {Check::value_kind, kV1, "half an expert", set(kLayer3 + "mass_per_window.50", 7.5), {}},
      {Check::value_range,
       kV1,
       "a share above 1",
       set(kLayer3 + "compression_F_per_window.q20.50", 1.25),
       {}},
      {Check::value_range,
       kV1,
       "a threshold below 0",
       set(kLayer3 + "m_thr_per_window.q01.50", -0.25),
       {}},
      {Check::edge_direction, kV1, "one checkpoint twice", set("edge.ckpt_b", "synthetic"), {}},
      {Check::edge_direction, kV1, "another direction", set("edge.direction", "both"), {}},
      {Check::edge_direction, kV1, "another reference", set("model.ckpt", "synthetic-tuned"), {}},
      {Check::edge_direction, kV1, "another other end", set("other.ckpt", "synthetic"), {}},
      {Check::edge_direction,
       kV1,
       "both references",
       [](Json& a) { a["y_ref_B"] = a["y_ref_A"]; },
       {}},
      {Check::strata_quantiles, kV1, "another stratum", set("compression_qs.3", 0.25), {}},
      {Check::strata_quantiles, kV1, "a stratum short", set("compression_qs", {0.01, 0.05}), {}},
      {Check::strata_quantiles, kV1, "quintiles", set("decile_bins", 5), {}},
      {Check::gate_semantics, kV1, "another k", set("y_ref_A.k", 1), {}},
      {Check::gate_semantics, kV1, "scores of 16 bits", set("y_ref_A.scores_fp32", false), {}},
      {Check::layer_list, kV1, "layers of the reference", set("y_ref_A.layers", {1, 3}), {}},
      {Check::layer_arrays, kV1, "a layer missing", erase("y_ref_A.per_layer", "3"), {}},
      {Check::layer_arrays,
       kV1,
       "a layer not measured",
       [](Json& a) { at(a, "y_ref_A.per_layer.4") = at(a, "y_ref_A.per_layer.3"); },
       {}},
      {Check::array_length,
       kV1,
       "a window short",
       [](Json& a) { at(a, kLayer3 + "mass_le_per_window.q05").erase(0); },
       {}},
      {Check::array_length,
       kV1,
       "nine deciles",
       [](Json& a) { at(a, kLayer3 + "decile_sums_per_window.mass").erase(9); },
       {}},
      {Check::array_length,
       kV1,
       "ten edges",
       [](Json& a) { at(a, kLayer3 + "decile_edges").erase(10); },
       {}},
      {Check::null_pattern,
       kV1,
       "a share out of the way",
       nulled({kLayer3 + "compression_F_per_window.q05.50"}),
       {}},
      {Check::null_pattern,
       kV1,
       "a threshold out of the way",
       nulled({kLayer3 + "m_thr_per_window.q05.50"}),
       {}},
      {Check::null_pattern, kV1, "edges out of the way", nulled({kLayer3 + "decile_edges"}), {}},
      {Check::ranked_list,
       kV1,
       "descending thresholds",
       [](Json& a) {
         Json& thresholds = at(a, kLayer3 + "m_thr_per_window");
         std::swap(thresholds["q05"][50], thresholds["q10"][50]);
       },
       {}},
      {Check::ranked_list,
       kV1,
       "descending edges",
       [](Json& a) {
         Json& edges = at(a, kLayer3 + "decile_edges");
         std::swap(edges[4], edges[5]);
       },
       {}},
      {Check::strata_size, kV1, "two sizes of one threshold", same_threshold, {}},
      {Check::strata_size,
       kV1,
       "a stratum too small",
       [](Json& a) {
         Json& count = at(a, kLayer3 + "n_le_per_window.q20.50");
         count = 12;
       },
       {}},
      {Check::strata_size,
       kV1,
       "a decile without tokens",
       [](Json& a) {
         Json& edges = at(a, kLayer3 + "decile_edges");
         edges[4] = edges[5];
       },
       {}},
      {Check::strata_size,
       kV1,
       "tokens between other edges",
       [](Json& a) {
         Json& sums = at(a, kLayer3 + "decile_sums_per_window");
         for (const char* of : {"mass", "tokens"}) {
           for (size_t w = 0; w < 20; ++w) {
             sums[of][0][w] = sums[of][0][w].get<int>() + sums[of][1][w].get<int>();
             sums[of][1][w] = 0;
           }
         }
       },
       {}},
      {Check::count_total,
       kV1,
       "a token in no decile",
       raise(kLayer3 + "decile_sums_per_window.tokens.3.50", -1),
       {}},
      {Check::count_total,
       kV1,
       "a disagreement in no decile",
       raise(kLayer3 + "decile_sums_per_window.mass.3.50", 1),
       {}},
      {Check::count_total, kV1, "more disagreement than tokens allow", crowd_decile, {}},
      {Check::count_total,
       kV1,
       "a stratum that holds less than the one within",
       [](Json& a) {
         Json& layer = at(a, "y_ref_A.per_layer.3");
         layer["mass_le_per_window"]["q20"][50] = 0;
         layer["compression_F_per_window"]["q20"][50] = 0;
       },
       {}},
      {Check::count_total,
       kV1,
       "a stratum that holds more than its tokens allow",
       [](Json& a) {
         Json& layer = at(a, "y_ref_A.per_layer.3");
         const int mass = layer["mass_per_window"][50].get<int>();
         layer["mass_le_per_window"]["q01"][50] = 3;
         layer["compression_F_per_window"]["q01"][50] = 3.0 / mass;
       },
       {}},
      {Check::share_total,
       kV1,
       "a share that its counts don't give",
       add(kLayer3 + "compression_F_per_window.q10.50", 1e-9),
       {}},
      {Check::share_total,
       kV1,
       "a share of nothing",
       set("y_ref_A.per_layer.1.compression_F_per_window.q10.9", 0.5),
       {}},
      {Check::null_reason,
       kV1,
       "a reason for the other reference",
       set("null_reasons", {{"y_ref_B", "not asked for"}}),
       {}},
      {Check::summary_mean, kV1, "a mean share", add(kLayer3 + "compression.q05.F", 1e-9), {}},
      {Check::summary_mean,
       kV1,
       "a mean threshold",
       add(kLayer3 + "compression.q05.m_thr", 1e-9),
       {}},
      {Check::summary_mean,
       kV1,
       "a mean fraction",
       add(kLayer3 + "compression.q05.sel_frac", 1e-9),
       {}},
      {Check::summary_mean, kV1, "an edge of a decile", add(kLayer3 + "deciles.2.m_hi", 1e-9), {}},
      {Check::summary_mean, kV1, "an overlap", add(kLayer3 + "deciles.2.ov_mean", 1e-9), {}},
      {Check::summary_exact, kV1, "a decile's tokens", raise(kLayer3 + "deciles.2.n", 1), {}},
      {Check::summary_exact, kV1, "a decile's number", raise(kLayer3 + "deciles.2.bin", 1), {}},
      {Check::summary_exact,
       kV1,
       "an eleventh decile",
       [](Json& a) {
         Json& deciles = at(a, kLayer3 + "deciles");
         deciles.push_back(deciles[9]);
       },
       {}},
      {Check::summary_interval,
       kV1,
       "an end of F - q",
       add(kLayer3 + "compression_F_minus_q_ci95.q05.1", 1e-9),
       {}},
      {Check::summary_mean,
       kV1,
       "a tie-aware delta",
       add("summary.per_layer.3.F.q05.tie_aware.delta", 1e-9),
       {}},
      {Check::summary_mean,
       kV1,
       "a published delta",
       add("summary.per_layer.3.F.q05.published.delta", 1e-9),
       {}},
      {Check::summary_mean,
       kV1,
       "a delta over windows that disagree",
       add("summary.per_layer.1.F.q05.over_disagreeing.delta", 1e-9),
       {}},
      {Check::summary_interval,
       kV1,
       "an end by one bit",
       [](Json& a) {
         Json& end = at(a, "summary.per_layer.3.F.q05.tie_aware.ci95.0");
         end = std::nextafter(end.get<double>(), 1.0);
       },
       {}},
      {Check::summary_mean,
       kV1,
       "the disagreement",
       add("summary.per_layer.3.disagreement.mean", 1e-9),
       {}},
      {Check::summary_exact,
       kV1,
       "windows without disagreement",
       set("summary.per_layer.1.windows_without_disagreement", 0),
       {}},
      {Check::summary_exact, kV1, "a flag of a", set("summary.per_layer.3.a.holds", false), {}},
      {Check::summary_mean,
       kV1,
       "a probability",
       add("summary.per_layer.3.a.probability", -0.01),
       {}},
      {Check::summary_exact,
       kV1,
       "a published flag",
       set("summary.per_layer.3.a_published.holds", false),
       {}},
      {Check::summary_mean,
       kV1,
       "a joint statistic",
       add("summary.per_layer.3.a_joint.statistic", 1e-3),
       {}},
      {Check::summary_mean,
       kV1,
       "a critical value",
       add("summary.per_layer.3.a_joint.critical", 1e-6),
       {}},
      {Check::summary_mean, kV1, "a p value", set("summary.per_layer.3.a_joint.p", 0.01), {}},
      {Check::summary_exact,
       kV1,
       "a joint flag",
       set("summary.per_layer.3.a_joint.holds", false),
       {}},
      {Check::summary_mean, kV1, "an unadjusted p", set("summary.holm_p.3", 1 / 201.0), {}},
      {Check::summary_exact, kV1, "a flag of b", set("summary.per_layer.3.b.holds", false), {}},
      {Check::summary_mean, kV1, "a rise", add("summary.per_layer.3.b_violation.value", 1e-9), {}},
      {Check::summary_interval,
       kV1,
       "an end of the rise",
       add("summary.per_layer.3.b_violation.ci95.1", 1e-9),
       {}},
      {Check::summary_exact,
       kV1,
       "another stratum's effect",
       set("summary.per_layer.3.effect.q", "q20"),
       {}},
      {Check::summary_mean, kV1, "an effect", add("summary.per_layer.3.effect.ratio", 1e-9), {}},
      {Check::summary_exact,
       kV1,
       "a degenerate layer that isn't",
       set("summary.per_layer.3.degenerate", "equal margins"),
       {}},
      {Check::summary_exact, kV1, "another verdict", set("summary.verdict", "FAIL"), {}},
      {Check::summary_exact,
       kV1,
       "another published verdict",
       set("summary.verdict_published", "FAIL"),
       {}},
      {Check::convergence_numbers, kV1, "z", add("summary.convergence.z", 0.01), {}},
  };
}

std::vector<Doctored> doctored_control() {
  return {
      {Check::member_present, kV1b, "no change", erase("per_window", "mass_beh"), {}},
      {Check::member_present, kV1b, "no routing", erase("per_window", "F_route"), {}},
      {Check::member_present, kV1b, "no strata", erase("", "compression_qs"), {}},
      {Check::member_present, kV1b, "no words for the null", erase("summary.null", "kind"), {}},
      {Check::edge_direction, kV1b, "one checkpoint twice", set("edge.ckpt_b", "synthetic"), {}},
      {Check::edge_direction, kV1b, "the other end's reference", set("edge.direction", "BtoA"), {}},
      {Check::strata_quantiles, kV1b, "another stratum", set("compression_qs.3", 0.25), {}},
      {Check::layer_arrays, kV1b, "a layer missing", erase("per_window.n_le", "3"), {}},
      {Check::value_kind, kV1b, "half a token", set("per_window.n_le.3.q05.50", 4.5), {}},
      {Check::value_range, kV1b, "a change below 0", set("per_window.mass_beh.3.50", -0.5), {}},
      {Check::value_range, kV1b, "a share above 1", set("per_window.F_route.3.q05.50", 1.5), {}},
      {Check::array_length,
       kV1b,
       "a window short",
       [](Json& a) { at(a, "per_window.F_beh.3.q05").erase(0); },
       {}},
      {Check::null_pattern,
       kV1b,
       "a share out of the way",
       nulled({"per_window.F_beh.3.q05.50"}),
       {}},
      {Check::null_pattern,
       kV1b,
       "a routing share out of the way",
       nulled({"per_window.F_route.3.q05.50"}),
       {}},
      {Check::null_pattern,
       kV1b,
       "a change out of the way",
       nulled({"per_window.mass_beh.3.50"}),
       {}},
      {Check::ranked_list,
       kV1b,
       "descending thresholds",
       [](Json& a) {
         Json& thresholds = at(a, "per_window.m_thr.3");
         std::swap(thresholds["q05"][50], thresholds["q10"][50]);
       },
       {}},
      {Check::strata_size, kV1b, "a stratum too small", set("per_window.n_le.3.q20.50", 12), {}},
      {Check::share_total,
       kV1b,
       "a share that its change doesn't give",
       add("per_window.F_beh.3.q05.50", 1e-9),
       {}},
      {Check::share_total,
       kV1b,
       "less change in the larger stratum",
       [](Json& a) {
         Json& p = a["per_window"];
         p["mass_beh_le"]["3"]["q20"][50] = 0;
         p["F_beh"]["3"]["q20"][50] = 0;
       },
       {}},
      {Check::summary_mean,
       kV1b,
       "a mean of the routing",
       add("summary.F_route_by_layer.3.q05", 1e-9),
       {}},
      {Check::summary_mean,
       kV1b,
       "a mean of the change",
       add("summary.F_beh_by_layer.3.q05", 1e-9),
       {}},
      {Check::summary_mean,
       kV1b,
       "a tie-aware delta",
       add("summary.per_layer.3.F_beh.q05.tie_aware.delta", 1e-9),
       {}},
      {Check::summary_interval,
       kV1b,
       "an end of a published delta",
       add("summary.per_layer.3.F_beh.q05.published.ci95.0", 1e-9),
       {}},
      {Check::summary_exact, kV1b, "a flag", set("summary.per_layer.3.holds", false), {}},
      {Check::summary_exact,
       kV1b,
       "a published flag",
       [](Json& a) {
         Json& flag = at(a, "summary.per_layer.3.holds_published");
         flag = !flag.get<bool>();
       },
       {}},
      {Check::summary_mean, kV1b, "a ratio", add("summary.per_layer.3.ratio_upper", -1e-9), {}},
      {Check::summary_exact,
       kV1b,
       "windows without change",
       set("summary.per_layer.3.windows_without_change", 1),
       {}},
      {Check::summary_exact,
       kV1b,
       "a degenerate layer that isn't",
       set("summary.per_layer.3.degenerate", "no change"),
       {}},
      {Check::summary_exact, kV1b, "another verdict", set("summary.verdict", "BROKEN"), {}},
      {Check::convergence_numbers, kV1b, "a distance", set("summary.convergence.z", 2.5), {}},
  };
}

}  // namespace

std::vector<Doctored> doctored_edges() {
  std::vector<Doctored> all = doctored_amplification();
  for (Doctored& item : doctored_control()) all.push_back(std::move(item));
  return all;
}

}  // namespace rg::verify::testing
