#include "app/audit_table.h"

#include <fmt/format.h>

#include "app/table.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/wrap.h"

namespace rg::app {
namespace {

constexpr uint64_t kLargestArtifact = uint64_t{1} << 32;
constexpr size_t kTableColumns = 100;
using Align = Table::Align;

std::string percent(const Json& rate) {
  return rate.is_null() ? "-" : fmt::format("{:.2f} %", 100 * rate.get<double>());
}

std::string number(const Json& value) {
  return value.is_null() ? "-" : fmt::format("{:.3g}", value.get<double>());
}

std::string with_interval(const Json& estimate, const Json& interval) {
  if (estimate.is_null() || interval.is_null()) return "-";
  return fmt::format("{:+.4g} [{:+.4g}, {:+.4g}]", estimate.get<double>(),
                     interval[0].get<double>(), interval[1].get<double>());
}

std::string mean(const Json& block) { return with_interval(block.at("mean"), block.at("ci95")); }

void add_layer(const std::string& name, const Json& of, Table& table) {
  const auto rate = [&](const char* member) { return percent(of.at(member).at("rate")); };
  const Json& floor = of.at("floor");
  const Json& pass = floor.at("pass");
  table.row({name, rate("flips"), rate("total"), rate("local"), rate("inherited"), rate("phi_gate"),
             rate("phi_input"), percent(floor.at("gates").at("flips").at("rate")),
             pass.is_null() ? "-" : percent(pass.at("flips").at("rate"))});
}

// What was done to the keys of B, which is A otherwise.
std::string keys_text(const Json& change) {
  const Json &how = change.at("description"), &fit = how.at("fit"), &layers = change.at("layers");
  const auto word = [](const Json& of, const char* member) {
    return escape_for_terminal(of.at(member).get<std::string>());
  };
  const std::string scale = word(how, "scale");
  std::string text = fmt::format("B is A with {} at {}: a scale for every {}, {}",
                                 word(change, "name"), counted(layers.size(), "layer"),
                                 scale == "key" ? "row" : scale, word(how, "rule"));
  if (!fit.is_null()) {
    text += fmt::format(", fitted on {}", fit.at("documents") == "all"
                                              ? "all documents"
                                              : "every other document, from the first on");
  }
  return wrapped(text + '.', "  ", 2, kTableColumns);
}

std::string layers_text(const Json& summary) {
  Table table({Align::left, Align::right, Align::right, Align::right, Align::right, Align::right,
               Align::right, Align::right, Align::right});
  table.row(
      {"LAYER", "FLIPS", "TOTAL", "LOCAL", "INHERITED", "GATE", "INPUT", "FLOOR: GATES", "PASS"});
  for (const auto& [layer, of] : summary.at("per_layer").items()) add_layer(layer, of, table);
  add_layer("all", summary.at("pooled"), table);
  return table.text(2);
}

std::string losses_text(const Json& summary, bool keys_changed) {
  const Json &damage = summary.at("damage"), &split = summary.at("two_by_two");
  Table table({Align::left, Align::left});
  table.row({"loss of A, of B",
             fmt::format("{:.4f}, {:.4f}", damage.at("loss_a").at("mean").get<double>(),
                         damage.at("loss_b").at("mean").get<double>())});
  table.row({"change", mean(split.at("D"))});
  table.row({"by other experts chosen", mean(split.at("phi_R"))});
  table.row({keys_changed ? "by changed keys" : "by changed weights", mean(split.at("phi_W"))});
  table.row({"KL(B || A)", mean(damage.at("kl"))});
  table.row({"same first choice of token", percent(damage.at("top1").at("rate"))});
  return table.text(2);
}

std::string forecasts_text(const Json& forecasts) {
  if (forecasts.is_null()) return "  no forecast: all windows are of one document\n";
  Table table({Align::left, Align::right, Align::right, Align::right, Align::right, Align::left,
               Align::left});
  table.row({"FORECAST", "RATIO", "SLOPE", "SKILL/F0", "SKILL/F1", "CALIBRATION", "INFORMATION"});
  for (const auto& [name, forecast] : forecasts.items()) {
    const Json& score = forecast.at("pooled");
    const auto value = [&](const char* member) {
      const Json& block = score.at(member);
      return block.is_null() ? "-" : number(block.at("value"));
    };
    table.row({name, number(score.at("ratio").at("rate")), value("slope"), value("skill_f0"),
               value("skill_f1"), score.at("calibration").get<std::string>(),
               score.at("information").get<std::string>()});
  }
  return table.text(2);
}

}  // namespace

std::string audit_tables(std::span<const std::filesystem::path> artifacts) {
  std::string text;
  for (const std::filesystem::path& file : artifacts) {
    const Json artifact =
        parse_json(read_whole_file(file, kLargestArtifact),
                   JsonLimits{.max_depth = 64, .max_bytes = kLargestArtifact}, file.string());
    const Json &edge = artifact.at("edge"), &summary = artifact.at("summary");
    const auto named = [&](const Json& name) {
      return escape_for_terminal(name.get<std::string>());
    };
    if (!text.empty()) text += '\n';
    text += fmt::format("{}: A {}, B {}\n", named(artifact.at("domain")), named(edge.at("ckpt_a")),
                        named(edge.at("ckpt_b")));
    const Json& settings = artifact.at("settings");
    const bool keys_changed = settings.contains("key_change");
    if (keys_changed) text += keys_text(settings.at("key_change"));
    text += layers_text(summary) + '\n' + losses_text(summary, keys_changed) + '\n' +
            forecasts_text(summary.at("forecasts"));
  }
  return text;
}

}  // namespace rg::app
