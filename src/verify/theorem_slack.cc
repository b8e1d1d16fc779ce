// What theorems allow and what real keys, gates and experts use of it (docs/artifacts.md,
// theorem_slack): are there cases that break a theorem?
#include "verify/theorem_slack.h"

#include <fmt/format.h>

#include <algorithm>

#include "verify/theorem_slack_summary.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr size_t kNamedTheorems = 5;

// "JF-2 (most)"
std::string name_of_place(const slack::Place& place) {
  return fmt::format("{} ({})", place.id, place.name);
}

std::string explain_slack(const slack::Outcome& outcome, const std::vector<int>& layers) {
  const auto cases = static_cast<uint64_t>(outcome.cases);
  switch (outcome.verdict()) {
    case Verdict::broken: {
      std::string names;
      const size_t named = std::min(outcome.broken.size(), kNamedTheorems);
      for (size_t i = 0; i < named; ++i) names += (i == 0 ? "" : ", ") + outcome.broken[i];
      if (named < outcome.broken.size()) {
        names += fmt::format(" and {} more", outcome.broken.size() - named);
      }
      return fmt::format(
          "{} of {} at {} exceed{} what a theorem allows, rounding included ({}). No data can "
          "break a theorem: its statement, its check or the program is wrong.",
          outcome.violated, counted(cases, "case"), at_layers(layers),
          outcome.violated == 1 ? "s" : "", names);
    }
    case Verdict::degenerate:
      return fmt::format("At {} no theorem has a case: there are neither keys nor logits to check.",
                         at_layers(layers));
    default:
      break;
  }
  std::string text = fmt::format(
      "None of the {} of {} at {} exceeds what the theorem allows.", counted(cases, "case"),
      counted(static_cast<uint64_t>(outcome.theorems), "theorem"), at_layers(layers));
  if (outcome.closest) {
    text +=
        fmt::format(" Of the inequalities, {} comes closest to its bound: {:.4g} % of it at {}.",
                    name_of_place(*outcome.closest), 100 * outcome.closest->used,
                    at_layers(std::vector{outcome.closest->layer}));
  }
  return text;
}

// One criterion per theorem with a case: its largest share, or 0 where no case has one.
void add_criteria(const slack::Record& record, const std::vector<int>& layers,
                  Judgement& judgement) {
  for (size_t t = 0; t < slack::checked_theorems().size(); ++t) {
    std::optional<Criterion> worst;
    for (const int number : layers) {
      for (const slack::Cases& of : record.layers.at(number).theorems[t]) {
        if (of.cases == 0) continue;
        const double used = of.quantiles ? of.quantiles->back() : 0;
        const bool holds = of.violated == 0 && (!worst || worst->holds);
        if (!worst) {
          worst =
              Criterion{std::string(slack::checked_theorems()[t].id), number, used, {}, true, {}};
        } else if (used > worst->estimate) {
          worst->estimate = used;
          worst->layer = number;
        }
        worst->holds = holds;
      }
    }
    if (worst) judgement.criteria.push_back(*worst);
  }
}

// Two layers never have the same keys and logits.
void warn_equal_layers(const Case& c, const slack::Record& record) {
  std::map<std::string, int> seen;
  for (const auto& [number, layer] : record.layers) {
    if (slack::outcome_of(record, {number}).cases == 0) continue;
    const At cases = (c.root / "cases") / std::to_string(number);
    const auto [before, is_new] = seen.try_emplace(value_digest(*cases.value), number);
    if (is_new) continue;
    c.inspect.warn(fmt::format("cases.{} and {} are identical", before->second, cases.path));
  }
}

// What claims can't miss: lists that are empty, and members that nobody asked for.
void check_summary_members(const Case& c, const slack::Record& record) {
  Inspector& inspect = c.inspect;
  const At summary = c.root / "summary";
  const At per_theorem = inspect.need(summary, "per_theorem");
  if (inspect.is(per_theorem, Kind::object)) {
    const std::vector<slack::Theorem>& known = slack::checked_theorems();
    for (const Member& member : per_theorem.value->object().members) {
      const bool found =
          std::any_of(known.begin(), known.end(),
                      [&](const slack::Theorem& theorem) { return theorem.id == member.key; });
      if (found) continue;
      inspect.invalid(Check::theorem_list, (per_theorem / member.key).path,
                      "is no theorem with a check");
    }
  }
  const At per_layer = inspect.need(summary, "per_layer");
  if (inspect.is(per_layer, Kind::object)) {
    for (const Member& member : per_layer.value->object().members) {
      const At at = per_layer / member.key;
      const std::optional<int> layer = inspect.layer_key(member.key);
      if (!layer || !record.layers.contains(*layer)) {
        inspect.invalid(Check::layer_arrays, at.path, "is not a layer of `layers` in decimal");
      } else if (inspect.is(at, Kind::object)) {
        inspect.is(inspect.need(at, "broken"), Kind::array);
      }
    }
  }
  const At verdict = inspect.need(summary, "verdict");
  if (inspect.is(verdict, Kind::object)) inspect.is(inspect.need(verdict, "broken"), Kind::array);
}

}  // namespace

void judge_theorem_slack(const Case& c, Finding& finding) {
  const slack::Record record = slack::read_record(c);
  if (!c.inspect.sound()) return;
  warn_equal_layers(c, record);
  slack::claim_summary(record, finding.claims);
  check_summary_members(c, record);
  const std::vector<int>& layers = c.header.required;
  const slack::Outcome outcome = slack::outcome_of(record, layers);
  finding.verdict = outcome.verdict();

  Judgement& judgement = c.inspect.judgement();
  add_criteria(record, layers, judgement);
  judgement.effect = Criterion{.name = "violated_cases",
                               .layer = -1,
                               .estimate = static_cast<double>(outcome.violated),
                               .ci95 = {},
                               .holds = outcome.violated == 0,
                               .z = {}};
  judgement.beside.push_back({"theorems with cases", std::to_string(outcome.theorems)});
  if (outcome.closest) {
    judgement.beside.push_back(
        {"tightest inequality",
         fmt::format("{}, {:.4g} % at {}", name_of_place(*outcome.closest),
                     100 * outcome.closest->used, at_layers(std::vector{outcome.closest->layer}))});
  }
  judgement.notes.push_back(
      "not recomputable from the artifact and taken as stated: what attention and gate of a layer "
      "are, which cases were skipped or violated, their histogram and the numbers of the tightest "
      "case (what follows from them was checked)");
  judgement.sentence = explain_slack(outcome, layers);
}

}  // namespace rg::verify
