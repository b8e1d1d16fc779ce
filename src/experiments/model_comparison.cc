#include "experiments/model_comparison.h"

#include <algorithm>
#include <string>
#include <vector>

namespace rg::experiments {
namespace {

// Across models: H1 iff all are H1; H3 iff some is; H2 iff none is H3 and some is H2.
std::string common_label(const std::vector<std::string>& labels) {
  const auto is = [&](const char* label) {
    return std::count(labels.begin(), labels.end(), std::string(label));
  };
  if (is("H1") == std::ssize(labels)) return "H1";
  if (is("H3") > 0) return "H3";
  return is("H2") > 0 ? "H2" : "inconclusive";
}

}  // namespace

Json compare_models(std::span<const Json* const> artifacts) {
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
  return {
      {"models", std::move(models)},
      {"comparison",
       {{"exact", common_label(exact)}, {"published", common_label(published)}, {"rows", rows}}}};
}

}  // namespace rg::experiments
