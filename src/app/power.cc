#include "app/power.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "app/commands.h"
#include "app/output.h"
#include "app/table.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/wrap.h"
#include "verify/verify.h"
#include "verify/words.h"

namespace rg::app {
namespace {

constexpr double kMostWindows = 9e15;
constexpr uint64_t kVerdictWindows = 200;
constexpr size_t kPowerColumns = 100;

// Tests whose verdict compares means over windows with 0, so that z = |mean| / error.
constexpr const char* kPoweredTests[] = {"boundary_amplification", "chart_compatibility",
                                         "terminal_ovk_scan",      "kl_edge_dominance",
                                         "terminal_tracking",      "terminal_compatibility"};

using Needed = std::array<std::optional<uint64_t>, kPowerGoals.size()>;

Needed needed_for(double windows, std::optional<double> z) {
  Needed needed;
  for (size_t i = 0; i < kPowerGoals.size() && z; ++i) {
    needed[i] = windows_needed(windows, *z, kPowerGoals[i]);
  }
  return needed;
}

// Why no criterion of this artifact is listed; empty if some are.
std::string without_power(const verify::Judgement& pilot) {
  if (pilot.verdict == verify::Verdict::invalid || pilot.verdict == verify::Verdict::over_budget) {
    return std::string(verify::verdict_name(pilot.verdict)) + ": " + pilot.sentence;
  }
  if (pilot.test == "behavior_compression") {
    return "A control holds for want of evidence: no number of windows makes it hold.";
  }
  if (pilot.test == "kl_bounded_adaptation") {
    return "Its errors are over tuned runs: what it needs is more of these, not windows.";
  }
  const bool powered = std::count(std::begin(kPoweredTests), std::end(kPoweredTests), pilot.test);
  if (!powered) return "It measures without a claim.";
  return pilot.criteria.empty() ? "Nothing was compared with a threshold." : "";
}

std::optional<double> error_of(const verify::Criterion& criterion) {
  if (!criterion.z || *criterion.z == 0) return std::nullopt;
  return std::abs(criterion.estimate / *criterion.z);
}

std::string name_of(const verify::Criterion& criterion) {
  std::string name(verify::effect_words(criterion.name).words);
  if (criterion.layer >= 0) name += fmt::format(", layer {}", criterion.layer);
  return escape_for_terminal(name);
}

std::string cell(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}g}", *value, digits) : "-";
}
std::string cell(const std::optional<uint64_t>& windows) {
  return windows ? format_count(*windows) : "never";
}

std::vector<std::string> goal_names(std::vector<std::string> row) {
  for (const PowerGoal& goal : kPowerGoals) row.push_back(fmt::format("for {} %", goal.percent));
  return row;
}

Table power_table() {
  using Align = Table::Align;
  return Table({Align::left, Align::right, Align::right, Align::right, Align::right, Align::right,
                Align::right});
}

// All criteria have to hold: the one that needs most decides.
std::string decisive_line(const Needed& all) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i]) {
      parts.push_back(fmt::format("{} for {} %", format_count(*all[i]), kPowerGoals[i].percent));
    }
  }
  return parts.empty()
             ? "Some criterion's effect points away from the claim, or has no error."
             : fmt::format("windows, by the criterion that needs most: {}", fmt::join(parts, ", "));
}

// By goal the largest over the criteria; none where a criterion has none.
Needed most_needed(const verify::Judgement& pilot) {
  Needed most;
  for (size_t i = 0; i < most.size(); ++i) {
    most[i] = 0;
    for (const verify::Criterion& criterion : pilot.criteria) {
      const auto windows = needed_for(static_cast<double>(pilot.n_windows), criterion.z)[i];
      most[i] = windows && most[i] ? std::optional(std::max(*most[i], *windows)) : std::nullopt;
    }
  }
  return most;
}

