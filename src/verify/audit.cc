// What a changed checkpoint does to its reference: how many routing decisions flip and why, what
// that costs, and how well a forecast would have said so. A report.
#include "verify/audit.h"

#include <fmt/format.h>

#include <cmath>

#include "verify/audit_scores.h"
#include "verify/audit_summary.h"

namespace rg::verify {
namespace {

std::string forecast_words(const audit::Labels& labels) {
  if (labels.calibration.empty()) return "there is no forecast: all windows are of one document";
  if (labels.calibration == "INSUFFICIENT") return "too few flip to judge a forecast";
  return fmt::format("forecast F4 is {} and {}",
                     labels.calibration == "CALIBRATED" ? "calibrated" : "not calibrated",
                     labels.information == "INFORMATIVE"
                         ? "says more than the margin alone"
                         : "is not shown to say more than the margin alone");
}

std::string percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

std::string explain_audit(const audit::Report& report, const audit::Headline& columns,
                          const audit::Labels& labels) {
  const double flips = report.rate_of(columns.flips, columns.decisions).value_or(0);
  const std::optional<double> inherited = report.rate_of(columns.phi_input, columns.total);
  std::string sentence = percent(flips) + " of the routing decisions flip";
  if (inherited) {
    sentence += fmt::format(", {} of that by the gates' inputs and {} by the gates",
                            percent(*inherited), percent(1 - *inherited));
  }
  const Analysis& analysis = report.analysis();
  sentence += fmt::format(
      "; the loss changes by {:+.3g} nats, {:+.3g} of them by choosing other "
      "experts; {}.",
      analysis.mean(columns.loss_delta).value_or(0), analysis.mean(columns.phi_routing).value_or(0),
      forecast_words(labels));
  return sentence;
}

// Decisions that flip, as the row's effect.
Criterion flip_rate(const audit::Report& report, const audit::Headline& columns) {
  return {.name = "flip_rate",
          .layer = -1,
          .estimate = report.rate_of(columns.flips, columns.decisions).value_or(0),
          .ci95 = report.analysis().ratio_interval(columns.flips, columns.decisions),
          .holds = true,
          .z = {}};
}

}  // namespace

void judge_audit(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const std::optional<audit::KeyChange> change = audit::read_key_change(c);
  const audit::Record record = audit::read_record(c);
  if (!c.inspect.sound()) return;
  if (change) audit::check_below(c, record, *change);
  if (!c.inspect.sound()) return;
  Claims& claims = finding.claims;
  audit::Report report(c);
  const audit::Headline columns = audit::add_summary(c, record, report, claims);
  check_resample_budget(
      {c.header.n_windows, report.analysis().columns() + audit::score_columns(record),
       *c.header.replicates},
      c.inspect.options().max_replicates, judgement.path);
  report.analysis().resample();
  report.claim(claims);
  const audit::Labels labels =
      audit::claim_scores(c, record, report.analysis().primary().replicates(), claims);
  const bool identical = audit::identical(c, record);
  claims.text({"summary", "outcome"}, identical ? "IDENTICAL" : "CHANGED");
  claims.text({"summary", "verdict"}, "REPORTED");

  finding.verdict = Verdict::reported;
  judgement.effect = flip_rate(report, columns);
  if (!labels.calibration.empty()) {
    judgement.beside.push_back({"F4, calibration", labels.calibration});
    judgement.beside.push_back({"F4, information", labels.information});
  }
  judgement.notes.push_back(
      "not recomputable from the artifact and taken as stated: which decisions flip, the losses, "
      "the forecasts' draws, the bounds and which decisions are guaranteed (their totals and what "
      "they imply of each other were checked)");
  judgement.sentence =
      identical
          ? "On these windows the two checkpoints choose the same experts with the same "
            "weights and predict the same, bit for bit."
          : (change ? "With " + change->name + ", " : "") + explain_audit(report, columns, labels);
}

}  // namespace rg::verify
