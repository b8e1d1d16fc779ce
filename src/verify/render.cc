#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "verify/verify.h"

namespace rg::verify {
namespace {

constexpr size_t kShownReasons = 5;
using Row = std::vector<std::string>;

std::string show_number(double value) { return fmt::format("{:+.4g}", value); }

std::string show_effect(const Judgement& judgement) {
  if (!judgement.effect) return "-";
  const Criterion& effect = *judgement.effect;
  return fmt::format("{}{} {}", effect.name,
                     effect.layer < 0 ? "" : fmt::format("@{}", effect.layer),
                     show_number(effect.estimate));
}

std::string show_interval(const Judgement& judgement) {
  if (!judgement.effect || !judgement.effect->ci95) return "-";
  return fmt::format("[{}, {}]", show_number(judgement.effect->ci95->lo),
                     show_number(judgement.effect->ci95->hi));
}

std::string show_stability(const Judgement& judgement) {
  if (!judgement.stability) return "-";
  return fmt::format("{:.3f}{}", judgement.stability->probability,
                     judgement.stability->fragile ? " FRAGILE" : "");
}

std::string show_z(const Judgement& judgement) {
  return judgement.convergence ? fmt::format("{:.2f}", judgement.convergence->z) : "-";
}

std::string show_replication(const Judgement& judgement) {
  return judgement.convergence ? fmt::format("{:.2f}", judgement.convergence->replication) : "-";
}

std::string show_n90(const Judgement& judgement) {
  if (!judgement.convergence) return "-";
  return judgement.convergence->n_for_90 ? std::to_string(*judgement.convergence->n_for_90)
                                         : "never";
}

// Columns of a terminal: code points, which is enough for names and numbers.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string_view color_of(std::string_view verdict) {
  if (verdict == "PASS" || verdict == "HOLDS" || verdict == "REPORTED") return "\x1b[32m";
  if (verdict == "INVALID" || verdict == "OVER_BUDGET") return "\x1b[35m";
  return "\x1b[31m";
}

std::string pad(const Row& row, const std::vector<size_t>& widths, bool color) {
  constexpr size_t kVerdictColumn = 3;
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    const bool painted = color && i == kVerdictColumn && row[i] != "VERDICT";
    if (painted) line += color_of(row[i]);
    line += row[i];
    if (painted) line += "\x1b[0m";
    if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
  }
  return line + '\n';
}

