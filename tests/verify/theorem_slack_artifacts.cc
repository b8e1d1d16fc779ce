#include "verify/theorem_slack_artifacts.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/random.h"
#include "verify/theorem_slack_rules.h"

namespace rg::verify::testing {
namespace {

using slack::Quantity;
using slack::Relation;
using slack::Side;
using slack::Skips;
using slack::Unit;

constexpr int kRows = kSlackContexts * kSlackPositions;
constexpr int kQueryPositions[kSlackQueries] = {2, 4, 5};

// A case that isn't finite has no value.
struct SlackCase {
  std::optional<double> value;
  double bound, allowance;
  std::vector<int> place;
};

bool follows_from_key(Side side) { return side >= Side::cosine; }

bool is_fixed(Side side) { return side >= Side::zero && side <= Side::turn_ceiling_squared; }

double fixed(Side side) {
  const double ceiling = 0.9061274463528878;
  switch (side) {
    case Side::one:
      return 1;
    case Side::inverse_root_width:
      return 1 / std::sqrt(double{kSlackWidth});
    case Side::inverse_root_two:
      return 1 / std::sqrt(2.0);
    case Side::even_load:
      return double{kTopk} / kExperts;
    case Side::turn_ceiling:
      return ceiling;
    case Side::turn_ceiling_squared:
      return ceiling * ceiling;
    default:
      return 0;
  }
}

std::vector<std::vector<int>> places_of(Unit unit) {
  std::vector<std::vector<int>> all;
  const auto grid = [&](int a, int b) {
    for (int i = 0; i < a; ++i) {
      for (int j = 0; j < b; ++j) all.push_back({i, j});
    }
  };
  const auto line = [&](int n) {
    for (int i = 0; i < n; ++i) all.push_back({i});
  };
  switch (unit) {
    case Unit::key:
      grid(kSlackKvHeads, kRows);
      break;
    case Unit::head:
      line(kSlackKvHeads);
      break;
    case Unit::context:
      grid(kSlackKvHeads, kSlackContexts);
      break;
    case Unit::block:
      grid(kSlackHeads, kSlackContexts);
      break;
    case Unit::query:
      for (int h = 0; h < kSlackHeads; ++h) {
        for (int i = 0; i < kSlackContexts; ++i) {
          for (int q = 0; q < kSlackQueries; ++q) all.push_back({h, i, q});
        }
      }
      break;
    case Unit::query_head:
      line(kSlackHeads);
      break;
    case Unit::plane:
      line(kSlackPlanes);
      break;
    case Unit::plane_pair:
      line(kSlackPlanes - 1);
      break;
    case Unit::head_plane:
      grid(kSlackKvHeads, kSlackWidth / 2);
      break;
    case Unit::token:
      for (int i = 0; i < kSlackContexts; ++i) {
        for (const int position : kQueryPositions) all.push_back({i * kSlackPositions + position});
      }
      break;
    case Unit::layer:
      all.emplace_back();
      break;
  }
  return all;
}

bool holds_of(Relation relation, const SlackCase& of) {
  if (!of.value) return false;
  return relation == Relation::at_most ? *of.value <= of.bound + of.allowance
                                       : std::abs(*of.value - of.bound) <= of.allowance;
}

std::optional<double> used_of(Relation relation, const SlackCase& of) {
  if (!of.value) return std::nullopt;
  if (relation == Relation::equal) {
    if (of.allowance == 0) return std::nullopt;
    return std::abs(*of.value - of.bound) / of.allowance;
  }
  if (*of.value < 0 || of.bound + of.allowance <= 0) return std::nullopt;
  return *of.value / (of.bound + of.allowance);
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

// Counts the cases of one quantity.
Json counted_cases(Relation relation, const std::vector<SlackCase>& cases, int skipped) {
  int violated = 0, without_share = 0;
  std::vector<int> histogram(20, 0);
  std::vector<double> shares;
  const SlackCase* tightest = nullptr;
  double tightest_rank = 0;
  for (const SlackCase& of : cases) {
    const bool holds = holds_of(relation, of);
    const std::optional<double> used = used_of(relation, of);
    // Violated ones come first; without a share they are the largest of those.
    const double rank = holds ? used.value_or(-1) : used.value_or(1e300);
    if (tightest == nullptr || rank > tightest_rank) {
      tightest = &of;
      tightest_rank = rank;
    }
    if (!holds) {
      ++violated;
    } else if (!used) {
      ++without_share;
    } else {
      shares.push_back(*used);
      ++histogram[std::min<size_t>(19, static_cast<size_t>(20 * *used))];
    }
  }
  std::sort(shares.begin(), shares.end());
  Json quantiles = nullptr;
  for (int q = 0; q <= 10 && !shares.empty(); ++q) {
    const double rank = std::ceil(q * static_cast<double>(shares.size()) / 10);
    quantiles.push_back(shares[static_cast<size_t>(std::max(1.0, rank)) - 1]);
  }
  Json named = nullptr;
  if (tightest != nullptr) {
    named = {{"value", or_null(tightest->value)},
             {"bound", tightest->bound},
             {"allowance", tightest->allowance},
             {"used", or_null(used_of(relation, *tightest))},
             {"holds", violated == 0},
             {"place", tightest->place}};
  }
  return {{"cases", cases.size()},  {"skipped", skipped},
          {"violated", violated},   {"without_share", without_share},
          {"histogram", histogram}, {"quantiles", quantiles},
          {"tightest", named}};
}

// Draws the numbers of one layer.
class MadeSlack {
 public:
  MadeSlack(Draws& draws, bool zero_keys) : draws_(draws), zero_keys_(zero_keys) {
    for (int i = 0; i < kSlackKvHeads * kRows; ++i) cosines_.push_back(0.5 + 0.4 * uniform());
    for (int h = 0; h < kSlackKvHeads; ++h) pooled_.push_back(0.1 + 0.1 * uniform());
    even_ = 0.25 + 0.5 * uniform();
  }

  Json make(const Quantity& quantity, std::optional<int> broken, bool finite) {
    std::vector<SlackCase> cases;
    const std::vector<std::vector<int>> places = places_of(quantity.unit);
    const Skips skips = quantity.name == "token" ? Skips::same_set : quantity.skips;  // of RG-6
    for (size_t i = 0; i < places.size(); ++i) {
      if (is_skipped(skips, i)) continue;
      cases.push_back(make_case(quantity, i));
      cases.back().place = places[i];
      if (broken != static_cast<int>(i)) continue;
      cases.back().value = 2 * cases.back().bound;
      if (!finite) cases.back().value.reset();
    }
    return counted_cases(quantity.relation, cases, static_cast<int>(places.size() - cases.size()));
  }

 private:
  double uniform() { return draws_.below(1'000'000) / 1e6; }

  bool is_skipped(Skips skips, size_t i) const {
    switch (skips) {
      case Skips::none:
      case Skips::zero_heads:
      case Skips::zero_contexts:
      case Skips::no_turn:
      case Skips::stated:
        return false;
      case Skips::same_set:
        return i % 2 == 0;
      case Skips::zero_keys:
      case Skips::zero_or_centred:
        return zero_keys_ && i < 2;
      case Skips::zero_blocks:
        return zero_keys_ && i < 3;
      case Skips::flat_keys:
        return i == 4 || (zero_keys_ && i < 2);
    }
    return false;
  }

  double of_key(Side side, size_t i) const {
    const double c = cosines_[i % cosines_.size()];
    switch (side) {
      case Side::cosine:
        return c;
      case Side::squared_cosine:
        return c * c;
      case Side::code_error:
        return 1 - c * c;
      case Side::kept_error:
        return 2 * (1 - c);
      case Side::unbiased_error:
        return 1 / (c * c) - 1;
      case Side::cosine_gap:
        return 1 - c;
      case Side::three_quarters:
        return 0.75 * (1 - c);
      case Side::pooled:
        return pooled_[i % pooled_.size()];
      default:
        return 1 - pooled_[i % pooled_.size()];
    }
  }

  double drawn(Side side) {
    switch (side) {
      case Side::flag:
        return 1;
      case Side::experts:
        return draws_.below(kTopk + 1);
      case Side::of_eight:
        return 0.6 + 0.4 * uniform();
      case Side::up_to_two:
        return 2 * uniform();
      case Side::not_negative:
        return 0.5 + 20 * uniform();
      default:
        return 0.3 + 0.7 * uniform();
    }
  }

  static double allowance_of(const slack::Allowance& rule, double value, double bound) {
    switch (rule.kind) {
      case slack::Allowance::Kind::exactly:
        return rule.factor;
      case slack::Allowance::Kind::times_bound:
        return rule.factor * bound;
      case slack::Allowance::Kind::within_value:
        return rule.factor * value * 0.75;
      case slack::Allowance::Kind::times_bound_and_one:
        return rule.factor * (1 + bound);
      case slack::Allowance::Kind::at_least:
        return rule.factor + 1e-13;
      case slack::Allowance::Kind::between:
        return 1e-8;
    }
    return 0;
  }

  bool is_known(Side side) const { return follows_from_key(side) || is_fixed(side); }
  double known(Side side, size_t i) const { return is_fixed(side) ? fixed(side) : of_key(side, i); }

  SlackCase make_case(const Quantity& quantity, size_t candidate) {
    // A head has the numbers of some key that is never zero.
    const size_t i = quantity.unit == Unit::key ? candidate : candidate + 5;
    SlackCase of;
    const bool balance = quantity.id == "RG-2";
    double bound = balance                    ? even_
                   : is_known(quantity.bound) ? known(quantity.bound, i)
                                              : drawn(quantity.bound);
    if (quantity.relation == Relation::equal) {
      of.allowance = allowance_of(quantity.allowance, bound, bound);
      of.value = bound + of.allowance * 0.95 * uniform();
    } else if (is_known(quantity.value)) {
      of.value = known(quantity.value, i);
      if (!balance && !is_known(quantity.bound)) bound = *of.value + (1 - *of.value) * uniform();
    } else if (quantity.value == Side::experts) {
      of.value = draws_.below(static_cast<uint32_t>(bound) + 1);
    } else {
      const double least = quantity.value == Side::of_eight       ? 0.36
                           : quantity.value == Side::signed_share ? -1
                                                                  : 0;
      const double most = quantity.value == Side::share       ? 1
                          : quantity.value == Side::up_to_two ? 2
                                                              : bound;
      of.value = least + (std::min(bound, most) - least) * uniform();
    }
    of.bound = bound;
    of.allowance = allowance_of(quantity.allowance, *of.value, bound);
    return of;
  }

  Draws& draws_;
  bool zero_keys_;
  std::vector<double> cosines_, pooled_;
  double even_ = 0;
};

bool applies_to(std::string_view id, int layer, bool empty) {
  if (id.starts_with("RG")) return !empty;
  if (empty || layer == 1) return false;
  return layer == 5 || (id != "DC-2" && id != "RC-4" && id != "RC-8");
}

Json attention_of(int layer) {
  return {{"mixer", "attention"},
          {"heads", kSlackHeads},
          {"kv_heads", kSlackKvHeads},
          {"key_width", kSlackWidth},
          {"value_width", kSlackWidth},
          {"planes", kSlackPlanes},
          {"latent", false},
          {"steps", layer == 3 ? "scored" : "normed"}};
}

void add_layer(Json& a, int layer, const SlackVariant& variant, Draws& draws) {
  const std::string key = std::to_string(layer);
  if (variant.empty || layer == 1) {
    a["without_keys"][key] = "Mamba-2";
  } else {
    a["attention"][key] = attention_of(layer);
  }
  a["gates"][key] = {{"experts", kExperts},  {"topk", kTopk},       {"plain", true},
                     {"full_softmax", true}, {"logit_bias", false}, {"finite", !variant.empty}};
  a["not_applicable"][key] = a["cases"][key] = Json::object();
  MadeSlack made(draws, variant.zero_keys);
  for (const slack::Theorem& theorem : slack::checked_theorems()) {
    const std::string id(theorem.id);
    if (!applies_to(id, layer, variant.empty)) {
      a["not_applicable"][key][id] = "its hypotheses don't hold";
      continue;
    }
    const bool swap = variant.broken && layer == 5 && id == "RG-9";
    const bool output = variant.broken && layer == 3 && id == "AD-3";
    Json list = Json::array();
    for (size_t i = 0; i < theorem.quantities.size(); ++i) {
      const bool breaks = swap || (output && i == 0);
      list.push_back(
          made.make(theorem.quantities[i], breaks ? std::optional(2) : std::nullopt, swap));
    }
    a["cases"][key][id] = list;
    const bool undefined = std::any_of(list.begin(), list.end(), [](const Json& of) {
      return of["quantiles"].is_null() || of["tightest"]["used"].is_null();
    });
    if (undefined) a["null_reasons"]["cases." + key + '.' + id] = "no case has a share";
  }
}

}  // namespace

Json theorem_slack_of(const Shape& shape, const SlackVariant& variant) {
  Json a = common("theorem_slack", shape);
  Draws draws(34);
  std::vector<uint32_t> windows =
      draw_subset(shape.windows, kSlackContexts, 7, Purpose::key_positions, shape.windows, 0);
  std::sort(windows.begin(), windows.end());
  a["sample"] = {{"contexts", kSlackContexts},
                 {"context_positions", kSlackPositions},
                 {"context_queries", kSlackQueries},
                 {"windows", windows},
                 {"positions", kSlackPositions},
                 {"query_positions", kQueryPositions},
                 {"rows", kRows}};
  for (const char* name : {"theorems", "no_check", "without_keys", "attention", "gates",
                           "not_applicable", "cases", "null_reasons"}) {
    a[name] = Json::object();
  }
  for (const slack::Theorem& theorem : slack::checked_theorems()) {
    Json list = Json::array();
    for (const Quantity& quantity : theorem.quantities) {
      list.push_back({{"name", quantity.name},
                      {"relation", relation_text(quantity.relation)},
                      {"unit", unit_text(quantity.unit)}});
    }
    a["theorems"][std::string(theorem.id)] = list;
  }
  for (const std::string_view id : slack::unchecked_theorems()) {
    a["no_check"][std::string(id)] = "its statement is about laws";
  }
  for (const int layer : kLayers) add_layer(a, layer, variant, draws);
  Json rows = std::vector<int>(shape.windows, 0);
  for (const uint32_t window : windows) rows[window] = kSlackPositions;
  a["per_window"] = {{"rows", rows}};
  add_tail(a, shape);
  complete(a);
  return a;
}

Json make_of_theorem_slack(const std::string& test, const Shape& shape) {
  SlackVariant variant;
  variant.broken = test == "theorem_slack_broken";
  variant.empty = test == "theorem_slack_empty";
  variant.zero_keys = test == "theorem_slack_zero_keys";
  return theorem_slack_of(shape, variant);
}

}  // namespace rg::verify::testing
