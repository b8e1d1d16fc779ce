#include "verify/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rg::verify {
namespace {

constexpr EffectWords kEffects[] = {
    {"flip_rate", "decisions that flip",
     "decisions that flip: share of the routing decisions that choose another set of experts",
     false},
    {"advantage", "learned less random rotation",
     "learned less random rotation: mean cosine between a held-out key and its code of one bit per "
     "coordinate",
     true, "documents"},
    {"distortion", "distortion of attention",
     "distortion of attention: how far coded keys move a query's output, as a share of the spread "
     "of its values, with the fewest bits",
     false, "documents"},
    {"key gap", "key gap",
     "key gap: share of the router's choice that the residual stream before attention tells, less "
     "what the keys tell",
     true, "documents"},
    {"violated_cases", "violated cases",
     "violated cases: those in which a number exceeds what a theorem allows it, rounding included",
     false},
    {"attention share", "attention share",
     "attention share: how much of the router's choice attention decides (Shapley value), 0 to 1",
     false},
    {"published ratio", "published ratio",
     "published ratio: size of what is not the embedding, over the size of all that enters the "
     "router",
     false},
    {"max_over_mean", "largest load over mean",
     "largest load over mean: tokens of the busiest expert, 1 if all experts had as many", false},
    {"loss_delta", "change of the loss",
     "change of the loss: loss per token with the intervention less the plain run's, nats", true},
    {"C1", "kappa vs interior",
     "kappa: how far the outputs of two competing experts differ, 0 (equal) to 1 (opposite)", true},
    {"C2", "kappa vs random pair",
     "kappa: how far the outputs of two competing experts differ, 0 (equal) to 1 (opposite)", true},
    {"terminal_jump", "terminal jump",
     "terminal jump: change, from the layer before to the last one, of the share of its choice "
     "that a gate would keep after its layer's update",
     true},
    {"boundary_excess", "disagreement near boundary",
     "disagreement near boundary: share held by the tokens nearest a routing boundary, less that "
     "of "
     "an even spread",
     true},
    {"decile_rise", "rise over deciles",
     "rise over deciles: largest step up of the disagreement per choice from one margin decile to "
     "the next",
     true},
    {"output_excess", "output change near boundary",
     "output change near boundary: share held by the tokens nearest a routing boundary, less that "
     "of an even spread",
     true}};

struct Named {
  std::string_view name, words;
};

constexpr Named kAlso[] = {
    {"H by exact", "attention by Shapley value"},
    {"H by norm_share", "attention by size of the parts"},
    {"H by signed_share", "attention by projection on the scores"},
    {"H by published_ratio", "attention by the published ratio, on windows"},
    {"H published, all layers", "attention by the published ratio, on prompts"},
    {"H published, without the first layer",
     "attention by the published ratio, on prompts, without the first MoE layer"},
    {"C2_unselected", "against a random expert that was not selected"},
    {"C1_matched", "against an interior of equal size"},
    {"kappa_target.C2", "on the logits of the next token, against a random expert"},
    {"kappa_target.C1_matched",
     "on the logits of the next token, against an interior of equal size"},
    {"kappa - kappa_orth", "kappa less that of orthogonal outputs, boundary"},
    {"cos", "cosine of the two outputs, boundary"},
    {"log r", "log ratio of their norms, boundary"},
    {"jump_hidden, boundary", "change of the layer's output by a swap, boundary"},
    {"jump_hidden, interior", "change of the layer's output by a swap, interior"},
    {"published baseline", "by the published baseline, which ignores tied margins"},
    {"largest Holm p", "largest p of the joint test over strata, Holm-adjusted over layers"},
    {"outcome", "whether anything changed"},
    {"excess", "advantage of learned rotations less that on noise like the keys"},
    {"learned cosine, raw", "mean cosine against the published range, keys as they are"},
    {"learned cosine, key_dc", "mean cosine against the published range, less each key's mean"},
    {"learned cosine, dataset_mean",
     "mean cosine against the published range, less the mean of the fitted keys"},
    {"heads by learned cosine", "heads against the published range, best centring"},
    {"keys", "what keys tell of the route"},
    {"residual stream against the published range",
     "overlap of the residual stream's predictor, against 0.93 to 0.976 as published"},
    {"theorems with cases", "theorems that speak of some key or logit here"},
    {"tightest inequality", "inequality that comes closest to its bound"},
    {"cold experts", "experts chosen by less than 1 % of the tokens"},
    {"F4, calibration", "forecast of flips by measured changes of the logits, calibration"},
    {"F4, information", "the same forecast against the margin alone"}};

constexpr Named kLabels[] = {{"H1", "attention dominates"},
                             {"H2", "balanced"},
                             {"H3", "attention below half"},
                             {"inconclusive", "undecided"},
                             {"SUPERIOR", "superior"},
                             {"EQUIVALENT", "equivalent"},
                             {"INFERIOR", "inferior"},
                             {"INCONCLUSIVE", "inconclusive"},
                             {"as_good_as_residual", "as much as the residual stream"},
                             {"worse_than_residual", "less than the residual stream"},
                             {"no_better_than_constant", "no more than the commonest experts"},
                             {"CALIBRATED", "calibrated"},
                             {"NOT_CALIBRATED", "not calibrated"},
                             {"INSUFFICIENT", "too little to say"},
                             {"INFORMATIVE", "says more"},
                             {"NOT_INFORMATIVE", "not shown to say more"}};

}  // namespace

