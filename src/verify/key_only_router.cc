// Whether a token's keys tell which experts its router chooses, as well as the residual stream that
// they were made of does.
#include "verify/key_only_router.h"

#include <fmt/format.h>

#include <cmath>

#include "verify/analysis.h"
#include "verify/key_only_summary.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr int64_t kMinTestUnits = 20, kMinFittedRouterDocuments = 20;
constexpr double kMinRowsPerFeature = 5, kFewRowsPerFeature = 10;

bool enough_rows(const Case& c, const key_only::Record& record, const key_only::Model& model) {
  Judgement& judgement = c.inspect.judgement();
  if (!enough_for_a_verdict(c)) return false;
  const key_only::Split& split = record.split;
  if (split.units < kMinTestUnits) {
    return kv::lacks(
        judgement, "split.units", counted(static_cast<uint64_t>(split.units), "unit"),
        split.units == 1 ? "of test documents was measured" : "of test documents were measured",
        std::to_string(kMinTestUnits));
  }
  if (split.fitted < kMinFittedRouterDocuments) {
    return kv::lacks(judgement, "split.fitted",
                     counted(static_cast<uint64_t>(split.fitted), "document"),
                     split.fitted == 1 ? "was fitted on" : "were fitted on",
                     std::to_string(kMinFittedRouterDocuments));
  }
  if (*model.rows_per_feature < kMinRowsPerFeature) {
    return kv::lacks(judgement, "summary.verdict.rows_per_feature",
                     fmt::format("{:.3g} rows per feature", *model.rows_per_feature),
                     "were fitted on", fmt::format("{}", kMinRowsPerFeature));
  }
  return true;
}

void explain_no_answer(const key_only::Model& model, Judgement& judgement) {
  if (model.degenerate == "layers") {
    judgement.reasons.push_back({"", "", "verification.required_layers", "no layer was measured"});
    judgement.sentence = "No layer has keys that could be measured.";
  } else if (model.degenerate == "pipeline") {
    judgement.reasons.push_back({"", "", fmt::format("predictors.{}", model.unsound.front()),
                                 "the router's own input does not give its choice"});
    judgement.sentence = fmt::format(
        "At {} even the router's own input does not give its choice: there are too few rows, or "
        "something is wrong with them.",
        at_layers(model.unsound));
  } else {
    judgement.reasons.push_back({"", "", fmt::format("predictors.{}", model.incomplete.front()),
                                 "no predictor from keys, or from the residual stream"});
    judgement.sentence = fmt::format("At {} there is no predictor to compare the keys' with.",
                                     at_layers(model.incomplete));
  }
}

std::string explain_gap(const key_only::Model& model) {
  const double keys = model.overlap(key_only::kKeys).estimate.value_or(0);
  const double gap = model.gap(key_only::kKeyGap).estimate.value_or(0);
  const std::optional<Interval> ci95 = model.gap(key_only::kKeyGap).interval();
  const Interval range = ci95.value_or(Interval{gap, gap});
  const std::string start =
      fmt::format("From its keys {:.3g} of a token's experts are found, ", keys);
  switch (model.outcome) {
    case kv::Outcome::inferior: {
      const double constant = model.gap(key_only::kConstantGap).estimate.value_or(0);
      return start +
             fmt::format(
                 "{:.3g} fewer than from the residual stream (at least {:.3g}) and {:.3g} {} than "
                 "without looking at the token.",
                 gap, range.lo, std::abs(constant), constant < 0 ? "fewer" : "more");
    }
    case kv::Outcome::equivalent:
      return start + fmt::format(
                         "as many as from the residual stream within {}: the difference is {:+.3g} "
                         "({:+.3g} to {:+.3g}).",
                         kv::kMargin, gap, range.lo, range.hi);
    case kv::Outcome::superior:
      return start + fmt::format("{:.3g} more than from the residual stream (at least {:.3g}).",
                                 -gap, -range.hi);
    case kv::Outcome::inconclusive:
      break;
  }
  return start + fmt::format(
                     "{:+.3g} fewer than from the residual stream ({:+.3g} to {:+.3g}): neither a "
                     "difference nor its absence within {} is shown.",
                     gap, range.lo, range.hi, kv::kMargin);
}

void add_gap_stability(const Case& c, const key_only::Record& record,
                       const key_only::Model& model) {
  const Options& options = c.inspect.options();
  const kv::Series own =
      key_only::model_key_gap(c, record, {options.seed, options.replicates, options.threads});
  c.inspect.judgement().stability = stability_of(
      options, verdict_of(model.outcome), verdict_of(key_only::outcome_of_gap(own.interval())),
      kv::agreeing(own, kv::mirrored(model.outcome)));
}

void add_gaps_beside(const key_only::Model& model, Judgement& judgement) {
  kv::say_difference(judgement, "key gap", model.gap(key_only::kKeyGap), model.outcome,
                     model.replication);
  judgement.beside.push_back({"keys", model.sentence});
  judgement.beside.push_back({"residual stream against the published range",
                              key_only::place_of(model.overlap(key_only::kResidual).interval())});
}

}  // namespace

void judge_key_only_router(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const key_only::Record record = key_only::read_record(c);
  if (!c.inspect.sound()) return;
  key_only::warn_copies(c, record);
  const key_only::Model model = key_only::claim_summary(c, record, finding.claims);
  add_gaps_beside(model, judgement);
  judgement.notes.push_back(
      "not recomputable from the artifact and taken as stated: the facts about layers, the "
      "geometry, which predictors are refused, what each finds in every unit, losses and errors "
      "that chose lambda and epoch, and the ceiling (what follows from them was checked)");
  if (model.rows_per_feature && *model.rows_per_feature < kFewRowsPerFeature) {
    judgement.notes.push_back(
        fmt::format("{:.3g} fitted rows per feature are few: predictors may follow their noise",
                    *model.rows_per_feature));
  }
  if (!model.degenerate.empty()) {
    finding.verdict = Verdict::degenerate;
    explain_no_answer(model, judgement);
    return;
  }
  finding.verdict = Verdict::insufficient;
  if (!enough_rows(c, record, model)) return;
  finding.verdict = verdict_of(model.outcome);
  add_gap_stability(c, record, model);
  judgement.sentence = explain_gap(model);
}

}  // namespace rg::verify
