// Which artifacts count as routegauge's, and what those must say about how they were made.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "verify/header.h"

namespace rg::verify {
namespace {

using Names = std::initializer_list<const char*>;

bool holds_any(const At& at, Names names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* name) { return static_cast<bool>(at / name); });
}

// Any member of `at`, whatever its key, that holds one of `names`.
bool member_holds_any(const At& at, Names names) {
  if (!at || !at.value->is(Kind::object)) return false;
  const auto& members = at.value->object().members;
  return std::any_of(members.begin(), members.end(), [&](const Member& member) {
    return holds_any({&member.value, ""}, names);
  });
}

// A list that is not empty, its elements objects; `row` checks one.
template <typename Row>
void for_rows(Inspector& inspect, const At& list, const Row& row) {
  if (!inspect.is(list, Kind::array)) return;
  const Array& values = list.value->array();
  if (values.empty()) inspect.invalid(Check::member_present, list.path, "is empty");
  for (size_t i = 0; i < values.size(); ++i) {
    const At at{&values[i], fmt::format("{}[{}]", list.path, i)};
    if (inspect.is(at, Kind::object)) row(at);
  }
}

bool edge_carries_our_fields(const At& root) {
  const auto reference_holds_any = [&](const char* reference) {
    return member_holds_any(
        (root / reference) / "per_layer",
        {"decile_edges", "decile_sums_per_window", "m_thr_per_window", "mass_le_per_window",
         "mass_per_window", "n_le_per_window", "n_undefined"});
  };
  return reference_holds_any("y_ref_A") || reference_holds_any("y_ref_B") ||
         holds_any(root / "per_window", {"mass_beh", "mass_beh_le", "n_undefined"}) ||
         holds_any(root / "summary",
                   {"convergence", "holm_p", "null", "per_layer", "verdict_published"});
}

bool family_carries_our_fields(const At& root) {
  const At summary = root / "summary";
  const At edges = summary / "edges";
  const auto any_domain = [&](const Member& domain) {
    return member_holds_any({&domain.value, ""},
                            {"D_delta", "L_delta", "D_p", "L_p", "D_p_holm", "L_p_holm", "holds"});
  };
  return holds_any(root, {"body_sha256", "checkpoints", "inputs", "notes", "null_reasons",
                          "numeric_profile", "program_version", "settings", "tensors"}) ||
         holds_any(root / "family", {"sha256"}) ||
         member_holds_any(root / "per_window", {"loss"}) ||
         holds_any(summary, {"convergence", "null", "verdict"}) ||
         (edges && edges.value->is(Kind::object) &&
          std::any_of(edges.value->object().members.begin(), edges.value->object().members.end(),
                      any_domain));
}

}  // namespace

bool carries_our_fields(const At& root, const std::string& test) {
  if (test == "kl_edge_dominance") return family_carries_our_fields(root);
  if (test == "terminal_tracking") {
    return holds_any(root, {"body_sha256", "family", "notes", "null_reasons", "program_version"}) ||
           holds_any(root / "summary", {"convergence", "effect"});
  }
  const bool edge = test == "boundary_amplification" || test == "behavior_compression";
  // No other program writes the other tests.
  if (!edge && test != "chart_compatibility" && test != "terminal_ovk_scan") return true;
  const At per_window = root / "per_window";
  const At summary = root / "summary";
  if (holds_any(root, {"body_sha256", "expert_counts", "family", "inputs", "notes", "null_reasons",
                       "numeric_profile", "other", "program_version", "random_draws", "settings",
                       "tensors"}) ||
      holds_any(root / "model", {"moe_layers"})) {
    return true;
  }
  if (edge) return edge_carries_our_fields(root);
  return holds_any(per_window,
                   {"boundary_unselected_e2", "c1_matched_interior", "c1_matched_interior_target",
                    "exact_random", "interior_unselected_e2", "interior_q90", "margins",
                    "n_undefined", "ovk_cf_other", "random_draws", "update_ratio"}) ||
         member_holds_any(per_window, {"cos_mean", "jump_hidden_median", "kappa_hidden_mean",
                                       "kappa_orth_mean", "log_r_mean", "tokens"}) ||
         holds_any(summary, {"adjacent_jumps", "argmin_ties", "convergence", "degenerate_layers",
                             "direction_share", "null", "overlapping_strata", "size_share"}) ||
         member_holds_any(
             summary / "per_layer",
             {"c1", "c1_matched", "c2", "c2_draws", "c2_unselected", "c2_unselected_draws",
              "cos_boundary", "cos_interior", "exact_random", "kappa_excess", "log_r_boundary",
              "log_r_interior", "ovk_cf_other_mean", "update_ratio_mean"});
}

