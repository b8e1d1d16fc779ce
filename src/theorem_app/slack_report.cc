#include "theorem_app/slack_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/output.h"
#include "app/table.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "theorem_app/theorem_lookup.h"
#include "theorems/catalogue.h"

namespace rg::app {
namespace {

constexpr uint64_t kLargestArtifact = uint64_t{1} << 30;
constexpr const char* kSlackTest = "theorem_slack";
// Members that the page holds.
constexpr const char* kShown[] = {"model",          "domain",  "theorems",        "no_check",
                                  "not_applicable", "summary", "program_version", "body_sha256"};
using Align = Table::Align;

std::string count_text(const Json& count) { return std::to_string(count.get<uint64_t>()); }

std::string share_text(const Json& share) {
  return share.is_null() ? "-" : fmt::format("{:.3g}", share.get<double>());
}

std::string side_text(const Json& side) {
  return side.is_null() ? "-" : fmt::format("{:.6g}", side.get<double>());
}

// The bin in which the middle one of the shares lies: "0.35-0.40".
std::string median_bin(const Json& histogram) {
  uint64_t total = 0, sum = 0;
  for (const Json& count : histogram) total += count.get<uint64_t>();
  if (total == 0) return "-";
  for (size_t bin = 0; bin < histogram.size(); ++bin) {
    sum += histogram[bin].get<uint64_t>();
    if (2 * sum < total) continue;
    const double width = 1.0 / static_cast<double>(histogram.size());
    const double low = static_cast<double>(bin) * width;
    return fmt::format("{:.2f}-{:.2f}", low, low + width);
  }
  return "-";
}

const char* holds_text(const Json& of) {
  if (of.at("cases") == 0) return "-";
  return of.at("violated") == 0 ? "yes" : "NO";
}

void add_layer(const Json& artifact, const std::string& id, const std::string& layer,
               Table& table) {
  const Json& cases = artifact.at("cases").at(layer);
  if (!cases.contains(id)) return;
  const Json& names = artifact.at("theorems").at(id);
  for (size_t q = 0; q < names.size(); ++q) {
    const Json& of = cases.at(id).at(q);
    const Json& tightest = of.at("tightest");
    const bool none = tightest.is_null();
    table.row({layer, names[q].at("name").get<std::string>(), holds_text(of),
               count_text(of.at("cases")), count_text(of.at("skipped")),
               share_text(none ? Json() : tightest.at("used")),
               side_text(none ? Json() : tightest.at("value")),
               names[q].at("relation").get<std::string>(),
               side_text(none ? Json() : tightest.at("bound"))});
  }
}

std::string reasons_text(const Json& artifact, const std::string& id) {
  std::string out;
  for (const auto& [layer, reasons] : artifact.at("not_applicable").items()) {
    if (!reasons.contains(id)) continue;
    out += fmt::format("  layer {}: {}\n", layer,
                       escape_for_terminal(reasons.at(id).get<std::string>()));
  }
  return out;
}

bool is_count(const Json& value) { return value.is_number_unsigned(); }

bool has(const Json& object, const char* member, bool (*right)(const Json&)) {
  return object.is_object() && object.contains(member) && right(object.at(member));
}

bool is_object(const Json& value) { return value.is_object(); }
bool is_text(const Json& value) { return value.is_string(); }

bool is_histogram(const Json& value) {
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_count);
}

bool is_share(const Json& value) {
  return value.is_null() || (value.is_number() && value >= 0 && value <= 1);
}

bool is_where(const Json& value) {
  return value.is_null() || (has(value, "layer", is_count) && has(value, "name", is_text));
}

bool theorem_fits(const Json& of) {
  return has(of, "layers", is_count) && has(of, "cases", is_count) &&
         has(of, "violated", is_count) && has(of, "histogram", is_histogram) &&
         has(of, "largest_used", is_share) && has(of, "tightest", is_where);
}

bool all_texts(const Json& value) {
  return value.is_object() && std::all_of(value.begin(), value.end(), is_text);
}

// What the page shows of an artifact that anyone may have written.
bool texts_fit(const Json& artifact) {
  const Json& reasons = artifact.at("not_applicable");
  return has(artifact.at("model"), "ckpt", is_text) && has(artifact, "domain", is_text) &&
         has(artifact, "body_sha256", is_text) && all_texts(artifact.at("no_check")) &&
         reasons.is_object() && std::all_of(reasons.begin(), reasons.end(), all_texts);
}

bool summary_fits(const Json& summary) {
  if (!has(summary, "per_theorem", is_object) || !has(summary, "verdict", is_object)) return false;
  const Json &theorems = summary.at("per_theorem"), &verdict = summary.at("verdict");
  return has(verdict, "outcome", is_text) && has(verdict, "violated", is_count) &&
         std::all_of(theorems.begin(), theorems.end(), theorem_fits);
}

}  // namespace

