// What coded keys (and values) do to attention: no distortion may exceed its bounds, and how good
// the forecast is.
#include "verify/kv_distortion.h"

#include <fmt/format.h>

#include "verify/analysis.h"
#include "verify/kv_distortion_summary.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

using distortion::Model;
using distortion::PlainCode;

bool enough_documents(const Case& c, const distortion::Record& record) {
  if (!enough_for_a_verdict(c)) return false;
  const size_t documents = record.measured.n_documents;
  if (documents >= distortion::kMinDocuments) return true;
  return kv::lacks(c.inspect.judgement(), "measured.documents", counted(documents, "document"),
                   documents == 1 ? "was measured" : "were measured",
                   std::to_string(distortion::kMinDocuments));
}

// "the code key, least_squares, raw, identity of 2 bits"
std::string name_of(const distortion::Code& code) {
  return fmt::format("the code {}, {}, {}, {}{} of {}", code.scale, code.rule, code.centring,
                     code.gauge, code.values ? ", values too," : "",
                     counted(static_cast<uint64_t>(code.bits), "bit"));
}

std::string explain_broken(const distortion::Record& record, const Model& model) {
  const distortion::Excess& most = *model.largest;
  return fmt::format(
      "At layer {}, KV head {}, {} moves an output {:.3g} of its spread farther than bound {} "
      "allows: the bounds don't hold.",
      most.layer, most.head, name_of(record.codes[most.code]), most.value,
      distortion::kBoundNames[most.bound]);
}

void explain_without_cases(const Model& model, Judgement& judgement) {
  if (model.without_cases.empty()) {
    judgement.reasons.push_back({"", "", "verification.required_layers", "no layer has keys"});
    judgement.sentence = "No measured layer has keys that a code could change.";
    return;
  }
  judgement.reasons.push_back(
      {"", "", fmt::format("heads.{}", model.without_cases.front()), "a head without cases"});
  judgement.sentence = fmt::format("At {} some head has no query that sees different values.",
                                   at_layers(model.without_cases));
}

std::string forecast_words(const Model& model) {
  if (model.calibrated_from) {
    return fmt::format("The first-order forecast is calibrated from {} on.",
                       counted(static_cast<uint64_t>(*model.calibrated_from), "bit"));
  }
  return fmt::format("The first-order forecast is not shown to be calibrated with {}.",
                     counted(static_cast<uint64_t>(model.plain.back().bits), "bit"));
}

std::string explain_holds(const Model& model) {
  const PlainCode& fewest = model.plain.front();
  const PlainCode& most = model.plain.back();
  std::string moved = fmt::format(
      "Keys of {} move an output by {:.3g} of the spread of its values on average",
      counted(static_cast<uint64_t>(fewest.bits), "bit"), fewest.error.estimate.value_or(0));
  if (most.bits > fewest.bits) {
    moved += fmt::format(", of {} by {:.3g}", counted(static_cast<uint64_t>(most.bits), "bit"),
                         most.error.estimate.value_or(0));
  }
  return fmt::format("In {} no distortion exceeds a bound. {}. {}",
                     counted(static_cast<uint64_t>(model.cases), "case"), moved,
                     forecast_words(model));
}

void add_distortion_beside(const Model& model, Judgement& judgement) {
  const PlainCode& fewest = model.plain.front();
  if (fewest.error.estimate) {
    judgement.criteria.push_back({.name = "distortion",
                                  .layer = -1,
                                  .estimate = *fewest.error.estimate,
                                  .ci95 = fewest.error.interval(),
                                  .holds = model.bounds_hold(),
                                  .z = {}});
  }
  choose_effect(judgement);
  for (const PlainCode& plain : model.plain) {
    const std::string bits = counted(static_cast<uint64_t>(plain.bits), "bit");
    if (plain.key_error) {
      judgement.beside.push_back(
          {"relative squared error of keys, " + bits,
           fmt::format("{:.4f} (normal coordinates: {:.4f})", *plain.key_error,
                       distortion::kGaussianMse[static_cast<size_t>(plain.bits - 1)])});
    }
    judgement.beside.push_back({"forecast of distortion, " + bits, plain.calibration});
    if (!plain.vacuous) continue;
    judgement.beside.push_back({"share of cases in which bound B2 says nothing, " + bits,
                                fmt::format("{:.1f} %", 100 * *plain.vacuous)});
  }
}

}  // namespace

void judge_kv_distortion(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const distortion::Record record = distortion::read_record(c);
  if (!c.inspect.sound()) return;
  distortion::warn_copies(c, record);
  distortion::DocumentBootstrap bootstrap(record);
  bootstrap.resample(c);
  const Model model = distortion::claim_summary(c, record, bootstrap, finding.claims);
  add_distortion_beside(model, judgement);
  judgement.notes.push_back(
      "not recomputable from the artifact and taken as stated: the sums over cases, quantiles, "
      "tightness, excess, rank correlations and deciles, what codes leave of keys and values, and "
      "which gauges are refused (what follows from them was checked)");
  if (!model.bounds_hold()) {
    finding.verdict = Verdict::broken;
    judgement.sentence = explain_broken(record, model);
  } else if (model.degenerate) {
    finding.verdict = Verdict::degenerate;
    explain_without_cases(model, judgement);
  } else {
    finding.verdict = Verdict::insufficient;
    if (!enough_documents(c, record)) return;
    finding.verdict = Verdict::holds;
    judgement.sentence = explain_holds(model);
  }
}

}  // namespace rg::verify
