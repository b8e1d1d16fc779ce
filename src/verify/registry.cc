#include <array>

#include "verify/tests.h"

namespace rg::verify {
namespace {

struct CheckRow {
  std::string_view name;
  ErrorId error;
  std::string_view meaning;
};

constexpr std::array kChecks = {
#define RG_CHECK(name, error, meaning) CheckRow{#name, ErrorId::error, meaning},
#include "verify/checks.inc"
#undef RG_CHECK
};

constexpr HeaderRules kFamilyRules{
    .subject = Subject::family, .required = RequiredLayers::none, .terminal_measured = false};
constexpr HeaderRules kAdaptationRules{.subject = Subject::family,
                                       .required = RequiredLayers::none,
                                       .terminal_measured = false,
                                       .declared_edges = false};
constexpr HeaderRules kBundleRules{
    .subject = Subject::bundle, .required = RequiredLayers::none, .terminal_measured = false};

const CheckRow& row(Check check) { return kChecks[static_cast<size_t>(check)]; }

}  // namespace

std::string_view check_name(Check check) { return row(check).name; }
std::string_view check_meaning(Check check) { return row(check).meaning; }
ErrorId check_error(Check check) { return row(check).error; }

const std::vector<Check>& all_checks() {
  static const std::vector<Check> checks = [] {
    std::vector<Check> list;
    for (size_t i = 0; i < kChecks.size(); ++i) list.push_back(static_cast<Check>(i));
    return list;
  }();
  return checks;
}

const std::vector<TestJudge>& all_judges() {
  static const std::vector<TestJudge> judges = {
      {"chart_compatibility",
       {.required = RequiredLayers::any, .terminal_measured = false},
       {"strata_def", "controls", "random_draws"},
       judge_chart_compatibility},
      {"terminal_ovk_scan",
       {.required = RequiredLayers::any, .terminal_measured = true},
       {"expert_counts"},
       judge_terminal_ovk_scan},
      {"attention_router",
       {.required = RequiredLayers::all_later, .terminal_measured = false},
       {"convention", "source_positions", "prompts", "probes", "source_table", "token_id",
        "gate_geometry", "decomposition_check", "agreement_counts", "expert_counts",
        "expert_similarity"},
       judge_attention_router},
      {"expert_load",
       {.required = RequiredLayers::any, .terminal_measured = false},
       {"pairs", "transitions", "tokens_by_expert"},
       judge_expert_load},
      {"intervention",
       {.required = RequiredLayers::any, .terminal_measured = false, .intervened = true},
       {"intervention", "kl_direction"},
       judge_intervention},
      {"boundary_amplification",
       {.required = RequiredLayers::any, .terminal_measured = false, .edge = true},
       {"compression_qs", "decile_bins", "y_ref_A", "y_ref_B", "other"},
       judge_boundary_amplification},
      {"behavior_compression",
       {.required = RequiredLayers::any, .terminal_measured = false, .edge = true},
       {"compression_qs", "other"},
       judge_behavior_compression},
      {"audit",
       {.required = RequiredLayers::any,
        .terminal_measured = false,
        .edge = true,
        .one_input = false,
        .keys_changed = true},
       {"gates_equal", "audit", "folds", "decile_edges", "other"},
       judge_audit},
      {"kv_gauge",
       {.required = RequiredLayers::with_keys,
        .terminal_measured = false,
        .counts_by_window = true},
       {"keys", "units", "without_keys", "attention", "heads"},
       judge_kv_gauge},
      {"kv_distortion",
       {.required = RequiredLayers::with_keys,
        .terminal_measured = false,
        .counts_by_window = true},
       {"keys", "codes", "measured", "without_keys", "attention", "heads"},
       judge_kv_distortion},
      {"key_only_router",
       {.required = RequiredLayers::with_keys,
        .terminal_measured = false,
        .counts_by_window = true},
       {"prediction", "split", "not_measured", "architecture", "geometry", "truth", "predictors",
        "ceiling"},
       judge_key_only_router},
      {"theorem_slack",
       {.required = RequiredLayers::any, .terminal_measured = false, .counts_by_window = true},
       {"sample", "theorems", "no_check", "without_keys", "attention", "gates", "not_applicable",
        "cases"},
       judge_theorem_slack},
      {"kl_edge_dominance",
       kFamilyRules,
       {"domains", "edges", "checkpoints", "kl_direction"},
       judge_kl_edge_dominance},
      {"entropy_collapse",
       kFamilyRules,
       {"domains", "edges", "checkpoints"},
       judge_entropy_collapse},
      {"kl_bounded_adaptation",
       kAdaptationRules,
       {"domains", "checkpoints", "base", "frozen_set", "thresholds", "registration", "runs",
        "baseline", "layer_hashes"},
       judge_kl_bounded_adaptation},
      {"terminal_tracking", kBundleRules, {"scans"}, judge_terminal_tracking},
      {"terminal_compatibility", kBundleRules, {"chart", "scan"}, judge_terminal_compatibility},
  };
  return judges;
}

}  // namespace rg::verify