Json read_slack_artifact(const std::filesystem::path& file) {
  Json artifact = parse_json(read_whole_file(file, kLargestArtifact), JsonLimits{}, file.string());
  const bool own =
      artifact.is_object() && artifact.contains("test") && artifact.at("test") == kSlackTest;
  const bool whole =
      own && std::all_of(std::begin(kShown), std::end(kShown),
                         [&](const char* member) { return artifact.contains(member); });
  if (!whole || !texts_fit(artifact) || !summary_fits(artifact.at("summary"))) {
    throw Error(ErrorId::US001, {.file = file.string(),
                                 .object = "--slack",
                                 .found = own ? "an artifact with other members" : "another file",
                                 .expected = "an artifact of theorem_slack, run.json",
                                 .hint = "routegauge theorems check --model writes one."});
  }
  return artifact;
}

std::string slack_table(const Json& artifact) {
  const Json& summary = artifact.at("summary");
  Table table({Align::left, Align::left, Align::left, Align::right, Align::right, Align::right,
               Align::left});
  table.row({"ID", "TITLE", "HOLDS", "CASES", "SLACK USED: MEDIAN", "LARGEST", "WHERE"});
  for (const auto& [id, of] : summary.at("per_theorem").items()) {
    const theorems::Entry* const entry = theorems::catalogue().find_entry(id);
    const Json& where = of.at("tightest");
    table.row({id, entry == nullptr ? "" : entry->title, holds_text(of), count_text(of.at("cases")),
               median_bin(of.at("histogram")), share_text(of.at("largest_used")),
               where.is_null() ? ""
                               : fmt::format("layer {}, {}", where.at("layer").get<int>(),
                                             where.at("name").get<std::string>())});
  }
  const Json& verdict = summary.at("verdict");
  return table.text(0) +
         fmt::format(
             "{}, {}: {} of {} cases of {} theorems violated, {}; {} theorems say nothing "
             "about what a pass shows\n",
             escape_for_terminal(artifact.at("model").at("ckpt").get<std::string>()),
             escape_for_terminal(artifact.at("domain").get<std::string>()),
             count_text(verdict.at("violated")), count_text(verdict.at("cases")),
             count_text(verdict.at("theorems")), verdict.at("outcome").get<std::string>(),
             artifact.at("no_check").size());
}

std::string slack_in_full(const Json& artifact, const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) {
    const theorems::Entry& entry = find_entry(theorems::catalogue(), id, "--id");
    out += fmt::format("{}  {}\n", id, entry.title);
    if (artifact.at("no_check").contains(id)) {
      out += "  " + artifact.at("no_check").at(id).get<std::string>() + '\n';
      continue;
    }
    Table table({Align::left, Align::left, Align::left, Align::right, Align::right, Align::right,
                 Align::right, Align::left, Align::right});
    table.row(
        {"LAYER", "QUANTITY", "HOLDS", "CASES", "SKIPPED", "SLACK USED", "VALUE", "", "BOUND"});
    for (const Json& layer : artifact.at("layers")) {
      add_layer(artifact, id, std::to_string(layer.get<int>()), table);
    }
    out += table.text(2) + reasons_text(artifact, id);
  }
  return out;
}

Json slack_for_page(const Json& artifact) {
  Json out = {{"schema_version", 1}};
  for (const char* member : kShown) out[member] = artifact.at(member);
  out["summary"].erase("bootstrap");
  return out;
}

bool slack_holds(const Json& artifact) {
  return artifact.at("summary").at("verdict").at("violated") == 0;
}

}  // namespace rg::app