// Text from files as a terminal may show it. Whole, unlike one line of a message: a sentence or
// a path cut short would be another one.
std::string escape_whole(std::string_view text) {
  constexpr size_t kPieceBytes = 32;  // escaped they stay below what escape_for_terminal cuts at
  std::string out;
  while (!text.empty()) {
    size_t bytes = std::min(kPieceBytes, text.size());
    // Not within a code point, unless it is longer than any can be.
    const auto continues = [&](size_t at) {
      return at < text.size() && (static_cast<unsigned char>(text[at]) >> 6) == 2;
    };
    while (bytes > kPieceBytes - 4 && continues(bytes)) --bytes;
    out += escape_for_terminal(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return out;
}

std::string details(const Judgement& judgement) {
  // What can't be judged is told in the file's own words, which may be endless.
  const bool own_words = judgement.verdict != Verdict::invalid;
  std::string text = "    ";
  text += own_words ? escape_whole(judgement.sentence) : escape_for_terminal(judgement.sentence);
  text += '\n';
  const size_t shown = std::min(judgement.reasons.size(), kShownReasons);
  for (size_t i = 0; i < shown; ++i) {
    const Reason& reason = judgement.reasons[i];
    text += fmt::format("    {}{}{}{}\n", reason.id.empty() ? "" : reason.id + ": ",
                        escape_for_terminal(reason.path), reason.path.empty() ? "" : ": ",
                        escape_for_terminal(reason.text));
  }
  if (judgement.reasons.size() > shown) {
    text += fmt::format("    ... and {} more reasons (--json lists them)\n",
                        judgement.reasons.size() - shown);
  }
  for (const Beside& beside : judgement.beside) {
    text += fmt::format("    beside: {} {}\n", beside.name, escape_for_terminal(beside.verdict));
  }
  std::string types;
  for (const LayerFinding& finding : judgement.layers) {
    if (finding.failure_type == "neither") continue;
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", finding.layer, finding.failure_type);
  }
  if (!types.empty()) text += "    fails by layer: " + types + '\n';
  if (judgement.convergence && judgement.convergence->settled_at) {
    text += fmt::format("    settled at {} of {} windows{}\n", *judgement.convergence->settled_at,
                        judgement.n_windows,
                        judgement.convergence->settled.value_or(false) ? " (SETTLED)" : "");
  } else if (judgement.convergence && judgement.convergence->settled) {
    text += "    not settled at any number of windows\n";
  }
  for (const std::string& warning : judgement.warnings) {
    text += "    warning: " + escape_for_terminal(warning) + '\n';
  }
  for (const std::string& note : judgement.notes) text += "    note: " + note + '\n';
  if (judgement.rule == "published") {
    text += "    judged by the published rule: the artifact lacks our extra fields\n";
  }
  if (judgement.verdict == Verdict::invalid && !judgement.sha256.empty()) {
    text += "    judged: sha256 " + judgement.sha256 + '\n';
  }
  return text;
}

Json json_interval(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return Json::array({interval->lo, interval->hi});
}

template <typename T>
Json json_optional(const std::optional<T>& value) {
  if (!value) return nullptr;
  return *value;
}

Json json_criterion(const Criterion& criterion) {
  return {{"name", criterion.name},         {"layer", criterion.layer},
          {"estimate", criterion.estimate}, {"ci95", json_interval(criterion.ci95)},
          {"holds", criterion.holds},       {"z", json_optional(criterion.z)}};
}

Json json_judgement(const Judgement& judgement) {
  Json out;
  out["path"] = judgement.path;
  out["test"] = judgement.test;
  out["model"] = judgement.model;
  out["domain"] = judgement.domain;
  out["verdict"] = verdict_name(judgement.verdict);
  if (judgement.arrays_verdict) out["arrays_verdict"] = verdict_name(*judgement.arrays_verdict);
  out["sentence"] = judgement.sentence;
  out["rule"] = judgement.rule;
  out["n_windows"] = judgement.n_windows;
  out["effect"] = judgement.effect ? json_criterion(*judgement.effect) : Json(nullptr);
  out["stability"] = nullptr;
  if (judgement.stability) {
    out["stability"] = {{"replicates", judgement.stability->replicates},
                        {"seed", judgement.stability->seed},
                        {"verdict", verdict_name(judgement.stability->verdict)},
                        {"probability", judgement.stability->probability},
                        {"fragile", judgement.stability->fragile}};
  }
  out["convergence"] = nullptr;
  if (judgement.convergence) {
    out["convergence"] = {{"z", judgement.convergence->z},
                          {"replication", judgement.convergence->replication},
                          {"n_for_90", json_optional(judgement.convergence->n_for_90)},
                          {"settled_at", json_optional(judgement.convergence->settled_at)},
                          {"settled", json_optional(judgement.convergence->settled)}};
  }
  out["criteria"] = Json::array();
  for (const Criterion& c : judgement.criteria) out["criteria"].push_back(json_criterion(c));
  out["beside"] = Json::array();
  for (const Beside& beside : judgement.beside) {
    out["beside"].push_back({{"name", beside.name}, {"verdict", beside.verdict}});
  }
  out["layers"] = Json::array();
  for (const LayerFinding& layer : judgement.layers) {
    out["layers"].push_back({{"layer", layer.layer}, {"failure_type", layer.failure_type}});
  }
  out["reasons"] = Json::array();
  for (const Reason& reason : judgement.reasons) {
    out["reasons"].push_back(
        {{"id", reason.id}, {"check", reason.check}, {"path", reason.path}, {"text", reason.text}});
  }
  out["warnings"] = judgement.warnings;
  out["notes"] = judgement.notes;
  out["sha256"] = judgement.sha256;
  out["body_sha256"] = judgement.body_sha256;
  return out;
}

// Text from files may hold anything; JSON must be UTF-8.
std::string printable(const std::string& text) {
  return nlohmann::json::parse(
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string csv_field(std::string_view raw) {
  const std::string text = escape_whole(raw);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string render_table(const std::vector<Judgement>& judgements, const TableStyle& style) {
  std::vector<Row> rows = {
      {"TEST", "MODEL", "DOMAIN", "VERDICT", "EFFECT", "95 %", "STABILITY", "Z", "REPL", "N90"}};
  double check_seconds = 0;
  double bootstrap_seconds = 0;
  for (const Judgement& judgement : judgements) {
    check_seconds += judgement.check_seconds;
    bootstrap_seconds += judgement.bootstrap_seconds;
    const auto name = [](const std::string& text) {
      return text.empty() ? std::string("-") : escape_for_terminal(text);
    };
    rows.push_back({name(judgement.test.empty() ? judgement.path : judgement.test),
                    name(judgement.model), name(judgement.domain),
                    std::string(verdict_name(judgement.verdict)), show_effect(judgement),
                    show_interval(judgement), show_stability(judgement), show_z(judgement),
                    show_replication(judgement), show_n90(judgement)});
  }
  std::vector<size_t> widths(rows[0].size(), 0);
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text = pad(rows[0], widths, false);
  for (size_t i = 0; i < judgements.size(); ++i) {
    text += pad(rows[i + 1], widths, style.color);
    text += details(judgements[i]);
  }
  if (style.times) {
    text += fmt::format("Read and checked in {:.2f} s, bootstrap {:.2f} s.\n", check_seconds,
                        bootstrap_seconds);
  }
  return text;
}

std::string render_json(const std::vector<Judgement>& judgements, const Options& options) {
  Json out;
  out["schema_version"] = "1";
  out["verifier"] = {{"replicates", options.replicates}, {"seed", options.seed}};
  out["exit_code"] = static_cast<int>(exit_code(judgements));
  out["verdicts"] = Json::array();
  for (Judgement judgement : judgements) {
    judgement.path = printable(judgement.path);
    out["verdicts"].push_back(json_judgement(judgement));
  }
  return write_json(out, JsonLayout::indented) + "\n";
}

std::string render_csv(const std::vector<Judgement>& judgements) {
  std::string text =
      "test,model,domain,verdict,effect,layer,estimate,ci_lo,ci_hi,stability,fragile,z,"
      "replication,n_for_90,sentence,path,sha256\n";
  for (const Judgement& j : judgements) {
    const bool interval = j.effect && j.effect->ci95;
    const Row row = {
        j.test,
        j.model,
        j.domain,
        std::string(verdict_name(j.verdict)),
        j.effect ? j.effect->name : "",
        j.effect && j.effect->layer >= 0 ? std::to_string(j.effect->layer) : "",
        j.effect ? fmt::format("{}", j.effect->estimate) : "",
        interval ? fmt::format("{}", j.effect->ci95->lo) : "",
        interval ? fmt::format("{}", j.effect->ci95->hi) : "",
        j.stability ? fmt::format("{}", j.stability->probability) : "",
        j.stability ? (j.stability->fragile ? "true" : "false") : "",
        j.convergence ? fmt::format("{}", j.convergence->z) : "",
        j.convergence ? fmt::format("{}", j.convergence->replication) : "",
        j.convergence && j.convergence->n_for_90 ? std::to_string(*j.convergence->n_for_90) : "",
        j.sentence,
        j.path,
        j.sha256};
    for (size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ",") + csv_field(row[i]);
    text += '\n';
  }
  return text;
}

}  // namespace rg::verify
