// One model on the same windows: where routing drops most at the last MoE layer, are the experts
// that compete there alike enough for the drop to be harmless?
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "verify/bundle.h"

namespace rg::verify {
namespace {

constexpr std::string_view kSafe = "safe";
constexpr std::string_view kUnsafe = "unsafe";
constexpr std::string_view kNotApplicable = "not applicable";

bool same_value(const At& a, const At& b) {
  return a && b && value_digest(*a.value) == value_digest(*b.value);
}

// One checkpoint on the same windows: all of what the two say about both is equal.
void check_belong_together(const Case& c, const Part& chart, const Part& scan) {
  const std::string& domain = c.inspect.judgement().domain;
  if (chart.judgement.domain != domain || scan.judgement.domain != domain) {
    c.inspect.invalid(Check::bundle_parts, "domain",
                      fmt::format("found {}, the parts are about {} and {}", domain,
                                  chart.judgement.domain, scan.judgement.domain));
  }
  for (const char* member : {"model", "data", "tensors"}) {
    const At ours = chart.at / member;
    if (same_value(ours, scan.at / member)) continue;
    c.inspect.invalid(Check::bundle_parts, ours.path,
                      "is not that of the scan: both must be of one checkpoint and the same "
                      "windows");
  }
}

std::vector<int> list_of_layers(const At& list) {
  std::vector<int> layers;
  for (const Value& value : list.value->array()) {
    layers.push_back(static_cast<int>(value.integer()));
  }
  return layers;
}

// What the chart fails at the last MoE layer, at it and the measured one before, everywhere.
void claim_layer_sets(const Judgement& chart, int terminal, Claims& claims) {
  std::vector<LayerFinding> transition;
  for (const LayerFinding& layer : chart.layers) {
    if (layer.layer > terminal) continue;
    transition.push_back(layer);
    if (transition.size() > 2) transition.erase(transition.begin());
  }
  const auto claim = [&](const char* name, const std::vector<LayerFinding>& layers) {
    const Claims::Path at = {"summary", "layer_sets", name};
    for (size_t i = 0; i < layers.size(); ++i) {
      claims.count({at[0], at[1], at[2], "layers", std::to_string(i)}, layers[i].layer);
      claims.text({at[0], at[1], at[2], "failure_type", std::to_string(layers[i].layer)},
                  layers[i].failure_type);
    }
    claims.absent({at[0], at[1], at[2], "layers", std::to_string(layers.size())});
  };
  claim("terminal", {transition.back()});
  claim("transition", transition);
  claim("full", chart.layers);
}

// What decides: the last jump of the scan, or of C1 and C2 at every layer that the chart requires
// the change that is nearest to none, or beyond it.
void claim_effect(const Part& part, bool by_scan, std::span<const int> required, int terminal,
                  Claims& claims) {
  const At summary = part.at / "summary";
  std::string name = "terminal_jump";
  int layer = terminal;
  std::optional<StatedEffect> weakest;
  if (by_scan) weakest = stated_effect(part, summary / name, "delta_mean");
  for (const int number : by_scan ? std::span<const int>() : required) {
    const At block = (summary / "per_layer") / std::to_string(number);
    for (const auto& [criterion, member] :
         {std::pair{"c1", "kappa_hidden"}, std::pair{"c2", "random_e2_delta_hidden_boundary"}}) {
      const StatedEffect own = stated_effect(part, block / member, "delta");
      if (weakest && !is_weaker(own, *weakest)) continue;
      weakest = own;
      name = criterion;
      layer = number;
    }
  }
  const auto below = [](const char* key) { return Claims::Path{"summary", "effect", key}; };
  claims.text(below("part"), by_scan ? "scan" : "chart");
  claims.text(below("name"), name);
  claims.count(below("layer"), layer);
  claims.mean(below("delta"), weakest->delta);
  claims.interval(below("ci95"), weakest->ci95);
}

std::string explain_compatibility(std::string_view compatibility, int terminal) {
  const std::string where = fmt::format("layer {}", terminal);
  if (compatibility == kSafe) {
    return "Safe: routing loses most of its choice at the last MoE layer (" + where +
           "), and the experts that compete at a boundary are alike.";
  }
  if (compatibility == kUnsafe) {
    return "Unsafe: routing loses most of its choice at the last MoE layer (" + where +
           "), and it is not shown that the experts that compete at a boundary are alike.";
  }
  return "Not applicable: it is not shown that routing loses most of its choice at the last MoE "
         "layer (" +
         where + ").";
}

}  // namespace

void judge_terminal_compatibility(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const std::vector<Part> parts = {
      judge_part(c, c.inspect.need(c.root, "chart"), "chart_compatibility"),
      judge_part(c, c.inspect.need(c.root, "scan"), "terminal_ovk_scan")};
  if (!c.inspect.sound()) return;
  const Part& chart = parts[0];
  const Part& scan = parts[1];
  check_belong_together(c, chart, scan);
  if (!c.inspect.sound()) return;
  judgement.model = scan.judgement.model;

  const auto terminal =
      static_cast<int>(((scan.at / "model") / "terminal_moe_layer").value->integer());
  const At listed = (chart.at / "verification") / "required_layers";
  const std::vector<int> required =
      c.inspect.options().required_layers.value_or(list_of_layers(listed));
  if (std::find(required.begin(), required.end(), terminal) == required.end()) {
    c.inspect.invalid(Check::required_layers, listed.path,
                      fmt::format("lacks layer {}, the last MoE layer", terminal));
    return;
  }

  finding.verdict = conclude_bundle(c, parts, [](std::span<const Verdict> verdicts) {
    if (verdicts[1] != Verdict::pass) return Verdict::reported;
    return verdicts[0];
  });
  std::optional<std::string> compatibility;
  if (finding.verdict == Verdict::pass) compatibility = kSafe;
  if (finding.verdict == Verdict::fail) compatibility = kUnsafe;
  if (finding.verdict == Verdict::reported) {
    compatibility = kNotApplicable;
    judgement.effect = scan.judgement.effect;
    judgement.convergence = scan.judgement.convergence;
  }

  Claims& claims = finding.claims;
  claim_layer_sets(chart.judgement, terminal, claims);
  judgement.layers = chart.judgement.layers;
  // A verifier's own layers may give the chart another verdict than that the summary is of.
  if (!c.inspect.options().required_layers) {
    claims.text({"summary", "chart_verdict"}, std::string(verdict_name(chart.judgement.verdict)));
    claims.text({"summary", "scan_verdict"}, std::string(verdict_name(scan.judgement.verdict)));
    claims.text({"summary", "compatibility"}, compatibility);
    // Where the scan fails nothing is asked of the chart.
    std::vector<const Part*> deciding = {&scan};
    if (compatibility != kNotApplicable) deciding.insert(deciding.begin(), &chart);
    const Part& least = least_certain(deciding);
    claim_bundled_convergence(deciding, claims);
    claim_effect(least, &least == &scan, required, terminal, claims);
  }
  judgement.sentence =
      compatibility
          ? explain_compatibility(*compatibility, terminal)
          : (chart.judgement.verdict == finding.verdict ? chart : scan).judgement.sentence;
}

}  // namespace rg::verify
