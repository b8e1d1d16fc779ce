#include "experiments/theorem_slack_json.h"

#include <array>
#include <cmath>
#include <optional>

namespace rg::experiments {
namespace {

using slack::Found;
using slack::TheoremCheck;

constexpr const char* kNoShare =
    "an exact comparison, or sides of different signs: no share of a slack";
constexpr const char* kNotFinite = "not finite";
constexpr const char* kNoCase = "no case";
constexpr const char* kNoCaseWithShare = "no case that holds has a share";

Json tightest_json(const Found& found, Nulls& nulls, const std::string& path) {
  if (!found.tightest) return nulls.null(path, kNoCase);
  const Found::Tightest& at = *found.tightest;
  return {{"value", nulls.number(at.at.value, path, kNotFinite)},
          {"bound", nulls.number(at.at.bound, path, kNotFinite)},
          {"allowance", at.at.allowance},
          {"used", at.used ? Json(*at.used) : nulls.null(path, kNoShare)},
          {"holds", found.violated == 0},
          {"place", at.place}};
}

Json found_json(const Found& found, Nulls& nulls, const std::string& path) {
  return {
      {"cases", found.cases},
      {"skipped", found.skipped},
      {"violated", found.violated},
      {"without_share", found.without_share},
      {"histogram", found.histogram},
      {"quantiles", found.quantiles ? Json(*found.quantiles) : nulls.null(path, kNoCaseWithShare)},
      {"tightest", tightest_json(found, nulls, path)}};
}

// Sums over quantities, and over layers.
struct Sums {
  uint64_t cases = 0, skipped = 0, violated = 0, without_share = 0;
  std::array<uint64_t, slack::kBins> histogram = {};

