#include "logs/agreement/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/numbers.h"

namespace rg::logs {
namespace {

// A difference of mixing weights that is no rounding.
constexpr double kWeightsDiffer = 1e-3;
constexpr double kSetsAlike = 0.9;  // share of equal sets from which on weights are worth a word
constexpr double kMostOtherChoice = 0.01;  // share of decisions

const Side* side_with_gates(const Side& a, const Side& b, const std::vector<int>& layers) {
  for (const Side* side : {&a, &b}) {
    for (const int layer : layers) {
      if (side->gates.contains(layer)) return side;
    }
  }
  return nullptr;
}

// BUG if any layer's or the common eps is above the limit; NUMERICAL if the common one is below and
// no layer is a BUG.
Verdict overall(const std::vector<LayerVerdict>& layers, const NoiseFit& pooled) {
  const bool bug = std::any_of(layers.begin(), layers.end(), [](const LayerVerdict& layer) {
    return layer.fit.verdict == Verdict::bug;
  });
  return bug ? Verdict::bug : pooled.verdict;
}

void judge(const Side& reference, std::span<const uint32_t> rows, const Pairs& pairs,
           const std::vector<LayerComparison>& comparisons, const AgreementSettings& settings,
           AgreementReport& report) {
  std::vector<LayerNoise> noise;
  uint64_t other_choice = 0, decisions = 0;
  for (const LayerComparison& comparison : comparisons) {
    if (!reference.gates.contains(comparison.layer)) continue;
    LayerNoise layer =
        layer_noise(reference, rows, comparison, pairs, settings.seed, settings.threads);
    other_choice += layer.other_choice;
    decisions += layer.decisions;
    if (layer.decisions > 0) noise.push_back(std::move(layer));
  }
  if (static_cast<double>(other_choice) >
      kMostOtherChoice * static_cast<double>(other_choice + decisions)) {
    report.no_verdict =
        fmt::format("{} of {} sets of the side with logits are not those of its gate",
                    format_count(other_choice), format_count(other_choice + decisions));
    return;
  }
  if (noise.empty()) {
    report.no_verdict = "no decision has logits that are finite";
    return;
  }
  std::vector<const LayerNoise*> all;
  for (const LayerNoise& layer : noise) {
    const LayerNoise* one = &layer;
    all.push_back(one);
    report.layer_verdicts.push_back(
        {.layer = layer.layer, .fit = fit_noise({&one, 1}), .other_choice = layer.other_choice});
  }
  report.pooled = fit_noise(all);
  report.verdict = overall(report.layer_verdicts, *report.pooled);
}

// Layers with a BUG, or all that were compared.
std::vector<int> layers_to_search(const AgreementReport& report) {
  std::vector<int> layers;
  for (const LayerVerdict& layer : report.layer_verdicts) {
    if (layer.fit.verdict == Verdict::bug) layers.push_back(layer.layer);
  }
  return layers.empty() ? report.layers : layers;
}

void note_weights(AgreementReport& report) {
  const AgreementRow& all = report.agreement.back();
  if (!all.weight_difference || !(all.weight_difference->value > kWeightsDiffer)) return;
  if (!(all.same_sets.value >= kSetsAlike)) return;
  report.notes.push_back(fmt::format(
      "Mixing weights of common experts differ by {:.4f} on average, though sets agree: "
      "they follow another rule (renormalised or not, scaling), which later layers "
      "answer with flips that look numerical.",
      all.weight_difference->value));
}

}  // namespace

AgreementReport compare_routings(const Side& a, const Side& b, const AgreementSettings& settings) {
  const Pairs pairs = align(a, b);
  AgreementReport report;
  report.rows = pairs.count();
  report.sequences = pairs.sequences();
  report.layers = pairs.layers;
  report.notes = pairs.notes;
  const Side* gated = side_with_gates(a, b, pairs.layers);
  if (gated != nullptr) report.reference = gated == &a ? 'a' : 'b';
  const std::vector<LayerComparison> layers = compare(a, b, gated, pairs, settings.threads);
  const SequenceUnits units = sequence_units(pairs, settings.replicates, settings.seed);
  if (units.count == 1) report.notes.push_back("One sequence: no intervals over sequences.");
  const bool order_known = !order_is_lost(a.record) && !order_is_lost(b.record);
  if (!order_known) {
    report.notes.push_back("Ids of a log ascend: its order is lost, and only sets are compared.");
  }
  report.agreement = agreement_rows(layers, units, order_known, settings.threads);
  report.by_margin = flips_by_margin(layers, units);
  report.by_position = flips_by_position(layers, pairs, units);
  report.by_phase = flips_by_phase(layers, a, b, pairs, units);
  report.onset = find_onsets(layers);
  const AgreementRow& all = report.agreement.back();
  report.all_equal = all.decisions > 0 && all.same_sets.value >= 1.0;
  note_weights(report);

  const Side& reference = gated == &b ? b : a;
  const std::span<const uint32_t> rows = gated == &b ? pairs.b : pairs.a;
  if (gated == nullptr) {
    report.no_verdict = "neither side has router logits and a known gate";
  } else {
    judge(reference, rows, pairs, layers, settings, report);
  }
  const bool unexplained = !report.verdict || *report.verdict == Verdict::bug;
  if (all.decisions > 0 && !report.all_equal && unexplained) {
    report.faults = search_faults({.reference = reference,
                                   .other = gated == &b ? a : b,
                                   .reference_rows = rows,
                                   .other_rows = gated == &b ? pairs.a : pairs.b,
                                   .pairs = pairs,
                                   .layers = layers,
                                   .replicates = settings.replicates,
                                   .seed = settings.seed,
                                   .threads = settings.threads},
                                  layers_to_search(report));
  }
  return report;
}

}  // namespace rg::logs
