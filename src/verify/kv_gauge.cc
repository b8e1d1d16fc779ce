// One-bit keys in a learned rotation against random ones, on keys that it was not fitted on.
#include "verify/kv_gauge.h"

#include <fmt/format.h>

#include "verify/analysis.h"
#include "verify/kv_gauge_summary.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr size_t kMinUnits = 20;
constexpr int64_t kMinFittedDocuments = 20;
constexpr double kMinKeysPerWidth = 50, kFewKeysPerWidth = 100;

bool enough_keys(const Case& c, const kv::Record& record, const kv::Model& model) {
  Judgement& judgement = c.inspect.judgement();
  if (!enough_for_a_verdict(c)) return false;
  if (record.units.count < kMinUnits) {
    return kv::lacks(judgement, "units.count", counted(record.units.count, "unit"),
                     record.units.count == 1 ? "of held-out documents was measured"
                                             : "of held-out documents were measured",
                     std::to_string(kMinUnits));
  }
  if (record.units.fitted_documents < kMinFittedDocuments) {
    const auto documents = static_cast<uint64_t>(record.units.fitted_documents);
    return kv::lacks(judgement, "data.doc_ids", counted(documents, "document"),
                     documents == 1 ? "was fitted on" : "were fitted on",
                     std::to_string(kMinFittedDocuments));
  }
  if (*model.keys_per_width < kMinKeysPerWidth) {
    return kv::lacks(judgement, "summary.verdict.keys_per_width",
                     fmt::format("{:.3g} keys per column", *model.keys_per_width), "were fitted on",
                     fmt::format("{}", kMinKeysPerWidth));
  }
  return true;
}

void explain_degenerate(const kv::Model& model, Judgement& judgement) {
  if (model.undefined.empty()) {
    judgement.reasons.push_back({"", "", "verification.required_layers", "no layer has keys"});
    judgement.sentence = "No measured layer has keys that a gauge could turn.";
    return;
  }
  judgement.reasons.push_back({"", "", fmt::format("heads.{}", model.undefined.front()),
                               "a head without a learned rotation, or without held-out keys"});
  judgement.sentence = fmt::format(
      "At {} some head has no learned rotation, or no held-out keys: there is no mean "
      "over all heads.",
      at_layers(model.undefined));
}

// Of the published range of learned rotations.
std::string reach_words(const kv::Model& model) {
  constexpr const char* kKeys[] = {"keys as they are", "keys less their own mean",
                                   "keys less their common mean"};
  if (model.support == kv::Support::smaller_advantage) {
    return "With no centring does it reach the 0.919 to 0.965 published for learned rotations.";
  }
  if (model.support != kv::Support::learned_rotations) {
    return "Whether it reaches the 0.919 to 0.965 published for learned rotations is undecided.";
  }
  std::vector<std::string> reaching;
  for (size_t i = 0; i < kv::kCentrings; ++i) {
    const kv::Place place =
        kv::place_of(model.blocks[kv::kCentred + i].interval(), kv::kPublishedLearned);
    if (place != kv::Place::within && place != kv::Place::above) continue;
    reaching.emplace_back(kKeys[i]);
  }
  std::string words = reaching.front();
  for (size_t i = 1; i < reaching.size(); ++i) {
    words += (i + 1 < reaching.size() ? ", " : " and ") + reaching[i];
  }
  return fmt::format("The 0.919 to 0.965 published for learned rotations is reached with {}.",
                     words);
}

