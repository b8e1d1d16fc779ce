// Verdicts for programs: JSON and CSV.
#include <fmt/format.h>

#include "base/json.h"
#include "verify/verify.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

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
    const std::vector<std::string> row = {
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
