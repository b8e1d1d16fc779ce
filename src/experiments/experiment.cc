#include "experiments/experiment.h"

#include "base/error.h"
#include "experiments/attention_router.h"
#include "experiments/chart_compatibility.h"
#include "experiments/expert_load.h"
#include "experiments/key_only_router.h"
#include "experiments/kv_distortion.h"
#include "experiments/kv_gauge.h"
#include "experiments/terminal_ovk_scan.h"
#include "experiments/theorem_slack.h"

namespace rg::experiments {

const std::vector<Declaration>& all_experiments() {
  static const std::vector<Declaration> all = {attention_router_declaration(),
                                               expert_load_declaration(),
                                               chart_compatibility_declaration(),
                                               terminal_ovk_scan_declaration(),
                                               kv_gauge_declaration(),
                                               kv_distortion_declaration(),
                                               theorem_slack_declaration(),
                                               key_only_router_declaration()};
  return all;
}

const Json& Setting::parameter(const std::string& key) const {
  const auto at = parameters.find(key);
  check_internal(at != parameters.end(), "an experiment reads parameters that it declares");
  return at->second;
}

std::unique_ptr<Experiment> Declaration::make(const Setting& setting) const {
  Setting complete = setting;
  complete.parameters = effective_parameters(parameters, setting.parameters, setting.layers);
  return create(complete);
}

Json comparisons(std::span<const Json* const> artifacts) {
  Json tables = Json::object();
  for (const Declaration& declaration : all_experiments()) {
    if (declaration.compare == nullptr) continue;
    std::vector<const Json*> own;
    for (const Json* artifact : artifacts) {
      if (artifact->at("test") == declaration.name) own.push_back(artifact);
    }
    if (!own.empty()) tables[declaration.name] = declaration.compare(own);
  }
  return tables;
}

}  // namespace rg::experiments
