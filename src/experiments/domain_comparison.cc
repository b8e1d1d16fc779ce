#include "experiments/domain_comparison.h"

#include <map>
#include <string>
#include <vector>

namespace rg::experiments {
namespace {

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

}  // namespace

Json compare_domains(std::span<const Json* const> artifacts) {
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

}  // namespace rg::experiments
