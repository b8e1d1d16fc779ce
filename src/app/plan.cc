#include <fmt/format.h>

#include "app/commands.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/study.h"
#include "app/table.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/wrap.h"
#include "lab/intervention_file.h"
#include "lab/programme.h"

namespace rg::app {
namespace {

constexpr size_t kPlanColumns = 100;

Json as_json(const std::vector<stream::Plan::Line>& lines) {
  Json all = Json::array();
  for (const auto& line : lines) all.push_back({{"what", line.what}, {"bytes", line.bytes}});
  return all;
}

Json as_json(const lab::Pass& pass) {
  const stream::Plan& plan = pass.plan();
  const stream::Settings& settings = pass.engine();
  Json plan_of_pass = {{"model", pass.subject().name()},
                       {"from", pass.subject().from_config() ? "config" : "headers"},
                       {"passes", plan.passes},
                       {"read_bytes", plan.read_bytes},
                       {"flops", plan.flops},
                       {"extra_flops", plan.extra_flops},
                       {"memory", as_json(plan.memory)},
                       {"peak_bytes", plan.peak_bytes},
                       {"budget_bytes", plan.budget_bytes},
                       {"budget_source", plan.budget_source},
                       {"spill_bytes", plan.spill_bytes},
                       {"spilled", as_json(plan.spilled)},
                       {"block_windows", plan.block_windows},
                       {"experts_per_slice", plan.experts_per_slice},
                       {"threads", settings.threads},
                       {"compute", settings.compute == stream::Compute::bf16 ? "bf16" : "f32"},
                       {"flops_per_s", plan.flops_per_s},
                       {"disk_bytes_per_s", settings.disk_bytes_per_s},
                       {"expected_seconds", plan.expected_seconds},
                       {"assumed", pass.assumed()}};
  if (pass.intervention()) plan_of_pass["intervention"] = lab::to_json(*pass.intervention());
  return plan_of_pass;
}

std::string as_text(const lab::Pass& pass) {
  using Align = Table::Align;
  const stream::Plan& plan = pass.plan();
  const stream::Settings& settings = pass.engine();
  Table cost({Align::left, Align::left});
  cost.row({"model", escape_for_terminal(pass.subject().name()) +
                         (pass.subject().from_config() ? ", from its config.json alone" : "")});
  cost.row({"passes", fmt::format("{}, each weight byte read once", plan.passes)});
  if (pass.intervention()) {
    const stream::Intervention& how = *pass.intervention();
    const std::string source = "changed by " + escape_for_terminal(how.source);
    if (!how.layers.empty() || how.keys.empty()) cost.row({"routes", source});
    if (!how.keys.empty()) {
      cost.row({"keys", fmt::format("{}, at {}", how.layers.empty() ? source : "changed",
                                    counted(how.keys.size(), "layer"))});
    }
  }
  cost.row({"to read", format_bytes(plan.read_bytes)});
  cost.row({"to compute", fmt::format("{:.3g} FLOPs, and {:.3g} for the experiments", plan.flops,
                                      plan.extra_flops)});
  cost.row({"at", fmt::format("{:.0f} GFLOP/s (one product timed, {}, {})", plan.flops_per_s / 1e9,
                              counted(static_cast<uint64_t>(settings.threads), "thread"),
                              settings.compute == stream::Compute::bf16 ? "bf16" : "f32")});
  cost.row({"blocks", fmt::format("{}; {} read at a time", counted(plan.block_windows, "window"),
                                  counted(plan.experts_per_slice, "expert"))});
  cost.row({"spilled", plan.spilled.empty()
                           ? "nothing"
                           : format_bytes(plan.spill_bytes) + ", to the folder of --out"});
  cost.row(
      {"budget", fmt::format("{}, by {}", format_bytes(plan.budget_bytes), plan.budget_source)});
  cost.row({"expected", "about " + format_seconds(plan.expected_seconds)});
  Table memory({Align::left, Align::right});
  for (const auto& line : plan.memory) memory.row({line.what, format_bytes(line.bytes)});
  memory.row({"together", format_bytes(plan.peak_bytes)});
  std::string text = cost.text(0) + "memory\n" + memory.text(2);
  if (!plan.spilled.empty()) {
    Table spilled({Align::left, Align::right});
    for (const auto& line : plan.spilled) spilled.row({line.what, format_bytes(line.bytes)});
    text += "spilled\n" + spilled.text(2);
  }
  text += "assumed\n";
  for (const std::string& line : pass.assumed()) {
    text += wrapped(escape_for_terminal(line), "  ", 4, kPlanColumns);
  }
  return text;
}

// What several passes need together: memory and spill file of one are free again for the next.
Json as_json(const lab::Cost& cost) {
  return {{"passes", cost.passes},
          {"read_bytes", cost.read_bytes},
          {"flops", cost.flops},
          {"extra_flops", cost.extra_flops},
          {"peak_bytes", cost.peak_bytes},
          {"spill_bytes", cost.spill_bytes},
          {"expected_seconds", cost.expected_seconds}};
}

std::string as_text(const lab::Cost& cost, const char* of) {
  Table table({Table::Align::left, Table::Align::left});
  table.row({"passes", std::to_string(cost.passes)});
  table.row({"to read", format_bytes(cost.read_bytes)});
  table.row({"to compute", fmt::format("{:.3g} FLOPs, and {:.3g} for the experiments", cost.flops,
                                       cost.extra_flops)});
  table.row({"memory", "at most " + format_bytes(cost.peak_bytes)});
  table.row({"spilled", cost.spill_bytes == 0 ? "nothing"
                                              : "at most " + format_bytes(cost.spill_bytes) +
                                                    " at a time, to the folder of --out"});
  table.row({"expected", "about " + format_seconds(cost.expected_seconds)});
  return fmt::format("{}\n{}", of, table.text(2));
}

}  // namespace

int plan_command(const PlanOptions& options, const GlobalOptions& global) {
  const RunOptions& run = options.run;
  ProgressPrinter progress(global);
  const std::unique_ptr<lab::Study> study = make_study(run, lab::Purpose::plan);
  lab::Programme& programme = study->programme();
  if (study->knows_window_count()) {
    study->assume();
  } else {
    study->read(run.engine, {}, progress);
  }
  programme.make_plans(run.out);
  progress.finish_line();
  Json plans = Json::array();
  std::string text;
  for (const auto& pass : programme.passes()) {
    plans.push_back(as_json(*pass));
    text += (text.empty() ? "" : "\n") + as_text(*pass);
  }
  Json whole = plans[0];
  if (plans.size() > 1) {
    whole = {{"plans", plans}, {"together", as_json(programme.cost())}};
    text += '\n' + as_text(programme.cost(), run.intervene.empty() ? "all models" : "both passes");
  }
  print(run.json ? write_json(whole, JsonLayout::indented) + '\n' : text);
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
