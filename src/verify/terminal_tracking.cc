// Does the largest drop sit at the last MoE layer in several models whose last MoE layers differ?
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "verify/bundle.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr int64_t kMinDistinctTerminals = 2;
constexpr size_t kMinScans = 2;

// Two scans of one model are one piece of evidence. A published scan lists no hashes: its model is
// known by name alone.
void check_distinct_models(const Case& c, std::span<const Part> scans) {
  std::map<std::string, std::string> seen;  // model to the path of its scan
  for (const Part& scan : scans) {
    if (c.header.full) c.inspect.need(scan.at, "tensors");
    const std::optional<std::string> weights = weights_of(scan.at);
    const auto [first, is_new] =
        seen.try_emplace(weights.value_or(scan.judgement.model), scan.at.path);
    if (is_new) continue;
    c.inspect.invalid(Check::bundle_parts, scan.at.path,
                      fmt::format("measures the same model as {}, by {}", first->second,
                                  weights ? "the hashes of its weights" : "its name"));
  }
}

void check_subjects(const Case& c, std::span<const Part> scans) {
  for (const Part& scan : scans) {
    c.inspect.need(c.inspect.need(scan.at, "model"), "terminal_moe_layer");
    if (scan.judgement.domain == c.inspect.judgement().domain) continue;
    c.inspect.invalid(Check::bundle_parts, (scan.at / "domain").path,
                      fmt::format("found {}, the bundle is about {}", scan.judgement.domain,
                                  c.inspect.judgement().domain));
  }
}

std::vector<int> terminal_layers(std::span<const Part> scans) {
  std::vector<int> layers;
  for (const Part& scan : scans) {
    const At layer = (scan.at / "model") / "terminal_moe_layer";
    layers.push_back(static_cast<int>(layer.value->integer()));
  }
  return layers;
}

// Of all scans the terminal jump that is nearest to none, or beyond it.
void claim_weakest_jump(std::span<const Part> scans, Claims& claims) {
  const auto jump_of = [](const Part& scan) { return (scan.at / "summary") / "terminal_jump"; };
  const Part* weakest = &scans.front();
  StatedEffect effect = stated_effect(*weakest, jump_of(*weakest), "delta_mean");
  for (const Part& scan : scans) {
    const StatedEffect own = stated_effect(scan, jump_of(scan), "delta_mean");
    if (!is_weaker(own, effect)) continue;
    weakest = &scan;
    effect = own;
  }
  std::optional<std::string> pair;
  const At stated = jump_of(*weakest) / "pair";
  if (weakest->judgement.rule == "full" && stated) pair = stated.value->string();
  const auto below = [](const char* key) { return Claims::Path{"summary", "effect", key}; };
  claims.text(below("ckpt"), weakest->judgement.model);
  claims.text(below("pair"), pair);
  claims.mean(below("delta_mean"), effect.delta);
  claims.interval(below("ci95"), effect.ci95);
}

std::string name_models(std::span<const Part> scans) {
  std::string names;
  for (const Part& scan : scans) names += (names.empty() ? "" : "+") + scan.judgement.model;
  return names;
}

std::string explain_tracking(Verdict verdict, std::span<const Part> scans,
                             const std::set<int>& depths, int64_t needed) {
  const std::vector<int> layers(depths.begin(), depths.end());
  std::string failing;
  size_t fails = 0;
  for (const Part& scan : scans) {
    if (scan.judgement.verdict == Verdict::pass) continue;
    ++fails;
    failing += (failing.empty() ? "" : ", ") + scan.judgement.model;
  }
  if (verdict == Verdict::pass) {
    return fmt::format(
        "In all {} models routing again after its own update loses most of its choice at the last "
        "MoE layer, wherever that is ({}).",
        scans.size(), at_layers(layers));
  }
  if (fails > 0) {
    return fmt::format(
        "Not shown: that the last MoE layer loses most of its choice in every model (fails in {} "
        "of {}: {}).",
        fails, scans.size(), failing);
  }
  return fmt::format(
      "In all {} models the last MoE layer loses most of its choice, but those are {} depth{} "
      "({}); {} are needed to tell the last layer from a fixed one.",
      scans.size(), depths.size(), depths.size() == 1 ? "" : "s", at_layers(layers), needed);
}

}  // namespace

void judge_terminal_tracking(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const auto needed = c.inspect.integer(
      c.inspect.need(c.inspect.need(c.root, "verification"), "min_distinct_terminals"),
      kMinDistinctTerminals, kMaxExactInteger);
  const At list = c.inspect.need(c.root, "scans");
  if (!c.inspect.is(list, Kind::array)) return;
  const Array& values = list.value->array();
  if (values.size() < kMinScans) {
    c.inspect.invalid(
        Check::array_length, list.path,
        fmt::format("found {}, expected at least {}", counted(values.size(), "scan"), kMinScans));
  }
  std::vector<Part> scans;
  for (size_t i = 0; i < values.size(); ++i) {
    scans.push_back(judge_part(c, {&values[i], fmt::format("scans[{}]", i)}, "terminal_ovk_scan"));
  }
  if (!c.inspect.sound()) return;
  check_distinct_models(c, scans);
  check_subjects(c, scans);
  if (!c.inspect.sound()) return;
  if (judgement.model.empty()) judgement.model = name_models(scans);
  if (!c.header.full) {
    judgement.notes.push_back("models are told apart by name where a scan lists no tensors");
  }

  const std::vector<int> layers = terminal_layers(scans);
  const std::set<int> depths(layers.begin(), layers.end());
  finding.verdict = conclude_bundle(c, scans, [&](std::span<const Verdict> verdicts) {
    const bool pass = std::all_of(verdicts.begin(), verdicts.end(),
                                  [](Verdict verdict) { return verdict == Verdict::pass; });
    return pass && std::cmp_greater_equal(depths.size(), *needed) ? Verdict::pass : Verdict::fail;
  });

  Claims& claims = finding.claims;
  claims.count({"summary", "n_scans"}, static_cast<int64_t>(scans.size()));
  for (size_t i = 0; i < layers.size(); ++i) {
    claims.count({"summary", "terminal_moe_layers", std::to_string(i)}, layers[i]);
  }
  claims.absent({"summary", "terminal_moe_layers", std::to_string(layers.size())});
  claims.count({"summary", "distinct_terminal_moe_layers"}, static_cast<int64_t>(depths.size()));
  // A verifier's own layers may give the scans other verdicts than those that the summary is of.
  if (c.header.full && !c.inspect.options().required_layers) {
    claims.text({"summary", "verdict"}, std::string(verdict_name(finding.verdict)));
    std::vector<const Part*> deciding;
    for (const Part& scan : scans) deciding.push_back(&scan);
    claim_bundled_convergence(deciding, claims);
    claim_weakest_jump(scans, claims);
  }

  if (finding.verdict == Verdict::pass || finding.verdict == Verdict::fail) {
    judgement.sentence = explain_tracking(finding.verdict, scans, depths, *needed);
  } else {
    const auto open = std::find_if(scans.begin(), scans.end(), [&](const Part& scan) {
      return scan.judgement.verdict == finding.verdict;
    });
    judgement.sentence = open->judgement.model + ": " + open->judgement.sentence;
  }
}

}  // namespace rg::verify
