// One doctored artifact per check, its digest recomputed: that check rejects it and no other does.
// So a check that silently stopped firing is noticed here.
#include "verify/doctored.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <ostream>
#include <set>

namespace rg::verify::testing {
namespace {

constexpr const char* kV2 = "chart_compatibility";
constexpr const char* kV3 = "terminal_ovk_scan";
constexpr const char* kRouter = "attention_router";
constexpr const char* kLoad = "expert_load";

// Window 50 of layer 3 as if strata overlapped there, in all strata but `kept`.
std::function<void(Json&)> overlapping(const std::string& kept) {
  return [kept](Json& artifact) {
    for (auto& [name, stratum] : artifact["per_window"].items()) {
      if (!stratum.contains("tokens") || name == kept) continue;
      for (auto& [metric, layers] : stratum.items()) {
        layers["3"][50] = metric == "tokens" ? Json(0) : Json(nullptr);
      }
    }
    for (const char* path :
         {"c1_matched_interior.3.50", "c1_matched_interior_target.3.50",
          "exact_random.3.positions.50", "exact_random.3.mean.50",
          "random_draws.boundary_random_e2.3.50", "random_draws.boundary_unselected_e2.3.50"}) {
      at(artifact, std::string("per_window.") + path) = nullptr;
    }
    artifact["null_reasons"]["per_window"] = "said to overlap";
  };
}

// All four agreement counts of one layer a position short, k of the lists of k.
void move_count(Json& artifact, const std::string& parent) {
  for (const auto& [list, amount] : {std::pair{"embedding_top1", 1},
                                     {"rest_top1", 1},
                                     {"embedding_topk", 2},
                                     {"rest_topk", 2}}) {
    Json& count = at(artifact, parent + list + ".0");
    count = count.get<int>() - amount;
  }
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t found = text.find(from);
  EXPECT_NE(found, std::string::npos) << from;
  return text.replace(found, from.size(), to);
}

std::vector<Doctored> doctored_others() {
  return {
      {Check::file_readable, kV3, "gzip magic", {}, [](Json&) { return "\x1f\x8b\x08"; }},
      {Check::file_readable, kV3, "empty", {}, [](Json&) { return ""; }},
      {Check::strict_json,
       kV3,
       "NaN as Python writes it",
       {},
       [](Json& a) { return replaced(text_of(a), "\"alpha\":0.05", "\"alpha\":NaN"); }},
      {Check::strict_json,
       kV3,
       "1e400",
       {},
       [](Json& a) { return replaced(text_of(a), "\"alpha\":0.05", "\"alpha\":1e400"); }},
      {Check::strict_json,
       kV3,
       "text behind the value",
       {},
       [](Json& a) { return text_of(a) + "{}"; }},
      {Check::strict_json,
       kV3,
       "byte order mark",
       {},
       [](Json& a) { return "\xef\xbb\xbf" + text_of(a); }},
      {Check::strict_json,
       kV3,
       "depth over 64",
       {},
       [](Json& a) {
         return replaced(text_of(a), "\"settings\":{}",
                         "\"settings\":" + std::string(70, '[') + std::string(70, ']'));
       }},
      {Check::strict_json, kV3, "one byte", {}, [](Json&) { return "{"; }},
      {Check::duplicate_key,
       kV3,
       "domain twice",
       {},
       [](Json& a) { return replaced(text_of(a), "\"domain\":", "\"domain\":\"x\",\"domain\":"); }},
      {Check::known_test, kV3, "another test", set("test", "no_such_test"), {}},
      {Check::known_test, kV3, "a test without a name", set("test", ""), {}},
      {Check::member_present,
       kV3,
       "no summary mean",
       erase("summary.per_layer.3", "ovk_cf_mean"),
       {}},
      {Check::member_present, kV2, "no stratum", erase("per_window", "interior_q90"), {}},
      {Check::member_known, kV3, "unknown member", set("extra", 1), {}, true},
      {Check::schema_version, kV3, "version 2", set("schema_version", "2.0"), {}},
      {Check::value_kind, kV3, "text in an array", set("per_window.update_ratio.3.117", "0.5"), {}},
      {Check::value_kind, kV3, "null in a count", set("per_window.n_undefined.3.3", 0.5), {}},
      {Check::plain_number,
       kV3,
       "negative zero",
       {},
       [](Json& a) {
         at(a, "per_window.update_ratio.3.117") = 0.25;
         at(a, "per_window.update_ratio.3.118") = 0.0;
         complete(a);
         const std::string text = text_of(a);
         const size_t near = text.find("0.25,0,", text.find("\"update_ratio\""));
         EXPECT_NE(near, std::string::npos);
         return std::string(text).replace(near, 7, "0.25,-0.0,");
       }},
      {Check::plain_number,
       kV3,
       "2^53 + 1",
       set("per_window.update_ratio.3.117", 9007199254740993),
       {}},
      {Check::value_range, kV3, "overlap above 1", set("per_window.ovk_cf_mean.3.117", 1.25), {}},
      {Check::value_range,
       kV2,
       "kappa below 0",
       set("per_window.boundary.kappa_hidden_median.1.4", -0.25),
       {}},
      {Check::value_range, kV2, "seq_len of one", set("data.seq_len", 1), {}},
      {Check::value_range, kRouter, "no such convention", set("prompts.0.convention", "other"), {}},
      {Check::integer_grid,
       kV3,
       "no count of tokens",
       add("per_window.ovk_cf_mean.3.117", 0.001),
       {}},
      {Check::integer_grid, kV3, "swaps", add("per_window.swap_k_mean.1.0", 0.001), {}},
      {Check::integer_grid,
       kRouter,
       "agreements",
       add("per_window.agreement_topk.1.0", -0.001),
       {}},
      {Check::count_total,
       kLoad,
       "counts of a window",
       [](Json& a) {
         Json& count = at(a, "per_window.count.3.9.2");
         count = count.get<int>() + 1;
       },
       {}},
      {Check::count_total,
       kLoad,
       "asymmetric pairs",
       [](Json& a) {
         Json& count = at(a, "pairs.3.1.2");
         count = count.get<int>() + 1;
       },
       {}},
      {Check::count_total,
       kLoad,
       "transitions into nowhere",
       [](Json& a) {
         Json& here = at(a, "transitions.3.1.2");
         Json& there = at(a, "transitions.3.1.3");
         here = here.get<int>() + 1;
         there = there.get<int>() - 1;
       },
       {}},
      {Check::count_total,
       kRouter,
       "expert counts",
       [](Json& a) {
         Json& count = at(a, "expert_counts.3.2");
         count = count.get<int>() + 1;
       },
       {}},
      {Check::share_total,
       kRouter,
       "norm shares",
       add("per_window.norm_share.experts.5.7", 0.01),
       {}},
      {Check::share_total,
       kRouter,
       "signed shares",
       add("per_window.signed_num.attention.5.7", 0.01),
       {}},
      {Check::share_total, kRouter, "a published ratio", set("prompts.3.attention_ratio", 0.5), {}},
      {Check::share_total,
       kRouter,
       "parts that miss the scores",
       [](Json& a) {
         at(a, "decomposition_check.3.ratio") = 0.5;
         at(a, "decomposition_check.3.holds") = false;
       },
       {}},
      {Check::strata_size,
       kV2,
       "boundary too small",
       set("per_window.boundary.tokens.3.50", 3),
       {}},
      {Check::strata_size,
       kV2,
       "more tokens than defined",
       [](Json& a) {
         at(a, "per_window.n_undefined.3.50") = 1;
         at(a, "per_window.interior.tokens.3.50") = 63;
       },
       {}},
      {Check::ranked_list,
       kLoad,
       "tokens out of order",
       set("tokens_by_expert.3.2", {{3, 12}, {9, 40}}),
       {}},
      {Check::ranked_list,
       kRouter,
       "ascending singular values",
       set("gate_geometry.3.singular_values", {2.0, 2.5, 1.0, 0.5}),
       {}},
      {Check::null_reason,
       kV2,
       "no reasons",
       erase("null_reasons", "per_window.interior.jump_hidden_median.3"),
       {}},
      {Check::null_reason,
       kV3,
       "reasons for nothing",
       set("null_reasons", {{"summary", "no reason"}}),
       {}},
      {Check::array_length,
       kV3,
       "a window short",
       [](Json& a) { at(a, "per_window.update_ratio.3").erase(0); },
       {}},
      {Check::document_ids,
       kV3,
       "a document short",
       [](Json& a) { at(a, "data.doc_ids").erase(0); },
       {}},
      {Check::layer_list, kV3, "a layer twice", set("layers", {1, 3, 3, 5}), {}},
      {Check::layer_list, kV3, "descending", set("layers", {1, 5, 3}), {}},
      {Check::layer_arrays,
       kV3,
       "an array of no layer",
       [](Json& a) {
         at(a, "per_window.update_ratio.4") = at(a, "per_window.update_ratio.3");
         at(a, "per_window.update_ratio.4.0") = 0.75;
       },
       {}},
      {Check::layer_arrays,
       kV3,
       "a layer without its array",
       erase("per_window.update_ratio", "3"),
       {}},
      {Check::layer_defined,
       kV2,
       "a layer undefined throughout",
       [](Json& a) {
         const Json none(200, nullptr);
         for (auto& [name, stratum] : a["per_window"].items()) {
           if (!stratum.contains("tokens")) continue;
           for (auto& [metric, layers] : stratum.items()) {
             if (metric == "tokens") {
               layers["3"] = Json(200, 0);
             } else {
               layers["3"] = none;
             }
           }
         }
         for (const char* matched : {"c1_matched_interior", "c1_matched_interior_target"}) {
           a["per_window"][matched]["3"] = none;
         }
         a["per_window"]["exact_random"]["3"] = {{"positions", none}, {"mean", none}};
         for (const char* group : {"margins", "random_draws"}) {
           for (Json& layers : a["per_window"][group]) layers["3"] = none;
         }
         a["per_window"]["n_undefined"]["3"] = Json(200, 63);
         a["null_reasons"]["per_window"] = "every margin is infinite";
       },
       {}},
      {Check::terminal_layer,
       kV2,
       "a layer beyond the last",
       set("model.terminal_moe_layer", 4),
       {}},
      {Check::terminal_layer,
       kV3,
       "the last layer not measured",
       set("model.terminal_moe_layer", 7),
       {}},
      {Check::required_layers,
       kV3,
       "empty",
       set("verification.required_layers", Json::array()),
       {}},
      {Check::required_layers,
       kV3,
       "not measured",
       set("verification.required_layers", {1, 4}),
       {}},
      {Check::required_layers,
       kRouter,
       "later layers left out",
       set("verification.required_layers", {5}),
       {}},
      {Check::gate_semantics, kV3, "bf16 scores", set("gate_semantics.scores_dtype", "bf16"), {}},
      {Check::gate_semantics, kLoad, "no topk", erase("gate_semantics", "topk"), {}},
      {Check::pair_definition, kV2, "other margin", set("strata_def.margin_used", "m_fixed"), {}},
      {Check::pair_definition, kV2, "other pair", set("strata_def.pair_def", "1_2"), {}},
      {Check::pair_definition, kV2, "no control", set("controls.random_e2", false), {}},
      {Check::edge_direction,
       kV2,
       "an edge without direction",
       set("edge", {{"ckpt_a", "a"}, {"ckpt_b", "b"}, {"edge_name", "a_b"}}),
       {}},
      {Check::edge_direction,
       kV2,
       "a direction that is none",
       set("edge", {{"ckpt_a", "a"}, {"ckpt_b", "b"}, {"direction", "both"}}),
       {}},
      {Check::strata_quantiles,
       kV2,
       "other quantile",
       set("strata_def.boundary_quantile", 0.2),
       {}},
      {Check::bootstrap_settings, kV3, "B of 200.5", set("summary.bootstrap.B", 200.5), {}},
      {Check::bootstrap_settings, kV3, "negative B", set("summary.bootstrap.B", -200), {}},
      {Check::bootstrap_settings, kV3, "no B", erase("summary.bootstrap", "B"), {}},
      {Check::bootstrap_settings, kV3, "no seed", erase("summary.bootstrap", "seed"), {}},
      {Check::bootstrap_settings,
       kV3,
       "other interval",
       set("summary.bootstrap.ci_type", "bca"),
       {}},
      {Check::interval_order,
       kV3,
       "ends swapped",
       [](Json& a) {
         Json& interval = at(a, "summary.per_layer.3.ovk_cf_ci95");
         interval = {interval[1], interval[0]};
       },
       {}},
      {Check::body_digest,
       kV3,
       "a note added later",
       {},
       [](Json& a) {
         a["notes"].push_back("added later");
         return text_of(a);
       }},
      {Check::summary_mean, kV3, "a mean", add("summary.per_layer.3.ovk_cf_mean", 1e-9), {}},
      {Check::summary_mean,
       kV2,
       "a delta",
       add("summary.per_layer.3.kappa_hidden.delta", 1e-9),
       {}},
      {Check::summary_mean,
       kRouter,
       "a Shapley share",
       add("summary.per_layer.3.shapley.attention.mean", 1e-9),
       {}},
      {Check::summary_mean,
       kRouter,
       "the popularity null",
       add("summary.per_layer.3.val_empty", 1e-6),
       {}},
      {Check::summary_mean, kLoad, "an entropy", add("summary.per_layer.3.entropy", 1e-6), {}},
      {Check::summary_mean, kLoad, "a share", add("summary.per_layer.3.share.2", 1e-9), {}},
      {Check::summary_exact, kV2, "a flag", set("summary.per_layer.3.c1.holds", false), {}},
      {Check::summary_exact,
       kV2,
       "a failure type",
       set("summary.per_layer.3.failure_type", "both"),
       {}},
      {Check::summary_exact, kV3, "a pair", set("summary.max_jump.pair", "1->3"), {}},
      {Check::summary_exact, kRouter, "a label", set("summary.verdict.exact", "H1"), {}},
      {Check::summary_exact, kLoad, "a cold expert", set("summary.per_layer.3.cold", {6}), {}},
      {Check::summary_interval,
       kV3,
       "an end by one bit",
       [](Json& a) {
         Json& end = at(a, "summary.terminal_jump.ci95.1");
         end = std::nextafter(end.get<double>(), 1.0);
       },
       {}},
      {Check::summary_interval,
       kV2,
       "a studentised end",
       add("summary.per_layer.3.kappa_hidden.ci95_t.1", 1e-6),
       {}},
      {Check::summary_interval,
       kV2,
       "a BCa end",
       add("summary.per_layer.3.kappa_hidden.ci95_bca.1", 1e-6),
       {}},
      {Check::summary_interval,
       kV2,
       "a document end",
       add("summary.per_layer.3.kappa_hidden.ci95_doc.1", 1e-6),
       {}},
      {Check::jackknife_interval, kRouter, "an end", add("token_id.3.within.ci95.1", 1e-4), {}},
      {Check::convergence_numbers, kV3, "z", add("summary.convergence.z", 0.01), {}},
      {Check::convergence_numbers, kV3, "settled", set("summary.convergence.settled_at", 71), {}},
      {Check::member_present,
       kV2,
       "no digest and no profile, as if published",
       {},
       [](Json& a) {
         a.erase("body_sha256");
         a.erase("numeric_profile");
         return text_of(a);
       }},
      {Check::member_present,
       kLoad,
       "no digest",
       {},
       [](Json& a) {
         a.erase("body_sha256");
         return text_of(a);
       }},
      {Check::member_present,
       kV3,
       "only its extra arrays say whose it is",
       {},
       [](Json& a) {
         for (const char* ours : {"body_sha256", "numeric_profile", "null_reasons", "settings",
                                  "inputs", "tensors", "notes", "program_version"}) {
           a.erase(ours);
         }
         a["model"].erase("moe_layers");
         a["summary"] = {{"per_layer", a["summary"]["per_layer"]},
                         {"max_jump", a["summary"]["max_jump"]},
                         {"bootstrap", a["summary"]["bootstrap"]}};
         return text_of(a);
       }},
      {Check::member_present, kV3, "no inputs", erase("", "inputs"), {}},
      {Check::member_present, kV3, "no input listed", set("inputs", Json::array()), {}},
      {Check::member_present, kV3, "no tensors", erase("", "tensors"), {}},
      {Check::member_present, kV3, "a tensor without its shape", erase("tensors.0", "shape"), {}},
      {Check::member_present, kV3, "no settings", erase("", "settings"), {}},
      {Check::member_present, kV3, "no program", erase("", "program_version"), {}},
      {Check::member_present, kV3, "no notes", erase("", "notes"), {}},
      {Check::member_present, kV3, "no manifest", erase("", "manifest"), {}},
      {Check::member_present, kV3, "no time", erase("manifest", "created_utc"), {}},
      {Check::member_present, kV3, "no score", erase("gate_semantics", "score"), {}},
      {Check::member_present, kV3, "no groups", erase("gate_semantics", "groups"), {}},
      {Check::member_present, kV3, "no tie rule", erase("gate_semantics", "tie_rule"), {}},
      {Check::member_present, kV3, "no source", erase("data", "source"), {}},
      {Check::member_present, kV3, "no data seed", erase("data", "seed"), {}},
      {Check::member_present, kV3, "no tokenizer", erase("data", "tokenizer"), {}},
      {Check::member_present, kV3, "no list of MoE layers", erase("model", "moe_layers"), {}},
      {Check::member_present, kV2, "no count of draws", erase("", "random_draws"), {}},
      {Check::member_present, kRouter, "no convention", erase("", "convention"), {}},
      {Check::member_present,
       kV3,
       "no agreement",
       erase("summary.convergence.grid.2", "agreement"),
       {}},
      {Check::value_kind, kV3, "no digest of an input", set("inputs.0.sha256", "5d0c"), {}},
      {Check::value_kind,
       kV2,
       "half a position",
       set("per_window.exact_random.3.positions.4", 5.5),
       {}},
      {Check::value_range,
       kV2,
       "a position beyond",
       set("per_window.exact_random.3.positions.4", 63),
       {}},
      {Check::value_range, kV2, "no draw", set("random_draws", 0), {}},
      {Check::value_range, kV2, "more draws than there are", set("random_draws", 65), {}},
      {Check::value_range,
       kV2,
       "draws where there was one",
       [](Json& a) {
         a["random_draws"] = 1;
         for (Json& layer : a["summary"]["per_layer"]) {
           layer.erase("c2_draws");
           layer.erase("c2_unselected_draws");
         }
       },
       {}},
      {Check::summary_exact,
       kV2,
       "a summary of draws where there was one",
       [](Json& a) {
         a["random_draws"] = 1;
         a["per_window"].erase("random_draws");
         for (Json& layer : a["summary"]["per_layer"]) layer.erase("c2_unselected_draws");
       },
       {}},
      {Check::member_present, kV2, "no further draws", erase("per_window", "random_draws"), {}},
      {Check::member_present,
       kV2,
       "no further draws of the unselected",
       erase("per_window.random_draws", "boundary_unselected_e2"),
       {}},
      {Check::member_present,
       kV2,
       "no judgement of the draws",
       erase("summary.per_layer.3", "c2_draws"),
       {}},
      {Check::value_range,
       kV2,
       "a drawn kappa above 1",
       set("per_window.random_draws.boundary_random_e2.3.50", 1.25),
       {}},
      {Check::null_pattern,
       kV2,
       "a drawn kappa out of the way",
       nulled({"per_window.random_draws.boundary_unselected_e2.3.50"}),
       {}},
      {Check::summary_mean,
       kV2,
       "a delta of the draws",
       add("summary.per_layer.3.c2_draws.delta", 1e-9),
       {}},
      {Check::summary_mean,
       kV2,
       "a probability of the draws",
       add("summary.per_layer.3.c2_unselected_draws.probability", -0.01),
       {}},
      {Check::summary_exact,
       kV2,
       "a flag of the draws",
       set("summary.per_layer.3.c2_unselected_draws.holds", false),
       {}},
      {Check::summary_interval,
       kV2,
       "an end of the draws",
       add("summary.per_layer.3.c2_draws.ci95.0", -1e-9),
       {}},
      {Check::member_present, kV2, "no margins", erase("per_window", "margins"), {}},
      {Check::member_present, kV2, "no threshold", erase("per_window.margins", "m_thr"), {}},
      {Check::value_range,
       kV2,
       "a margin below 0",
       set("per_window.margins.m_set_mean.3.50", -0.25),
       {}},
      {Check::value_range,
       kV2,
       "a threshold below 0",
       set("per_window.margins.m_thr.3.50", -0.25),
       {}},
      {Check::null_pattern,
       kV2,
       "a margin out of the way",
       nulled({"per_window.margins.m_set_mean.3.50"}),
       {}},
      {Check::null_pattern,
       kV2,
       "a threshold out of the way",
       nulled({"per_window.margins.m_thr.3.50"}),
       {}},
      {Check::summary_mean,
       kV2,
       "a cosine",
       add("summary.per_layer.3.cos_boundary.mean", 1e-9),
       {}},
      {Check::summary_mean,
       kV2,
       "a ratio of norms",
       add("summary.per_layer.3.log_r_interior.mean", 1e-9),
       {}},
      {Check::summary_interval,
       kV2,
       "an end of a cosine",
       add("summary.per_layer.3.cos_interior.ci95.1", 1e-9),
       {}},
      {Check::member_present,
       kV2,
       "no ratio of norms",
       erase("summary.per_layer.3", "log_r_boundary"),
       {}},
      {Check::value_range, kRouter, "convention of no program", set("convention", "other"), {}},
      {Check::value_range, kRouter, "no source position", set("source_positions", 0), {}},
      {Check::value_range,
       kRouter,
       "more positions than sampled",
       set("source_table.3.positions", 801),
       {}},
      {Check::value_range, kRouter, "an overlap above 1", set("token_id.3.within.value", 1.5), {}},
      {Check::value_range,
       kRouter,
       "an overlap below 0",
       set("token_id.3.predictor.leave_one_out.4", -0.5),
       {}},
      {Check::value_range,
       kV3,
       "an agreement above 1",
       set("summary.convergence.grid.2.agreement", 1.5),
       {}},
      {Check::null_pattern,
       kV2,
       "a median out of the way",
       nulled({"per_window.boundary.kappa_hidden_median.3.50"}),
       {}},
      {Check::null_pattern,
       kV2,
       "a control out of the way",
       nulled({"per_window.boundary_random_e2.kappa_hidden_median.3.50"}),
       {}},
      {Check::null_pattern,
       kV2,
       "a mean out of the way",
       nulled({"per_window.interior.cos_mean.3.50"}),
       {}},
      {Check::null_pattern,
       kV2,
       "a matched value out of the way",
       nulled({"per_window.c1_matched_interior.3.50"}),
       {}},
      {Check::null_pattern,
       kV2,
       "no exact mean",
       nulled({"per_window.exact_random.3.mean.50"}),
       {}},
      {Check::null_pattern,
       kV2,
       "no exact position",
       nulled({"per_window.exact_random.3.positions.50"}),
       {}},
      {Check::strata_size, kV2, "an interior where strata overlap", overlapping("interior"), {}},
      {Check::strata_size, kV2, "a boundary where strata overlap", overlapping("boundary"), {}},
      {Check::strata_size, kV2, "a partner for no token", overlapping("interior_random_e2"), {}},
      {Check::strata_size,
       kV2,
       "a token without its random partner",
       set("per_window.boundary_random_e2.tokens.3.50", 6),
       {}},
      {Check::strata_size,
       kV2,
       "a token without its unselected one",
       set("per_window.interior_unselected_e2.tokens.3.50", 31),
       {}},
      {Check::null_pattern,
       kV3,
       "an overlap out of the way",
       nulled({"per_window.ovk_cf_mean.3.50"}),
       {}},
      {Check::null_pattern, kV3, "no other update", nulled({"per_window.ovk_cf_other.5.50"}), {}},
      {Check::null_pattern, kV3, "no ratio", nulled({"per_window.update_ratio.3.50"}), {}},
      {Check::null_pattern,
       kRouter,
       "a subset out of the way",
       nulled({"per_window.val.attention.3.50"}),
       {}},
      {Check::null_pattern,
       kRouter,
       "a replaced subset out of the way",
       nulled({"per_window.val_mean_replaced.none.3.50"}),
       {}},
      {Check::null_pattern,
       kRouter,
       "shares out of the way",
       nulled({"per_window.norm_share.embedding.3.50", "per_window.norm_share.attention.3.50",
               "per_window.norm_share.experts.3.50"}),
       {}},
      {Check::null_pattern,
       kRouter,
       "sums out of the way",
       nulled({"per_window.signed_num.attention.3.50"}),
       {}},
      {Check::null_pattern,
       kRouter,
       "a null share out of the way",
       nulled({"per_window.null_signed_num.3.50"}),
       {}},
      {Check::null_pattern,
       kRouter,
       "a published ratio out of the way",
       nulled({"per_window.published_ratio.3.50"}),
       {}},
      {Check::null_pattern,
       kRouter,
       "an agreement of nothing",
       set("per_window.agreement_positions.3.0", 0),
       {}},
      {Check::member_present,
       kRouter,
       "no positions of the agreements",
       erase("per_window", "agreement_positions"),
       {}},
      {Check::value_kind,
       kRouter,
       "half a position agrees",
       set("per_window.agreement_positions.3.1", 62.5),
       {}},
      {Check::integer_grid,
       kRouter,
       "agreements over other positions",
       [](Json& a) {
         at(a, "per_window.agreement_top1.3.1") = 0.5;
         at(a, "per_window.agreement_topk.3.1") = 0.5;
       },
       {}},
      {Check::value_range,
       kRouter,
       "a cosine above 1",
       set("expert_similarity.per_layer.3.up.cosine_max", 1.5),
       {}},
      {Check::value_range,
       kRouter,
       "a mean cosine below the least",
       set("expert_similarity.per_layer.3.up.cosine_mean", -0.25),
       {}},
      {Check::value_range,
       kRouter,
       "a rank above the smaller side",
       [](Json& a) {
         at(a, "expert_similarity.per_layer.3.up.rank95") = {17, 15, 16, 16, 16, 16, 16, 16};
         at(a, "expert_similarity.per_layer.3.up.rank95_share") = 1;
       },
       {}},
      {Check::summary_mean,
       kRouter,
       "a share of no whole side",
       add("expert_similarity.per_layer.3.down.rank95_share", 1e-4),
       {}},
      {Check::array_length,
       kRouter,
       "a compared expert without its rank",
       [](Json& a) { at(a, "expert_similarity.per_layer.3.gate.rank95").erase(0); },
       {}},
      {Check::layer_arrays,
       kRouter,
       "a compared layer missing",
       erase("expert_similarity.per_layer", "5"),
       {}},
      {Check::layer_arrays,
       kRouter,
       "a compared layer that was none",
       [](Json& a) {
         Json& layers = a["expert_similarity"]["per_layer"];
         layers["4"] = layers["3"];
       },
       {}},
      {Check::member_present,
       kRouter,
       "a projection missing",
       erase("expert_similarity.per_layer.3", "down"),
       {}},
      {Check::member_present,
       kRouter,
       "no verdict on the experts",
       erase("expert_similarity", "verdict"),
       {}},
      {Check::summary_exact,
       kRouter,
       "another verdict on the experts",
       set("expert_similarity.verdict", "upcycled"),
       {}},
      {Check::summary_exact,
       kRouter,
       "another expert compared",
       set("expert_similarity.experts.7", 8),
       {}},
      {Check::summary_exact,
       kRouter,
       "other layers compared",
       set("expert_similarity.layers.1", 4),
       {}},
      {Check::summary_mean,
       kRouter,
       "another threshold",
       set("expert_similarity.thresholds.upcycled", 0.25),
       {}},
      {Check::count_total,
       kRouter,
       "positions that don't add up",
       [](Json& a) { move_count(a, "agreement_counts.3."); },
       {}},
      {Check::count_total,
       kRouter,
       "more positions than defined",
       [](Json& a) {
         at(a, "per_window.agreement_positions.3.0") = 63;
         at(a, "per_window.n_undefined.3.0") = 1;
       },
       {}},
      {Check::integer_grid,
       kV3,
       "another position's update",
       add("per_window.ovk_cf_other.3.117", 0.001),
       {}},
      {Check::integer_grid, kRouter, "a subset", add("per_window.val.attention.3.117", -0.001), {}},
      {Check::integer_grid,
       kRouter,
       "a subset with drops",
       add("per_window.val.embedding.1.7", 0.0003),
       {}},
      {Check::integer_grid,
       kRouter,
       "a replaced subset",
       add("per_window.val_mean_replaced.experts.3.117", -0.001),
       {}},
      {Check::ranked_list,
       kRouter,
       "a prompt without one layer",
       [](Json& a) { a["prompts"].erase(4); },
       {}},
      {Check::ranked_list, kRouter, "a prompt short", [](Json& a) { a["prompts"].erase(17); }, {}},
      {Check::ranked_list,
       kRouter,
       "a probe twice",
       [](Json& a) { a["probes"][1] = a["probes"][0]; },
       {}},
      {Check::required_layers,
       kRouter,
       "the first MoE layer required",
       set("verification.required_layers", {1, 3, 5}),
       {}},
      {Check::terminal_layer,
       kV2,
       "MoE layers beyond the last",
       set("model.moe_layers", {1, 3, 5, 7}),
       {}},
      {Check::layer_list,
       kV2,
       "a measured layer without a gate",
       set("model.moe_layers", {1, 5}),
       {}},
      {Check::gate_semantics,
       kV2,
       "ties to the higher index",
       set("gate_semantics.tie_rule", "higher index"),
       {}},
      {Check::count_total,
       kV3,
       "expert counts",
       [](Json& a) {
         Json& count = at(a, "expert_counts.3.2");
         count = count.get<int>() + 1;
       },
       {}},
      {Check::value_range,
       kV3,
       "an expert selected more often than there are positions",
       [](Json& a) { at(a, "expert_counts.1") = {12601, 12599, 0, 0, 0, 0, 0, 0}; },
       {}},
      {Check::value_kind, kV3, "half a selection", set("expert_counts.1.4", 3150.5), {}},
      {Check::array_length,
       kV3,
       "an expert without its count",
       [](Json& a) { at(a, "expert_counts.3").erase(0); },
       {}},
      {Check::layer_arrays, kV3, "no counts of a layer", erase("expert_counts", "3"), {}},
      {Check::layer_arrays,
       kV3,
       "counts of a layer not measured",
       [](Json& a) { a["expert_counts"]["4"] = a["expert_counts"]["3"]; },
       {}},
      {Check::member_present, kV3, "no expert counts", erase("", "expert_counts"), {}},
      {Check::member_present, kV3, "no null hypothesis", erase("summary", "null"), {}},
      {Check::member_present, kV3, "a null without words", erase("summary.null", "kind"), {}},
      {Check::summary_mean,
       kV3,
       "the uniform null",
       add("summary.null.per_layer.3.uniform", 1e-9),
       {}},
      {Check::summary_mean,
       kV3,
       "the popularity null",
       add("summary.null.per_layer.3.popularity", 1e-9),
       {}},
      {Check::summary_mean,
       kV3,
       "the null of equal groups",
       [](Json& a) {
         at(a, "gate_semantics.groups") = 4;
         at(a, "gate_semantics.groups_kept") = 2;
         complete(a);
         at(a, "summary.null.per_layer.3.uniform_same_groups") = 0.25;
       },
       {}},
      {Check::summary_exact,
       kV3,
       "equal groups without groups",
       set("summary.null.per_layer.3.uniform_same_groups", 0.5),
       {}},
      {Check::gate_semantics, kV2, "three groups of eight", set("gate_semantics.groups", 3), {}},
  };
}

// Some of them, so that no test takes much longer than others.
struct Group {
  const char* name;
  std::vector<Doctored> (*items)();
};
void PrintTo(const Group& group, std::ostream* out) { *out << group.name; }

constexpr Group kGroups[] = {{"others", doctored_others},
                             {"edges", doctored_edges},
                             {"interventions", doctored_interventions},
                             {"audits", doctored_audits},
                             {"stored_keys", doctored_stored_keys},
                             {"kv_gauges", doctored_kv_gauges},
                             {"kv_distortions", doctored_kv_distortions},
                             {"key_only_routers", doctored_key_only_routers},
                             {"theorem_slacks", doctored_theorem_slacks},
                             {"families", doctored_families},
                             {"adaptations", doctored_adaptations}};

std::vector<Doctored> doctored() {
  std::vector<Doctored> all;
  for (const Group& group : kGroups) {
    for (Doctored& item : group.items()) all.push_back(std::move(item));
  }
  return all;
}

class DoctoredGroup : public ::testing::TestWithParam<Group> {
 protected:
  static const Json& valid(const std::string& test) {
    static std::map<std::string, Json> made;
    if (!made.contains(test)) made[test] = make(test, {});
    return made[test];
  }
};

TEST_P(DoctoredGroup, OnlyTheirCheckRejectsThem) {
  const std::vector<Doctored> items = GetParam().items();
  EXPECT_FALSE(items.empty());
  for (const Doctored& item : items) {
    SCOPED_TRACE(std::string(check_name(item.check)) + ": " + item.what);
    Json artifact = valid(item.test);
    std::string text;
    if (item.doctor) {
      item.doctor(artifact);
      seal(artifact);
      text = text_of(artifact);
    } else {
      text = item.text(artifact);
    }
    Options options = quick_options();
    options.strict_members = item.strict;
    const Judgement judgement = judge_text(text, item.what, options);
    EXPECT_EQ(judgement.verdict, Verdict::invalid);
    EXPECT_EQ(exit_code({judgement}), ExitCode::artifact);
    std::set<std::string> fired;
    for (const Reason& reason : judgement.reasons) {
      fired.insert(reason.check);
      EXPECT_EQ(reason.id, error_name(check_error(item.check))) << reason.check;
    }
    EXPECT_EQ(fired, std::set<std::string>{std::string(check_name(item.check))})
        << judgement.sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(Every, DoctoredGroup, ::testing::ValuesIn(kGroups),
                         [](const auto& group) { return std::string(group.param.name); });

TEST(DoctoredArtifacts, EveryCheckHasOne) {
  std::set<std::string> covered;
  for (const Doctored& item : doctored()) covered.insert(std::string(check_name(item.check)));
  for (const Check check : all_checks()) {
    EXPECT_TRUE(covered.contains(std::string(check_name(check)))) << check_name(check);
  }
}

TEST(DoctoredArtifacts, EveryCheckHasAnErrorOfItsOwnPrefix) {
  const std::set<ErrorId> known = {ErrorId::AR001, ErrorId::AR002, ErrorId::AR005, ErrorId::AR010,
                                   ErrorId::AR011, ErrorId::AR012, ErrorId::AR013, ErrorId::AR014,
                                   ErrorId::AR015, ErrorId::AR016, ErrorId::AR017, ErrorId::AR018,
                                   ErrorId::AR019, ErrorId::AR020, ErrorId::AR021};
  std::set<ErrorId> used;
  for (const Check check : all_checks()) used.insert(check_error(check));
  EXPECT_EQ(used, known);
}

}  // namespace
}  // namespace rg::verify::testing