std::string escape_whole(std::string_view text) {
  constexpr size_t kPieceBytes = 32;  // escaped they stay below what escape_for_terminal cuts at
  std::string out;
  while (!text.empty()) {
    size_t bytes = std::min(kPieceBytes, text.size());
    // Not within a code point, unless it is longer than any can be.
    const auto continues = [&](size_t at) {
      return at < text.size() && (static_cast<unsigned char>(text[at]) >> 6) == 2;
    };
    while (bytes > kPieceBytes - 4 && continues(bytes)) --bytes;
    out += escape_for_terminal(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return out;
}

EffectWords effect_words(std::string_view criterion) {
  for (const EffectWords& effect : kEffects) {
    if (effect.name == criterion) return effect;
  }
  return {criterion, criterion, "", true};
}

std::string describe_number(double value, bool with_sign, int digits) {
  return with_sign ? fmt::format("{:+.{}g}", value, digits) : fmt::format("{:.{}g}", value, digits);
}

std::string describe_effect(const Judgement& judgement, int digits) {
  if (!judgement.effect) return {};
  const Criterion& effect = *judgement.effect;
  const EffectWords words = effect_words(effect.name);
  const auto number = [&](double value) {
    return describe_number(value, words.is_difference, digits);
  };
  std::string text(words.words);
  if (effect.layer >= 0) text += fmt::format(", layer {}", effect.layer);
  text += ": " + number(effect.estimate);
  if (effect.ci95)
    text += fmt::format(" [{}, {}]", number(effect.ci95->lo), number(effect.ci95->hi));
  return text;
}

std::string label_words(const std::string& label) {
  const size_t end = std::min(label.find(' '), label.size());
  for (const auto& [name, words] : kLabels) {
    if (name == std::string_view(label).substr(0, end)) {
      return std::string(words) + label.substr(end);
    }
  }
  return label;
}

std::string_view also_words(std::string_view name) {
  for (const auto& [known, words] : kAlso) {
    if (known == name) return words;
  }
  return name;
}

std::string_view verdict_legend(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
    case Verdict::holds:
      return "the claim is supported";
    case Verdict::fail:
    case Verdict::broken:
      return "the claim is not supported";
    case Verdict::reported:
      return "a measurement without a claim";
    case Verdict::superior:
      return "better than what it is compared with";
    case Verdict::equivalent:
      return "as good as what it is compared with, within the margin";
    case Verdict::inferior:
      return "worse than what it is compared with";
    case Verdict::inconclusive:
      return "neither a difference nor its absence is shown";
    case Verdict::degenerate:
      return "the question has no answer here";
    case Verdict::insufficient:
      return "too few windows or resamples";
    case Verdict::invalid:
      return "the file cannot be judged";
    case Verdict::over_budget:
      return "judging it would take too much work";
  }
  return "";
}

std::string layer_ranges(std::span<const int> layers) {
  std::string text;
  for (size_t i = 0; i < layers.size();) {
    size_t last = i;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
    if (last == i + 1) last = i;  // "0, 1" and not "0-1"
    text += text.empty() ? "" : ", ";
    text +=
        last == i ? fmt::format("{}", layers[i]) : fmt::format("{}-{}", layers[i], layers[last]);
    i = last + 1;
  }
  return text;
}

std::string counted(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string at_layers(std::span<const int> layers) {
  return (layers.size() == 1 ? "layer " : "layers ") + layer_ranges(layers);
}

}  // namespace rg::verify