std::string explain_outcome(const kv::Model& model) {
  const kv::Series& advantage = model.blocks[kv::kAdvantage];
  const std::optional<Interval> ci95 = advantage.interval();
  if (!ci95 || !advantage.estimate) {
    return "There is no random rotation to compare the learned one with.";
  }
  const double gain = *advantage.estimate;
  const std::string start = fmt::format(
      "On held-out keys, with one bit per coordinate, a learned rotation keeps a mean cosine of "
      "{:.3g}, ",
      model.blocks[kv::kLearned].estimate.value_or(0));
  switch (model.outcome) {
    case kv::Outcome::superior: {
      const std::optional<double> noise = model.blocks[kv::kNoiseAdvantage].estimate;
      return start +
             fmt::format("{:.3g} more than random ones (at least {:.3g}){}. {}", gain, ci95->lo,
                         noise ? fmt::format("; on noise like the keys it gains {:+.3g}", *noise)
                               : std::string(),
                         reach_words(model));
    }
    case kv::Outcome::equivalent:
      return start + fmt::format(
                         "as random ones do within {}: fitting it to the keys gains {:+.3g} "
                         "({:+.3g} to {:+.3g}).",
                         kv::kMargin, gain, ci95->lo, ci95->hi);
    case kv::Outcome::inferior:
      return start + fmt::format(
                         "{:.3g} less than random ones (at least {:.3g}): fitting it to the keys "
                         "does harm.",
                         -gain, -ci95->hi);
    case kv::Outcome::inconclusive:
      break;
  }
  return start + fmt::format(
                     "{:+.3g} against random ones ({:+.3g} to {:+.3g}): neither a difference nor "
                     "its absence within {} is shown.",
                     gain, ci95->lo, ci95->hi, kv::kMargin);
}

void add_stability(const Case& c, const kv::Record& record, const kv::Model& model) {
  const Options& options = c.inspect.options();
  kv::UnitBootstrap ours(record, kv::UnitBootstrap::Extent::advantage);
  ours.resample(c, {options.seed, options.replicates, UINT32_MAX});
  const kv::Series own = kv::model_advantage(c, record, ours);
  c.inspect.judgement().stability =
      stability_of(options, verdict_of(model.outcome), verdict_of(kv::outcome_of(own.interval())),
                   kv::agreeing(own, model.outcome));
}

void add_beside(const kv::Model& model, Judgement& judgement) {
  kv::say_difference(judgement, "advantage", model.blocks[kv::kAdvantage], model.outcome,
                     model.replication);
  judgement.beside.push_back(
      {"excess", name_of(kv::outcome_of(model.blocks[kv::kExcess].interval()))});
  for (size_t i = 0; i < kv::kCentrings; ++i) {
    judgement.beside.push_back(
        {std::string("learned cosine, ") + kv::kCentringNames[i],
         name_of(kv::place_of(model.blocks[kv::kCentred + i].interval(), kv::kPublishedLearned))});
  }
  judgement.beside.push_back(
      {"heads by learned cosine", fmt::format("{} below, {} within, {} above", model.cells.below,
                                              model.cells.within, model.cells.above)});
}

void add_notes(const kv::Model& model, Judgement& judgement) {
  judgement.notes.push_back(
      "not recomputable from the artifact and taken as stated: the sums over keys of every gauge, "
      "which gauges are refused, how the searches went, what is left over, the correction of the "
      "mean and the share of resting columns (what follows from them was checked)");
  if (model.keys_per_width && *model.keys_per_width < kFewKeysPerWidth) {
    judgement.notes.push_back(fmt::format(
        "{:.3g} fitted keys per column are few: a learned rotation may follow their noise",
        *model.keys_per_width));
  }
}

}  // namespace

void judge_kv_gauge(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const kv::Record record = kv::read_record(c);
  if (!c.inspect.sound()) return;
  kv::warn_copies(c, record);
  kv::UnitBootstrap bootstrap(record, kv::UnitBootstrap::Extent::summary);
  bootstrap.resample(c, {*c.header.seed, *c.header.replicates, c.inspect.options().max_replicates});
  const kv::Model model = kv::claim_summary(c, record, bootstrap, finding.claims);
  add_beside(model, judgement);
  add_notes(model, judgement);
  if (model.degenerate) {
    finding.verdict = Verdict::degenerate;
    explain_degenerate(model, judgement);
    return;
  }
  finding.verdict = Verdict::insufficient;
  if (!enough_keys(c, record, model)) return;
  finding.verdict = verdict_of(model.outcome);
  add_stability(c, record, model);
  judgement.sentence = explain_outcome(model);
}

}  // namespace rg::verify
