#include "experiments/family/terminal_compatibility.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "experiments/common.h"
#include "experiments/family/bundled.h"

namespace rg::experiments {
namespace {

void require_terminal_layer(const Json& chart, int terminal) {
  const auto required = chart.at("verification").at("required_layers").get<std::vector<int>>();
  if (std::count(required.begin(), required.end(), terminal) > 0) return;
  throw Error(
      ErrorId::RT011,
      {.object = "terminal_compatibility",
       .found = fmt::format("chart_compatibility judged at layers {}", fmt::join(required, ", ")),
       .expected = fmt::format("the terminal MoE layer l*={} among them", terminal),
       .hint = "Add it to the parameter required_layers of chart_compatibility, or leave "
               "the parameter out."});
}

// {layers, failure_type{L}}
Json layer_set(const Json& chart, const std::vector<int>& layers) {
  const Json& per_layer = chart.at("summary").at("per_layer");
  return {{"layers", layers}, {"failure_type", by_layer(layers, [&](size_t slot) {
                                 return per_layer.at(layer_key(layers[slot])).at("failure_type");
                               })}};
}

Json layer_sets(const Json& chart, int terminal) {
  const auto all = chart.at("layers").get<std::vector<int>>();
  const auto at = std::find(all.begin(), all.end(), terminal);
  const auto before = at == all.begin() ? at : at - 1;
  return {{"terminal", layer_set(chart, {terminal})},
          {"transition", layer_set(chart, {before, at + 1})},
          {"full", layer_set(chart, all)}};
}

Json compatibility_json(const std::string& chart, const std::string& scan, Nulls& nulls) {
  const auto judged = [](const std::string& verdict) {
    return verdict == kPassVerdict || verdict == kFailVerdict;
  };
  if (!judged(chart) || !judged(scan)) {
    return nulls.null("summary.compatibility",
                      "one of the two artifacts has too few windows or can't tell");
  }
  if (scan == kFailVerdict) return "not applicable";
  return chart == kPassVerdict ? "safe" : "unsafe";
}

// Of C1 and C2 at every required layer the change that is nearest to none, or beyond it.
Json weakest_criterion(const Json& chart, Nulls& nulls) {
  Json weakest;
  for (const Json& required : chart.at("verification").at("required_layers")) {
    const int layer = required.get<int>();
    const Json& of_layer = chart.at("summary").at("per_layer").at(layer_key(layer));
    for (const auto& [name, member] :
         {std::pair{"c1", "kappa_hidden"}, std::pair{"c2", "random_e2_delta_hidden_boundary"}}) {
      const Json& block = of_layer.at(member);
      if (!weakest.is_null() && !is_weaker(block.at("delta"), weakest.at("delta"))) continue;
      weakest = {{"part", "chart"},
                 {"name", name},
                 {"layer", layer},
                 {"delta", block.at("delta")},
                 {"ci95", block.at("ci95")}};
    }
  }
  for (const char* const key : {"delta", "ci95"})
    weakest[key] = bundled_effect(weakest[key], nulls);
  return weakest;
}

Json terminal_effect(const Json& scan, Nulls& nulls) {
  const Json& jump = scan.at("summary").at("terminal_jump");
  return {{"part", "scan"},
          {"name", "terminal_jump"},
          {"layer", scan.at("model").at("terminal_moe_layer")},
          {"delta", bundled_effect(jump.at("delta_mean"), nulls)},
          {"ci95", bundled_effect(jump.at("ci95"), nulls)}};
}

}  // namespace

record::Contribution bundle_compatibility(const Json& chart, const Json& scan) {
  for (const char* const member : {"model", "domain", "data", "tensors"}) {
    check_internal(chart.at(member) == scan.at(member), "one checkpoint and the same windows");
  }
  const int terminal = scan.at("model").at("terminal_moe_layer").get<int>();
  require_terminal_layer(chart, terminal);
  const std::string chart_verdict = bundled_verdict(chart), scan_verdict = bundled_verdict(scan);
  Nulls nulls;
  Json compatibility = compatibility_json(chart_verdict, scan_verdict, nulls);
  // Where the scan fails nothing is asked of the chart.
  std::vector<const Json*> deciding = {&scan};
  if (compatibility != "not applicable") deciding.insert(deciding.begin(), &chart);
  const bool by_scan = deciding[least_certain(deciding)] == &scan;
  record::Contribution part{.fields = {{"chart", chart},
                                       {"scan", scan},
                                       {"summary",
                                        {{"chart_verdict", chart_verdict},
                                         {"scan_verdict", scan_verdict},
                                         {"compatibility", std::move(compatibility)},
                                         {"effect", by_scan ? terminal_effect(scan, nulls)
                                                            : weakest_criterion(chart, nulls)},
                                         {"convergence", bundled_convergence(deciding, nulls)},
                                         {"layer_sets", layer_sets(chart, terminal)}}}},
                            .notes = {}};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
