#include "verify/theorem_slack_rules.h"

#include <array>

namespace rg::verify::slack {
namespace {

constexpr Relation kAtMost = Relation::at_most, kEqual = Relation::equal;

constexpr Allowance exactly(double value) { return {Allowance::Kind::exactly, value}; }
constexpr Allowance at_least(double value) { return {Allowance::Kind::at_least, value}; }
constexpr Allowance with_bound(double factor) {
  return {Allowance::Kind::times_bound_and_one, factor};
}
constexpr Allowance kFine = exactly(1e-12);
constexpr Allowance kNoRounding = exactly(0);
constexpr Allowance kOfSpectra = exactly(1e-10);  // singular values
constexpr Allowance kOfOutputs = at_least(1e-12);

// A number of a key, its cosine and what follows from it.
constexpr Quantity key(std::string_view id, std::string_view name, Relation relation, Side value,
                       Side bound, Allowance allowance = kFine, Skips skips = Skips::zero_keys) {
  return {id, name, relation, Unit::key, value, bound, allowance, skips};
}
constexpr Quantity block_of_key(std::string_view name, Relation relation, Side value, Side bound) {
  return key("IF-6", name, relation, value, bound, kFine, Skips::zero_blocks);
}
constexpr Quantity inner_key(std::string_view id, std::string_view name, Relation relation,
                             Side value, Side bound) {
  return key(id, name, relation, value, bound, kFine, Skips::flat_keys);
}
constexpr Quantity of(Unit unit, std::string_view id, std::string_view name, Relation relation,
                      Side value, Side bound, Allowance allowance = kFine,
                      Skips skips = Skips::none) {
  return {id, name, relation, unit, value, bound, allowance, skips};
}

constexpr std::array kQuantities = {
    of(Unit::block, "GI-1", "scores", kEqual, Side::not_negative, Side::zero, at_least(0)),
    of(Unit::query_head, "GI-3", "output", kEqual, Side::not_negative, Side::zero, at_least(1e-12),
       Skips::stated),
    key("GI-4", "cosine", kEqual, Side::cosine, Side::cosine),
    of(Unit::context, "GI-6", "code_error", kEqual, Side::not_negative, Side::zero, kFine,
       Skips::zero_contexts),
    key("JF-1", "cosine", kEqual, Side::cosine, Side::cosine),
    key("JF-2", "least", kAtMost, Side::inverse_root_width, Side::cosine),
    key("JF-2", "most", kAtMost, Side::cosine, Side::one),
    key("JF-3", "error", kEqual, Side::code_error, Side::code_error),
    key("JF-4", "pattern", kAtMost, Side::code_error, Side::share),
    key("JF-5", "least_error", kEqual, Side::code_error, Side::code_error, with_bound(1e-12)),
    key("JF-5", "norm_kept", kEqual, Side::kept_error, Side::kept_error, with_bound(1e-12)),
    key("JF-5", "unbiased", kEqual, Side::unbiased_error, Side::unbiased_error, with_bound(1e-12)),
    key("JF-5", "least_to_kept", kAtMost, Side::code_error, Side::kept_error),
    key("JF-5", "kept_to_unbiased", kAtMost, Side::kept_error, Side::unbiased_error,
        with_bound(1e-12)),
    key("JF-6", "variance", kEqual, Side::code_error, Side::code_error),
    of(Unit::head, "JF-7", "pooled_to_key", kAtMost, Side::pooled, Side::squared_cosine, kFine,
       Skips::zero_heads),
    of(Unit::head, "JF-7", "pooled_to_channel", kAtMost, Side::pooled, Side::share, kFine,
       Skips::zero_heads),
    of(Unit::head, "JF-7", "cosine_to_square", kAtMost, Side::share, Side::share, kFine,
       Skips::zero_heads),
    of(Unit::head, "MR-1", "ratio", kAtMost, Side::pooled, Side::one, kFine, Skips::zero_heads),
    of(Unit::head, "MR-1", "variance", kEqual, Side::pooled_error, Side::pooled_error, kFine,
       Skips::zero_heads),
    block_of_key("second_moment", kEqual, Side::not_negative, Side::zero),
    block_of_key("mean_cosine", kAtMost, Side::inverse_root_two, Side::share),
    block_of_key("third_moment", kAtMost, Side::share, Side::of_eight),
    block_of_key("largest", kAtMost, Side::of_eight, Side::of_eight),
    of(Unit::query, "DC-1", "attention", kEqual, Side::not_negative, Side::zero, at_least(1e-13)),
    of(Unit::query_head, "DC-2", "scores", kEqual, Side::not_negative, Side::zero, kFine,
       Skips::stated),
    of(Unit::head, "DC-5", "raw_error", kEqual, Side::code_error, Side::code_error, kFine,
       Skips::stated),
    of(Unit::head, "DC-5", "centred_error", kEqual, Side::share, Side::share, kFine, Skips::stated),
    of(Unit::head, "DC-5", "raw_error_pooled", kEqual, Side::pooled_error, Side::pooled_error,
       kFine, Skips::stated),
    of(Unit::head, "DC-5", "centred_error_pooled", kEqual, Side::share, Side::share, kFine,
       Skips::stated),
    key("DC-6", "alignment", kAtMost, Side::signed_share, Side::share, kFine,
        Skips::zero_or_centred),
    inner_key("LH-1", "cosine", kEqual, Side::share, Side::share),
    inner_key("LH-3", "gradient", kEqual, Side::code_error, Side::code_error),
    inner_key("LH-3", "loss", kAtMost, Side::cosine_gap, Side::code_error),
    inner_key("LH-6", "step", kAtMost, Side::share, Side::three_quarters),
    of(Unit::head, "RR-1", "rank_1", kEqual, Side::share, Side::share, kOfSpectra,
       Skips::zero_heads),
    of(Unit::head, "RR-1", "rank_4", kEqual, Side::share, Side::share, kOfSpectra,
       Skips::zero_heads),
    of(Unit::head, "RR-2", "code_then_rank", kEqual, Side::not_negative, Side::not_negative,
       kOfSpectra, Skips::zero_heads),
    of(Unit::head, "RR-3", "rank_then_code", kEqual, Side::not_negative, Side::not_negative,
       kOfSpectra, Skips::zero_heads),
    of(Unit::head, "RR-4", "share", kEqual, Side::share, Side::share, kOfSpectra,
       Skips::zero_heads),
    of(Unit::query, "AD-1", "two_norm", kAtMost, Side::not_negative, Side::not_negative),
    of(Unit::query, "AD-1", "sup_to_one", kAtMost, Side::up_to_two, Side::not_negative),
    of(Unit::query, "AD-1", "one_to_sup", kAtMost, Side::share, Side::not_negative),
    of(Unit::query, "AD-2", "variation", kAtMost, Side::share, Side::share),
    of(Unit::query, "AD-3", "output", kAtMost, Side::not_negative, Side::not_negative, kOfOutputs),
    of(Unit::query, "AD-3", "variation_to_tanh", kAtMost, Side::not_negative, Side::not_negative,
       kOfOutputs),
    of(Unit::query, "AD-3", "tanh_to_linear", kAtMost, Side::not_negative, Side::not_negative,
       kOfOutputs),
    of(Unit::query, "AD-3", "linear_to_euclidean", kAtMost, Side::not_negative, Side::not_negative,
       kOfOutputs),
    of(Unit::query, "AD-3", "linear_to_entrywise", kAtMost, Side::not_negative, Side::not_negative,
       kOfOutputs),
    key("AD-4", "code_error", kEqual, Side::code_error, Side::code_error),
    of(Unit::query, "AD-4", "spread", kAtMost, Side::not_negative, Side::not_negative,
       with_bound(1e-12), Skips::stated),
    of(Unit::query_head, "AD-5", "covariance", kEqual, Side::not_negative, Side::zero,
       exactly(1e-8), Skips::stated),
    of(Unit::query_head, "AD-5", "deviation", kAtMost, Side::not_negative, Side::not_negative,
       at_least(1e-9), Skips::stated),
    of(Unit::query, "AD-6", "multiplicative", kAtMost, Side::not_negative, Side::not_negative,
       kOfOutputs, Skips::stated),
    of(Unit::plane, "RC-1", "second", kEqual, Side::not_negative, Side::up_to_two, kFine,
       Skips::no_turn),
    of(Unit::plane, "RC-1", "third", kEqual, Side::not_negative, Side::zero, kFine, Skips::no_turn),
    of(Unit::plane_pair, "RC-2", "smallest", kEqual, Side::not_negative, Side::not_negative, kFine,
       Skips::stated),
    of(Unit::query_head, "RC-4", "fold", kEqual, Side::not_negative, Side::zero, exactly(1e-11),
       Skips::stated),
    of(Unit::context, "RC-7", "cosine", kAtMost, Side::share, Side::turn_ceiling, kFine,
       Skips::stated),
    of(Unit::context, "RC-7", "pooled", kAtMost, Side::share, Side::turn_ceiling_squared, kFine,
       Skips::stated),
    of(Unit::query_head, "RC-8", "scores", kEqual, Side::not_negative, Side::zero, exactly(1e-11),
       Skips::stated),
    of(Unit::head, "KR-1", "function", kEqual, Side::flag, Side::flag, kNoRounding),
    of(Unit::head, "KR-9", "residue", kEqual, Side::share, Side::share,
       {Allowance::Kind::between, 1e-10, 1e-4}, Skips::stated),
    of(Unit::layer, "RG-2", "balance", kAtMost, Side::even_load, Side::share),
    of(Unit::layer, "RG-2", "overlap", kEqual, Side::share, Side::share),
    of(Unit::token, "RG-5", "margin", kAtMost, Side::not_negative, Side::not_negative, kNoRounding,
       Skips::same_set),
    of(Unit::token, "RG-6", "token", kAtMost, Side::not_negative, Side::not_negative,
       with_bound(1e-12), Skips::stated),
    of(Unit::token, "RG-6", "direction", kAtMost, Side::not_negative, Side::not_negative,
       with_bound(1e-12), Skips::stated),
    of(Unit::token, "RG-7", "kept", kAtMost, Side::experts, Side::experts, kNoRounding),
    of(Unit::token, "RG-9", "swap", kAtMost, Side::not_negative, Side::not_negative,
       {Allowance::Kind::times_bound, 1e-12}, Skips::stated),
    of(Unit::token, "RG-10", "index", kAtMost, Side::share, Side::one, kFine, Skips::stated),
    of(Unit::token, "RG-11", "shares", kEqual, Side::any, Side::one, at_least(1e-12),
       Skips::stated),
    of(Unit::head, "GS-1", "gain", kAtMost, Side::not_negative, Side::not_negative,
       {Allowance::Kind::within_value, 1e-12}, Skips::zero_heads),
    of(Unit::head, "GS-2", "mean_cosine", kEqual, Side::share, Side::share, kFine,
       Skips::zero_heads),
    of(Unit::head, "GS-2", "pooled", kEqual, Side::share, Side::share, kFine, Skips::zero_heads),
    of(Unit::head, "GS-5", "single_key", kEqual, Side::share, Side::one, kFine, Skips::zero_heads),
    of(Unit::head_plane, "GS-6", "maximum", kAtMost, Side::not_negative, Side::not_negative, kFine,
       Skips::stated)};

constexpr std::string_view kUnchecked[] = {
    "GI-2",  "GI-5", "MR-2", "MR-3", "MR-4", "MR-5",  "MR-6", "IF-1", "IF-2", "IF-3", "IF-4",
    "IF-5",  "IF-7", "DC-3", "DC-4", "LH-2", "LH-4",  "LH-5", "RR-5", "RC-3", "RC-5", "RC-6",
    "MH-1",  "MH-2", "MH-3", "MH-4", "KR-2", "KR-3",  "KR-4", "KR-5", "KR-6", "KR-7", "KR-8",
    "KR-10", "RG-1", "RG-3", "RG-4", "RG-8", "RG-12", "GS-3", "GS-4"};

std::vector<Theorem> group_by_theorem() {
  std::vector<Theorem> theorems;
  for (size_t first = 0; first < kQuantities.size();) {
    size_t last = first;
    while (last < kQuantities.size() && kQuantities[last].id == kQuantities[first].id) ++last;
    theorems.push_back({kQuantities[first].id, {&kQuantities[first], last - first}});
    first = last;
  }
  return theorems;
}

}  // namespace

std::string_view relation_text(Relation relation) { return relation == kEqual ? "=" : "<="; }

std::string_view unit_text(Unit unit) {
  switch (unit) {
    case Unit::key:
      return "key";
    case Unit::head:
      return "head";
    case Unit::context:
      return "context";
    case Unit::block:
      return "block";
    case Unit::query:
      return "query";
    case Unit::query_head:
      return "query_head";
    case Unit::plane:
      return "plane";
    case Unit::plane_pair:
      return "plane_pair";
    case Unit::head_plane:
      return "head_plane";
    case Unit::token:
      return "token";
    case Unit::layer:
      return "layer";
  }
  return "?";
}

const std::vector<Theorem>& checked_theorems() {
  static const std::vector<Theorem> kTheorems = group_by_theorem();
  return kTheorems;
}

std::span<const std::string_view> unchecked_theorems() { return kUnchecked; }

}  // namespace rg::verify::slack