  void add(const Found& found) {
    cases += found.cases;
    skipped += found.skipped;
    violated += found.violated;
    without_share += found.without_share;
    for (size_t i = 0; i < histogram.size(); ++i) histogram[i] += found.histogram[i];
  }
};

Sums sums_of(const slack::TheoremFound& theorem) {
  Sums out;
  for (const Found& found : theorem.found) out.add(found);
  return out;
}

struct OfTheorem {
  Sums sums;
  uint64_t layers = 0;
  std::optional<double> largest;
  Json where;  // {layer, name} of the largest
};

OfTheorem theorem_over_layers(const TheoremCheck& check, size_t index,
                              std::span<const SlackLayer> layers) {
  OfTheorem out;
  for (const SlackLayer& layer : layers) {
    const slack::TheoremFound& theorem = layer.found[index];
    if (!theorem.why_not.empty()) continue;
    ++out.layers;
    for (size_t q = 0; q < theorem.found.size(); ++q) {
      const Found& found = theorem.found[q];
      out.sums.add(found);
      if (!found.quantiles || (out.largest && found.quantiles->back() <= *out.largest)) continue;
      out.largest = found.quantiles->back();
      out.where = {{"layer", layer.layer}, {"name", check.quantities[q].name}};
    }
  }
  return out;
}

Json theorem_json(const OfTheorem& of, Nulls& nulls, const std::string& path) {
  return {{"layers", of.layers},
          {"cases", of.sums.cases},
          {"skipped", of.sums.skipped},
          {"violated", of.sums.violated},
          {"without_share", of.sums.without_share},
          {"histogram", of.sums.histogram},
          {"largest_used", of.largest ? Json(*of.largest) : nulls.null(path, kNoCaseWithShare)},
          {"tightest", of.largest ? of.where : nulls.null(path, kNoCaseWithShare)}};
}

Json layer_summary(std::span<const TheoremCheck> checks, const SlackLayer& layer) {
  Sums sums;
  uint64_t theorems = 0;
  Json broken = Json::array();
  for (size_t i = 0; i < checks.size(); ++i) {
    if (!layer.found[i].why_not.empty()) continue;
    ++theorems;
    const Sums one = sums_of(layer.found[i]);
    sums.cases += one.cases;
    sums.violated += one.violated;
    if (one.violated > 0) broken.push_back(checks[i].id);
  }
  return {{"theorems", theorems},
          {"cases", sums.cases},
          {"violated", sums.violated},
          {"broken", std::move(broken)}};
}

}  // namespace

Json slack_attention_json(const tap::KeyView& view, const slack::KeyFacts& facts) {
  return {{"mixer", view.mixer},
          {"heads", facts.heads},
          {"kv_heads", facts.kv_heads},
          {"key_width", facts.key_width},
          {"value_width", view.value_width},
          {"planes", facts.planes()},
          {"latent", view.latent_width > 0},
          {"steps", facts.before_rope ? "normed" : "scored"}};
}

Json slack_gate_json(const slack::GateFacts& facts) {
  return {{"experts", facts.experts},       {"topk", facts.top_k},
          {"plain", facts.plain},           {"full_softmax", facts.full_softmax},
          {"logit_bias", facts.logit_bias}, {"finite", facts.finite}};
}

Json slack_theorems_json(std::span<const TheoremCheck> checks) {
  Json out = Json::object();
  for (const TheoremCheck& check : checks) {
    Json& quantities = out[std::string(check.id)] = Json::array();
    for (const slack::Quantity& quantity : check.quantities) {
      quantities.push_back({{"name", quantity.name},
                            {"relation", slack::text_of(quantity.relation)},
                            {"unit", slack::name_of(quantity.unit)}});
    }
  }
  return out;
}

Json slack_no_check_json() {
  Json out = Json::object();
  for (const slack::NoCheck& one : slack::theorems_without_slack()) {
    out[std::string(one.id)] = one.reason;
  }
  return out;
}

Json slack_not_applicable_json(std::span<const TheoremCheck> checks, const SlackLayer& layer) {
  Json out = Json::object();
  for (size_t i = 0; i < checks.size(); ++i) {
    if (!layer.found[i].why_not.empty()) out[std::string(checks[i].id)] = layer.found[i].why_not;
  }
  return out;
}

Json slack_cases_json(std::span<const TheoremCheck> checks, const SlackLayer& layer, Nulls& nulls) {
  Json out = Json::object();
  for (size_t i = 0; i < checks.size(); ++i) {
    if (!layer.found[i].why_not.empty()) continue;
    const std::string id(checks[i].id), path = "cases." + layer_key(layer.layer) + "." + id;
    Json& quantities = out[id] = Json::array();
    for (const Found& found : layer.found[i].found) {
      quantities.push_back(found_json(found, nulls, path));
    }
  }
  return out;
}

Json slack_summary_json(std::span<const TheoremCheck> checks, std::span<const SlackLayer> layers,
                        Nulls& nulls) {
  Json per_theorem = Json::object(), per_layer = Json::object(), broken = Json::array();
  uint64_t theorems = 0, cases = 0, violated = 0;
  for (size_t i = 0; i < checks.size(); ++i) {
    const std::string id(checks[i].id);
    const OfTheorem of = theorem_over_layers(checks[i], i, layers);
    per_theorem[id] = theorem_json(of, nulls, "summary.per_theorem." + id);
    theorems += of.sums.cases > 0 ? 1 : 0;
    cases += of.sums.cases;
    violated += of.sums.violated;
    if (of.sums.violated > 0) broken.push_back(id);
  }
  for (const SlackLayer& layer : layers) {
    per_layer[layer_key(layer.layer)] = layer_summary(checks, layer);
  }
  const char* const outcome = violated > 0 ? "BROKEN" : cases == 0 ? "DEGENERATE" : "HOLDS";
  return {{"per_theorem", std::move(per_theorem)},
          {"per_layer", std::move(per_layer)},
          {"verdict",
           {{"outcome", outcome},
            {"theorems", theorems},
            {"cases", cases},
            {"violated", violated},
            {"broken", std::move(broken)}}}};
}

}  // namespace rg::experiments
