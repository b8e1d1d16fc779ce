#include "experiments/intervention_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "experiments/common.h"
#include "experiments/family/family_outputs.h"

namespace rg::experiments {
namespace {

// What both passes gave, by window.
struct TwoPasses {
  std::span<const double> loss_plain, loss, kl;
  std::span<const uint64_t> top1_equal;
  const RouteChange& change;
  double positions, selections;  // T and k T of a window
};

// A scale can take a model beyond what its number format holds.
void require_finite(std::span<const double> of_window, const char* what, const char* pass) {
  const auto at = std::find_if_not(of_window.begin(), of_window.end(),
                                   [](double value) { return std::isfinite(value); });
  if (at == of_window.end()) return;
  throw Error(ErrorId::RT012, {.object = kIntervention,
                               .found = fmt::format("{} {} in window {} of {}", what, *at,
                                                    at - of_window.begin(), pass),
                               .expected = "a distribution over next tokens at every position",
                               .hint = "A smaller scale keeps the numbers of the model finite."});
}

bool all_zero(std::span<const uint64_t> counts) {
  return std::all_of(counts.begin(), counts.end(), [](uint64_t count) { return count == 0; });
}

// Whether nothing that was measured differs.
bool is_unchanged(const TwoPasses& passes, size_t layers) {
  for (size_t w = 0; w < passes.loss.size(); ++w) {
    if (passes.loss[w] != passes.loss_plain[w] || passes.kl[w] != 0) return false;
    if (static_cast<double>(passes.top1_equal[w]) != passes.positions) return false;
  }
  for (size_t slot = 0; slot < layers; ++slot) {
    if (!all_zero(passes.change.mass().of_layer(slot))) return false;
    if (!all_zero(passes.change.changed().of_layer(slot))) return false;
  }
  return true;
}

// Sum of `over` by window against `under` in each: {rate, ci95}.
Json rate_block(const Statistician& statistician, std::span<const double> over, double under,
                Nulls& nulls, const std::string& path) {
  const std::vector<double> of_window(over.size(), under);
  const stats::Replicates rate = statistician.ratio(over, of_window);
  return {{"rate", nulls.number(rate.estimate, path, "no window defines it")},
          {"ci95", interval_json(stats::percentile_interval(rate.values), nulls, path)}};
}

// {overlap, changed} of some measured layers together, their counts summed first.
Json routing_block(const TwoPasses& passes, std::span<const size_t> slots,
                   const Statistician& statistician, Nulls& nulls, const std::string& path) {
  const size_t windows = passes.loss.size();
  const auto layers = static_cast<double>(slots.size());
  std::vector<double> kept(windows), changed(windows);
  for (size_t w = 0; w < windows; ++w) {
    uint64_t mass = 0, tokens = 0;
    for (const size_t slot : slots) {
      mass += passes.change.mass().at(slot, w);
      tokens += passes.change.changed().at(slot, w);
    }
    kept[w] = layers * passes.selections - static_cast<double>(mass);
    changed[w] = static_cast<double>(tokens);
  }
  return {{"overlap", rate_block(statistician, kept, layers * passes.selections, nulls, path)},
          {"changed", rate_block(statistician, changed, layers * passes.positions, nulls, path)}};
}

Json downstream_json(const Setting& setting, const InterventionFacts& facts,
                     const TwoPasses& passes, const Statistician& statistician, Nulls& nulls) {
  const std::string path = "summary.downstream";
  if (!facts.lowest_layer) return nulls.null(path, "no layer is touched");
  std::vector<size_t> slots;
  for (size_t slot = 0; slot < setting.layers.size(); ++slot) {
    if (setting.layers[slot] > *facts.lowest_layer) slots.push_back(slot);
  }
  if (slots.empty()) return nulls.null(path, "no measured layer lies above the lowest touched one");
  return routing_block(passes, slots, statistician, nulls, path);
}

Json touched_windows(const Setting& setting, const TwoPasses& passes) {
  const auto counts = [&](const WindowCounts& of_layers) {
    return by_layer(setting.layers, [&](size_t slot) { return Json(of_layers.of_layer(slot)); });
  };
  return {{"loss_plain", passes.loss_plain},
          {"loss", passes.loss},
          {"kl", passes.kl},
          {"top1_equal", passes.top1_equal},
          {"mass", counts(passes.change.mass())},
          {"changed", counts(passes.change.changed())}};
}

Json touched_summary(const Setting& setting, const InterventionFacts& facts,
                     const TwoPasses& passes, Nulls& nulls) {
  const Statistician statistician(setting.window_document, facts.replicates, setting.seed);
  const auto mean = [&](const char* name, std::span<const double> values) {
    return statistician.mean_block(statistician.mean(values), nulls,
                                   std::string("summary.") + name);
  };
  const std::vector<double> same(passes.top1_equal.begin(), passes.top1_equal.end());
  return {{"bootstrap", statistician.bootstrap_json()},
          {"outcome", is_unchanged(passes, setting.layers.size()) ? "UNCHANGED" : "CHANGED"},
          {"loss_plain", mean("loss_plain", passes.loss_plain)},
          {"loss", mean("loss", passes.loss)},
          {"loss_delta", mean("loss_delta", window_differences(passes.loss, passes.loss_plain))},
          {"kl", mean("kl", passes.kl)},
          {"top1", rate_block(statistician, same, passes.positions, nulls, "summary.top1")},
          {"per_layer", by_layer(setting.layers,
                                 [&](size_t slot) {
                                   return routing_block(
                                       passes, {&slot, 1}, statistician, nulls,
                                       "summary.per_layer." + layer_key(setting.layers[slot]));
                                 })},
          {"downstream", downstream_json(setting, facts, passes, statistician, nulls)},
          {"verdict", "REPORTED"}};
}

}  // namespace

std::vector<Parameter> intervention_parameters() { return {bootstrap_parameter()}; }

record::Contribution reduce_intervention(const Setting& setting, const InterventionFacts& facts,
                                         const OutputRecord& plain, const OutputRecord& touched,
                                         const RouteChange& change) {
  const size_t windows = setting.windows->sequences();
  check_internal(plain.loss().size() == windows && touched.kl().size() == windows &&
                     change.top1_equal().size() == windows,
                 "both passes have run, the second one with the first as reference");
  require_finite(plain.loss(), "loss", "the plain pass");
  require_finite(touched.loss(), "loss", "the pass with the intervention");
  require_finite(touched.kl(), "divergence", "the pass with the intervention");
  const double positions = setting.seq_len - 1;
  const TwoPasses passes{.loss_plain = plain.loss(),
                         .loss = touched.loss(),
                         .kl = touched.kl(),
                         .top1_equal = change.top1_equal(),
                         .change = change,
                         .positions = positions,
                         .selections = positions * setting.spec.top_k};
  Nulls nulls;
  record::Contribution part{.fields = {{"layers", setting.layers},
                                       {"verification", verification_json(setting.layers)},
                                       {"intervention", facts.intervention},
                                       {"kl_direction", "p_intervened||p_plain"},
                                       {"per_window", touched_windows(setting, passes)},
                                       {"summary", touched_summary(setting, facts, passes, nulls)}},
                            .notes = window_notes(setting, {})};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
