// Do the gates of two checkpoints disagree more on tokens near the reference's routing boundary
// than an even spread would give (a), and ever less from one margin decile to the next (b)?
// docs/artifacts.md, boundary_amplification.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "verify/amplification.h"
#include "verify/holm.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

// What the intervals and deciles that a published artifact states give; none where one is missing.
std::optional<Verdict> stated_amplification(const Case& c, const boundary::Amplification& judge) {
  if (c.header.full) return std::nullopt;
  bool pass = true;
  for (const int layer : c.header.required) {
    const At layers = (c.root / boundary::reference_name(c.header)) / "per_layer";
    const At intervals = (layers / std::to_string(layer)) / "compression_F_minus_q_ci95";
    bool above = false;
    for (const edge::Level& level : edge::kLevels) {
      const At stated = intervals / level.key;
      if (!stated || stated.value->is(Kind::null)) return std::nullopt;
      const std::optional<Interval> interval = c.inspect.interval(stated);
      if (!interval) return std::nullopt;
      above = above || interval->lo > 0;
    }
    pass = pass && above && judge.finding(layer).b;
  }
  return pass ? Verdict::pass : Verdict::fail;
}

std::string why_degenerate(const std::string& reason, const std::string& layers) {
  if (reason == "no disagreement") {
    return fmt::format(
        "At {} the two gates choose the same experts for every token, so there is no disagreement "
        "to locate.",
        layers);
  }
  if (reason == "equal margins") {
    return fmt::format("At {} all margins are equal, so that no token is nearer a boundary.",
                       layers);
  }
  return fmt::format(
      "At {} the margins fill fewer than three deciles, which is too few to see disagreement fall "
      "with the margin.",
      layers);
}

void say_amplification(const Case& c, Verdict verdict, const boundary::Amplification& found) {
  Judgement& judgement = c.inspect.judgement();
  const std::vector<int>& required = c.header.required;
  const At edge = c.root / "edge";
  const std::string& reference =
      (edge / (c.header.direction == "AtoB" ? "ckpt_a" : "ckpt_b")).value->string();
  std::vector<int> no_excess, rising;
  double least = 1e300, most = 0, rise = 0;
  for (const int layer : required) {
    const boundary::LayerFinding& of = found.finding(layer);
    if (of.degenerate && verdict == Verdict::degenerate) {
      judgement.reasons.push_back(
          {"", "", fmt::format("summary.per_layer.{}.degenerate", layer), *of.degenerate});
      judgement.sentence = why_degenerate(*of.degenerate, at_layers(std::span(&layer, 1)));
      return;
    }
    if (!of.a) no_excess.push_back(layer);
    if (!of.b) rising.push_back(layer);
    rise = std::max(rise, of.rise.value_or(0));
    least = std::min(least, of.ratio.value_or(least));
    most = std::max(most, of.ratio.value_or(most));
  }
  const std::string times = fmt::format("{:.2f} to {:.2f} times", least, most);
  const std::string upward = fmt::format(
      "disagreement rises from one margin decile to the next at {} (by up to {:.2g} per choice)",
      at_layers(rising), rise);
  if (verdict == Verdict::pass) {
    judgement.sentence = fmt::format(
        "On the inputs of {}, at all {} layers, the tokens nearest a routing boundary hold {} the "
        "disagreement between the two gates that an even spread would give, and disagreement never "
        "rises from one margin decile to the next.",
        reference, required.size(), times);
  } else if (verdict == Verdict::fail && no_excess.empty()) {
    judgement.sentence = fmt::format(
        "On the inputs of {} the tokens nearest a routing boundary hold {} the disagreement "
        "between the two gates that an even spread would give, but {}.",
        reference, times, upward);
  } else if (verdict == Verdict::fail) {
    judgement.sentence = fmt::format(
        "Not shown on the inputs of {}: that the two gates disagree more near a routing boundary "
        "than an even spread would give (fails at {} of {} layers){}.",
        reference, no_excess.size(), required.size(), rising.empty() ? "" : "; also " + upward);
  }
}

}  // namespace

void judge_boundary_amplification(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  boundary::check_definition(c);
  if (header.full) {
    c.inspect.text(c.inspect.need(c.inspect.need(c.root / "summary", "null"), "kind"));
  }
  if (!c.inspect.sound()) return;
  const std::map<int, boundary::LayerRecord> record = boundary::read_record(c);
  if (!c.inspect.sound()) return;
  for (const auto& [layer, of] : record) {
    const bool is_required =
        std::binary_search(header.required.begin(), header.required.end(), layer);
    if (!is_required || total(of.share[0]).windows > 0) continue;
    c.inspect.invalid(Check::layer_defined,
                      fmt::format("{}.per_layer.{}", boundary::reference_name(header), layer),
                      "has no defined margin in any window");
  }
  if (!c.inspect.sound()) return;
  const At reference = c.root / boundary::reference_name(header);
  warn_too_good(c.inspect, reference, header.n_windows);
  warn_undefined(
      c.inspect,
      [&](int layer) {
        return ((reference / "per_layer") / std::to_string(layer)) / "n_undefined";
      },
      header);

  boundary::Amplification amplification(c, record);
  Analysis& analysis = amplification.analysis();
  Claims& claims = finding.claims;
  for (const int layer : header.layers) amplification.claim_layer(claims, layer);

  const auto judge = [&](const Sample& sample) {
    return amplification.judge(sample, amplification.windows(), &edge::Excess::judged);
  };
  finding.verdict = analysis.conclude(
      judge, [&](const Sample& sample, size_t b) { return amplification.supports(sample, b); },
      stated_amplification(c, amplification));

  std::vector<double> p;  // an undefined one counts as 1 among the others
  for (const int layer : header.required) {
    amplification.add_criteria(layer);
    p.push_back(amplification.finding(layer).joint.p.value_or(1));
  }
  const std::vector<double> adjusted = holm_adjusted(p);
  std::optional<double> z = 1e300;
  for (const Criterion& criterion : judgement.criteria) {
    z = z && criterion.z ? std::optional(std::min(*z, *criterion.z)) : std::nullopt;
  }
  choose_effect(judgement);
  const Verdict published =
      amplification.judge(analysis.primary(), amplification.windows(), &edge::Excess::published);
  if (header.full && !header.required_by_verifier) {
    for (size_t i = 0; i < adjusted.size(); ++i) {
      const bool defined = amplification.finding(header.required[i]).joint.p.has_value();
      claims.mean({"summary", "holm_p", std::to_string(header.required[i])},
                  defined ? std::optional(adjusted[i]) : std::nullopt);
    }
    claims.text({"summary", "verdict"}, std::string(verdict_name(judge(analysis.primary()))));
    claims.text({"summary", "verdict_published"}, std::string(verdict_name(published)));
  }
  analysis.convergence(claims, z, [&](const Sample& sample, std::span<const uint32_t> windows) {
    return std::string(verdict_name(amplification.judge(sample, windows, &edge::Excess::judged)));
  });
  if (header.full) {
    judgement.beside.push_back({"published baseline", std::string(verdict_name(published))});
    const double largest = *std::max_element(adjusted.begin(), adjusted.end());
    judgement.beside.push_back({"largest Holm p", fmt::format("{:.4g}", largest)});
  }
  say_amplification(c, finding.verdict, amplification);
}

}  // namespace rg::verify