std::string pilot_text(const verify::Judgement& pilot) {
  std::string text = escape_for_terminal(fmt::format(
      "{}, {}, {}: {}", pilot.test, pilot.model, pilot.domain, counted(pilot.n_windows, "window")));
  text += '\n';
  const std::string none = without_power(pilot);
  if (!none.empty()) {
    return text + wrapped(escape_for_terminal(none), "  ", 2, kPowerColumns);
  }
  Table table = power_table();
  table.row(goal_names({"criterion", "effect", "error", "z"}));
  for (const verify::Criterion& criterion : pilot.criteria) {
    std::vector<std::string> row = {name_of(criterion), cell(std::optional(criterion.estimate), 3),
                                    cell(error_of(criterion), 2), cell(criterion.z, 3)};
    for (const auto& windows : needed_for(static_cast<double>(pilot.n_windows), criterion.z)) {
      row.push_back(cell(windows));
    }
    table.row(std::move(row));
  }
  return text + table.text(2) + wrapped(decisive_line(most_needed(pilot)), "  ", 2, kPowerColumns);
}

Json needed_json(const Needed& needed) {
  Json windows = Json::object();
  for (size_t i = 0; i < needed.size(); ++i) {
    windows[std::to_string(kPowerGoals[i].percent)] = needed[i] ? Json(*needed[i]) : Json(nullptr);
  }
  return windows;
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json pilot_json(const verify::Judgement& pilot) {
  const std::string none = without_power(pilot);
  Json row = {{"path", pilot.path},
              {"test", pilot.test},
              {"model", pilot.model},
              {"domain", pilot.domain},
              {"verdict", verify::verdict_name(pilot.verdict)},
              {"n_windows", pilot.n_windows},
              {"criteria", Json::array()},
              {"windows", none.empty() ? needed_json(most_needed(pilot)) : Json(nullptr)}};
  if (!none.empty()) {
    row["reason"] = none;
    return row;
  }
  for (const verify::Criterion& criterion : pilot.criteria) {
    row["criteria"].push_back(
        {{"name", criterion.name},
         {"layer", criterion.layer},
         {"effect", criterion.estimate},
         {"standard_error", optional_json(error_of(criterion))},
         {"z", optional_json(criterion.z)},
         {"windows", needed_json(needed_for(static_cast<double>(pilot.n_windows), criterion.z))}});
  }
  return row;
}

int power_of_effect(const PowerOptions& options) {
  const Needed needed = needed_for(1, options.effect);
  if (options.json) {
    const Json row = {{"effect", *options.effect}, {"windows", needed_json(needed)}};
    print(write_json(row, JsonLayout::indented) + '\n');
    return static_cast<int>(ExitCode::done);
  }
  Table table = power_table();
  table.row(goal_names({"effect (mean / standard deviation of a window)"}));
  std::vector<std::string> row = {fmt::format("{:.4g}", *options.effect)};
  for (const auto& windows : needed) row.push_back(cell(windows));
  table.row(std::move(row));
  print(table.text(0) + fmt::format("A verdict needs at least {} windows.\n", kVerdictWindows));
  return static_cast<int>(ExitCode::done);
}

}  // namespace

std::optional<uint64_t> windows_needed(double windows, double z, const PowerGoal& goal) {
  if (!(z > 0)) return std::nullopt;
  const double ratio = goal.distance / z;
  const double needed = std::ceil(windows * (ratio * ratio));
  if (!(needed < kMostWindows)) return std::nullopt;
  return static_cast<uint64_t>(needed);
}

int power_command(const PowerOptions& options, const GlobalOptions&) {
  if (options.effect) return power_of_effect(options);
  verify::Options judge;
  judge.threads = effective_threads(0);
  const std::vector<verify::Judgement> pilots = verify::verify_paths(options.pilots, judge);
  Json rows = Json::array();
  std::string text;
  bool invalid = false;
  for (const verify::Judgement& pilot : pilots) {
    invalid = invalid || pilot.verdict == verify::Verdict::invalid;
    if (options.json) {
      rows.push_back(pilot_json(pilot));
    } else {
      text += pilot_text(pilot) + '\n';
    }
  }
  text += wrapped(
      fmt::format("Power by the normal approximation, at the effect that the pilot found: that "
                  "effect is itself uncertain, as its error says. A verdict needs at least {} "
                  "windows.",
                  kVerdictWindows),
      "", 0, kPowerColumns);
  print(options.json ? write_json({{"pilots", rows}}, JsonLayout::indented) + '\n' : text);
  return static_cast<int>(invalid ? ExitCode::artifact : ExitCode::done);
}

}  // namespace rg::app
