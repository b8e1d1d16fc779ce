// The results file: what was written, and the cross-artifact tables that no single artifact holds.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "record/artifact.h"

namespace rg::record {
namespace {

std::tm utc(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  return parts;
}

std::vector<const Json*> of_test(std::span<const ResultEntry> entries, const std::string& test) {
  std::vector<const Json*> found;
  for (const ResultEntry& entry : entries) {
    if (entry.written.test == test) found.push_back(&entry.artifact);
  }
  return found;
}

// Across models: H1 iff all are H1; H3 iff some is; H2 iff none is H3 and some is H2.
std::string compare(const std::vector<std::string>& labels) {
  const auto is = [&](const char* label) {
    return std::count(labels.begin(), labels.end(), std::string(label));
  };
  if (is("H1") == std::ssize(labels)) return "H1";
  if (is("H3") > 0) return "H3";
  return is("H2") > 0 ? "H2" : "inconclusive";
}

Json attention_router(const std::vector<const Json*>& artifacts) {
  Json models = Json::array(), rows = Json::array();
  std::vector<std::string> exact, published;
  for (const Json* artifact : artifacts) {
    const Json& summary = artifact->at("summary");
    const Json& verdict = summary.at("verdict");
    const Json& name = artifact->at("model").at("ckpt");
    models.push_back({{"model", name},
                      {"domain", artifact->at("domain")},
                      {"convention", artifact->at("convention")},
                      {"decomposition", artifact->at("prompts")},
                      {"published_table", summary.at("published_table")},
                      {"context_tests", summary.at("context_tests")},
                      {"hypotheses", verdict},
                      {"statistics", summary.at("per_layer")}});
    exact.push_back(verdict.at("exact").get<std::string>());
    published.push_back(verdict.at("published").at("without_first").at("label").get<std::string>());
    rows.push_back({{"model", name},
                    {"domain", artifact->at("domain")},
                    {"exact", exact.back()},
                    {"published", published.back()}});
  }
  return {{"models", std::move(models)},
          {"comparison",
           {{"exact", compare(exact)}, {"published", compare(published)}, {"rows", rows}}}};
}

// How one model's use of each expert divides over the domains, all domains weighted equally.
Json specialisation_of_model(const std::vector<const Json*>& domains) {
  Json names = Json::array(), layers = Json::object();
  for (const Json* artifact : domains) names.push_back(artifact->at("domain"));
  for (const auto& [layer, first] : domains.front()->at("summary").at("per_layer").items()) {
    Json experts = Json::array();
    for (size_t e = 0; e < first.at("share").size(); ++e) {
      std::vector<double> shares;
      double total = 0;
      for (const Json* artifact : domains) {
        shares.push_back(
            artifact->at("summary").at("per_layer").at(layer).at("share").at(e).get<double>());
        total += shares.back();
      }
      Json row = Json::array();
      for (const double share : shares) row.push_back(total > 0 ? Json(share / total) : Json());
      experts.push_back(std::move(row));
    }
    layers[layer] = std::move(experts);
  }
  return {{"model", domains.front()->at("model").at("ckpt")},
          {"layers", std::move(layers)},
          {"domains", std::move(names)}};
}

Json expert_load(const std::vector<const Json*>& artifacts) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Json*>> by_model;
  for (const Json* artifact : artifacts) {
    const auto name = artifact->at("model").at("ckpt").get<std::string>();
    if (!by_model.contains(name)) order.push_back(name);
    by_model[name].push_back(artifact);
  }
  Json rows = Json::array();
  for (const std::string& name : order) {
    if (by_model[name].size() > 1) rows.push_back(specialisation_of_model(by_model[name]));
  }
  return {{"domain_specialisation", std::move(rows)}};
}

}  // namespace

Json assemble_results(const std::filesystem::path& out, std::span<const ResultEntry> entries,
                      std::time_t now) {
  Json artifacts = Json::array();
  for (const ResultEntry& entry : entries) {
    artifacts.push_back({{"test", entry.written.test},
                         {"model", entry.artifact.at("model").at("ckpt")},
                         {"domain", entry.written.domain},
                         {"path", entry.written.path.lexically_relative(out).generic_string()},
                         {"body_sha256", entry.written.body_sha256}});
  }
  Json results = {
      {"schema_version", kSchemaVersion},
      {"created_utc", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc(now))},
      {"program_version", entries.empty() ? Json("") : entries[0].artifact.at("program_version")},
      {"artifacts", std::move(artifacts)}};
  if (const auto found = of_test(entries, "attention_router"); !found.empty()) {
    results["attention_router"] = attention_router(found);
  }
  if (const auto found = of_test(entries, "expert_load"); !found.empty()) {
    results["expert_load"] = expert_load(found);
  }
  return results;
}

std::filesystem::path write_results(const std::filesystem::path& out, const Json& results,
                                    std::time_t now) {
  const std::filesystem::path folder = out / "results";
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorId::IO004, {.file = folder.string(),
                                 .found = failure.message(),
                                 .expected = "a folder that can be created",
                                 .hint = "Check the permissions of --out."});
  }
  std::filesystem::path path;
  do {
    path = folder / fmt::format("results_{:%Y%m%d_%H%M%S}.json", utc(now++));
  } while (std::filesystem::exists(path));
  write_file_atomically(path, write_json(results, JsonLayout::indented) + "\n", IfExists::refuse);
  return path;
}

}  // namespace rg::record
