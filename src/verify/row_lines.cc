#include "verify/row_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/wrap.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr size_t kShownReasons = 5;
constexpr size_t kShownWarnings = 3;
constexpr size_t kIndent = 4;

class Lines {
 public:
  explicit Lines(size_t columns) : columns_(columns) {}

  void add(std::string_view text) { text_ += wrapped(text, "", kIndent, columns_); }
  // Its second line and those after it are indented by two columns more.
  void item(std::string_view text) {
    text_ += wrapped(text, std::string(kIndent, ' '), kIndent + 2, columns_);
  }
  void more(size_t count, std::string_view what) {
    if (count > 0) add(fmt::format("... and {} more {}", count, what));
  }
  std::string take() { return std::move(text_); }

 private:
  size_t columns_;
  std::string text_;
};

// A reason without an id repeats what the sentence says, and is a detail.
void add_reasons(Lines& lines, const Judgement& judgement, const TableStyle& style) {
  std::vector<const Reason*> reasons;
  for (const Reason& reason : judgement.reasons) {
    if (style.details || !reason.id.empty()) reasons.push_back(&reason);
  }
  const size_t shown = std::min(reasons.size(), kShownReasons);
  for (size_t i = 0; i < shown; ++i) {
    const Reason& reason = *reasons[i];
    lines.item(fmt::format("{}{}{}{}", reason.id.empty() ? "reason: " : reason.id + ": ",
                           escape_for_terminal(reason.path), reason.path.empty() ? "" : ": ",
                           escape_for_terminal(reason.text)));
  }
  lines.more(reasons.size() - shown, "reasons (--json lists them)");
}

void add_warnings(Lines& lines, const Judgement& judgement, const TableStyle& style) {
  if (judgement.stability && judgement.stability->fragile) {
    const bool reported = judgement.stability->verdict == Verdict::reported;
    lines.item(fmt::format("warning: fragile: {} would be {}",
                           judgement.rule == "published"
                               ? "by the intervals that the artifact states the verdict"
                           : reported ? "with other resamples the conclusion"
                                      : "with other resamples the verdict",
                           reported ? "another" : verdict_name(judgement.stability->verdict)));
  }
  const size_t all = judgement.warnings.size();
  const size_t shown = style.details ? all : std::min(all, kShownWarnings);
  for (size_t i = 0; i < shown; ++i) {
    lines.item("warning: " + escape_for_terminal(judgement.warnings[i]));
  }
  lines.more(all - shown, "warnings (--details lists them)");
  if (judgement.rule == "published") {
    lines.item("warning: judged by the published rule: the artifact lacks our extra fields");
  }
}

void add_failing_layers(Lines& lines, const Judgement& judgement) {
  std::vector<int> interior, random_pair;
  for (const LayerFinding& finding : judgement.layers) {
    if (finding.failure_type == "neither") continue;
    if (finding.failure_type != "C2_only") interior.push_back(finding.layer);
    if (finding.failure_type != "C1_only") random_pair.push_back(finding.layer);
  }
  if (!interior.empty()) lines.item("not shown against the interior: " + at_layers(interior));
  if (!random_pair.empty()) {
    lines.item("not shown against a random pair: " + at_layers(random_pair));
  }
}

void add_settled(Lines& lines, const Judgement& judgement) {
  if (!judgement.convergence) return;
  const Convergence& found = *judgement.convergence;
  if (found.settled_at) {
    lines.item(fmt::format("convergence: the verdict is settled from {} of {} windows on{}",
                           *found.settled_at, judgement.n_windows,
                           found.settled.value_or(false) ? "" : ", later than half of them"));
  } else if (found.settled) {
    lines.item("convergence: the verdict is not settled at any number of windows");
  }
}

}  // namespace

std::string lines_under(const Judgement& judgement, const TableStyle& style, size_t columns) {
  Lines lines(columns);
  const bool unjudged =
      judgement.verdict == Verdict::invalid || judgement.verdict == Verdict::over_budget;
  // What can't be judged is told in the file's own words, which may be endless.
  lines.add(judgement.verdict == Verdict::invalid ? escape_for_terminal(judgement.sentence)
                                                  : escape_whole(judgement.sentence));
  add_reasons(lines, judgement, style);
  add_warnings(lines, judgement, style);
  if (unjudged || style.details) lines.item("file: " + escape_whole(judgement.path));
  if (!style.details) return lines.take();
  for (const Beside& beside : judgement.beside) {
    lines.item(fmt::format("also: {}: {}", also_words(beside.name),
                           escape_for_terminal(label_words(beside.verdict))));
  }
  add_failing_layers(lines, judgement);
  add_settled(lines, judgement);
  for (const std::string& note : judgement.notes) lines.item("note: " + note);
  if (!judgement.sha256.empty()) lines.item("sha256: " + judgement.sha256);
  return lines.take();
}

}  // namespace rg::verify