void check_sha256(Inspector& inspect, const At& at) {
  const std::string digest = inspect.text(at);
  const bool hex = std::all_of(digest.begin(), digest.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (!at || !at.value->is(Kind::string) || (hex && digest.size() == 64)) return;
  inspect.invalid(Check::value_kind, at.path, "is not a SHA-256 in lower-case hexadecimal digits");
}

void check_sources(Inspector& inspect, const At& checkpoint) {
  for_rows(inspect, inspect.need(checkpoint, "inputs"), [&](const At& row) {
    inspect.text(inspect.need(row, "name"));
    check_sha256(inspect, inspect.need(row, "sha256"));
  });
  for_rows(inspect, inspect.need(checkpoint, "tensors"), [&](const At& row) {
    for (const char* key : {"name", "dtype", "shard"}) inspect.text(inspect.need(row, key));
    check_sha256(inspect, inspect.need(row, "sha256"));
    const At shape = inspect.need(row, "shape");
    if (!inspect.is(shape, Kind::array)) return;
    inspect.counts(shape, shape.value->array().size(), kMaxExactInteger);
  });
}

void check_program(Inspector& inspect, const At& root) {
  inspect.text(inspect.need(root, "program_version"));
  inspect.text(inspect.need(inspect.need(root, "manifest"), "created_utc"));
  const At notes = inspect.need(root, "notes");
  if (!inspect.is(notes, Kind::array)) return;
  for (const Value& note : notes.value->array()) inspect.text({&note, notes.path});
}

void check_other(Inspector& inspect, const At& root) {
  const At other = inspect.need(root, "other");
  if (!inspect.is(other, Kind::object)) return;
  inspect.text(inspect.need(other, "ckpt"));
  check_sources(inspect, other);
}

std::string read_family_reference(Inspector& inspect, const At& family) {
  if (!inspect.is(family, Kind::object)) return {};
  check_sha256(inspect, inspect.need(family, "sha256"));
  return inspect.text(inspect.need(family, "family_name"));
}

void check_provenance(Inspector& inspect, const At& root) {
  const At profile = inspect.need(root, "numeric_profile");
  for (const char* key : {"isa", "compute", "onednn"}) inspect.text(inspect.need(profile, key));
  inspect.is(inspect.need(root, "settings"), Kind::object);
  check_sources(inspect, root);
  check_program(inspect, root);
  if (const At family = root / "family") read_family_reference(inspect, family);
}

void check_gate_profile(Inspector& inspect, const At& gate, Header& header) {
  for (const char* key :
       {"profile", "version", "logit_bias", "score", "score_space", "selection_bias", "group_score",
        "group_mask", "weights", "normalise", "epsilon", "scaling", "shared_experts", "nan_rule"}) {
    inspect.need(gate, key);
  }
  const At groups = inspect.need(gate, "groups");
  const auto count = inspect.integer(groups, 1, header.experts);
  if (count) header.groups = static_cast<uint32_t>(*count);
  if (count && header.experts % header.groups != 0) {
    inspect.invalid(Check::gate_semantics, groups.path, "does not divide the number of experts");
  }
  const auto kept = inspect.integer(inspect.need(gate, "groups_kept"), 1, header.groups);
  if (kept) header.groups_kept = static_cast<uint32_t>(*kept);
  const At ties = inspect.need(gate, "tie_rule");
  if (ties && inspect.text(ties) != "lower index") {
    inspect.invalid(Check::gate_semantics, ties.path, "expected \"lower index\"");
  }
  const At eligible = inspect.need(gate, "shared_experts_eligible");
  if (inspect.boolean(eligible).value_or(false)) {
    inspect.invalid(Check::gate_semantics, eligible.path, "shared experts are not routed");
  }
}

}  // namespace rg::verify
