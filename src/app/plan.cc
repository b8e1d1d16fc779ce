#include <fmt/format.h>

#include "app/commands.h"
#include "app/measurement.h"
#include "app/output.h"
#include "app/parameters.h"
#include "app/table.h"
#include "app/units.h"
#include "base/error.h"

namespace rg::app {
namespace {

Json as_json(const std::string& model, const stream::Plan& plan, const stream::Settings& settings) {
  Json memory = Json::array();
  for (const auto& line : plan.memory)
    memory.push_back({{"what", line.what}, {"bytes", line.bytes}});
  return {{"model", model},
          {"passes", plan.passes},
          {"read_bytes", plan.read_bytes},
          {"flops", plan.flops},
          {"extra_flops", plan.extra_flops},
          {"memory", memory},
          {"peak_bytes", plan.peak_bytes},
          {"budget_bytes", plan.budget_bytes},
          {"budget_source", plan.budget_source},
          {"spill_bytes", plan.spill_bytes},
          {"block_windows", plan.block_windows},
          {"experts_per_slice", plan.experts_per_slice},
          {"threads", settings.threads},
          {"compute", settings.compute == stream::Compute::bf16 ? "bf16" : "f32"},
          {"flops_per_s", plan.flops_per_s},
          {"disk_bytes_per_s", settings.disk_bytes_per_s},
          {"expected_seconds", plan.expected_seconds}};
}

std::string as_text(const std::string& model, const stream::Plan& plan,
                    const stream::Settings& settings) {
  using Align = Table::Align;
  Table cost({Align::left, Align::left});
  cost.row({"model", escape_for_terminal(model)});
  cost.row({"passes", fmt::format("{}, each weight byte read once", plan.passes)});
  cost.row({"to read", format_bytes(plan.read_bytes)});
  cost.row({"to compute", fmt::format("{:.3g} FLOPs, and {:.3g} for the experiments", plan.flops,
                                      plan.extra_flops)});
  cost.row({"at", fmt::format("{:.0f} GFLOP/s (one product timed, {} threads, {})",
                              plan.flops_per_s / 1e9, settings.threads,
                              settings.compute == stream::Compute::bf16 ? "bf16" : "f32")});
  cost.row({"disk", fmt::format("{}/s (assumed; --disk)",
                                format_bytes(static_cast<uint64_t>(settings.disk_bytes_per_s)))});
  cost.row({"blocks", fmt::format("{} windows; {} experts read at a time", plan.block_windows,
                                  plan.experts_per_slice)});
  cost.row({"spilled", plan.spill_bytes == 0 ? "nothing" : format_bytes(plan.spill_bytes)});
  cost.row(
      {"budget", fmt::format("{}, by {}", format_bytes(plan.budget_bytes), plan.budget_source)});
  cost.row({"expected", "about " + format_seconds(plan.expected_seconds)});
  Table memory({Align::left, Align::right});
  for (const auto& line : plan.memory) memory.row({line.what, format_bytes(line.bytes)});
  memory.row({"together", format_bytes(plan.peak_bytes)});
  return cost.text(0) + "memory\n" + memory.text(2);
}

}  // namespace

int plan_command(const PlanOptions& options, const GlobalOptions& global) {
  const RunOptions& run = options.run;
  ProgressPrinter progress(global);
  Json plans = Json::array();
  std::string text;
  for (const std::string& name : chosen_models(run)) {
    Measurement measurement(name, run);
    if (run.windows.windows) {
      measurement.assume_texts();
    } else {
      measurement.read_texts(progress, {});
    }
    measurement.prepare(run.out);
    progress.finish_line();
    const std::string model = measurement.open().checkpoint.location().display_name;
    plans.push_back(as_json(model, measurement.plan(), measurement.settings()));
    text += (text.empty() ? "" : "\n") + as_text(model, measurement.plan(), measurement.settings());
  }
  const Json whole = plans.size() == 1 ? plans[0] : Json{{"plans", plans}};
  print(run.json ? write_json(whole, JsonLayout::indented) + '\n' : text);
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
