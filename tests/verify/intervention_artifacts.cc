#include "verify/intervention_artifacts.h"

#include "verify/fixture.h"

namespace rg::verify::testing {

Json expert_row(int layer, int expert, const Json& action) {
  return {{"layer", layer}, {"expert", expert}, {"action", action}};
}

Json imposed_row(int layer, const Json& weights_sha256) {
  const Json routes = {{"ids_sha256", std::string(32, '0') + std::string(32, 'f')},
                       {"weights_sha256", weights_sha256}};
  return {{"layer", layer}, {"action", {{"impose", routes}}}};
}

void set_intervention(Json& artifact, const Json& rows) {
  artifact["intervention"] = artifact["settings"]["intervention"] = {{"interventions", rows}};
}

void change_nothing(Json& artifact) {
  Json& p = artifact["per_window"];
  const uint32_t t = artifact["data"]["seq_len"].get<uint32_t>() - 1;
  p["loss"] = p["loss_plain"];
  for (Json& value : p["kl"]) value = 0;
  for (Json& count : p["top1_equal"]) count = t;
  for (const char* name : {"mass", "changed"}) {
    for (Json& layer : p[name]) {
      for (Json& count : layer) count = 0;
    }
  }
}

Json make_intervention(const Shape& shape) {
  Json a = common("intervention", shape);
  Draws draws(31);
  const uint32_t t = shape.seq_len - 1;
  a["kl_direction"] = "p_intervened||p_plain";
  Json& p = a["per_window"];
  for (uint32_t w = 0; w < shape.windows; ++w) {
    p["loss_plain"].push_back(draws.around(3, 0.5) + 1e-6 * w);  // no window like another
    p["loss"].push_back(p["loss_plain"][w].get<double>() + draws.around(0.1, 0.2));
    p["kl"].push_back(draws.around(0.05, 0.03));
    p["top1_equal"].push_back(t - draws.below(t / 4 + 1));
  }
  for (const int layer : kLayers) {
    const std::string key = std::to_string(layer);
    for (uint32_t w = 0; w < shape.windows; ++w) {
      const uint32_t changed = layer == 1 ? 0 : draws.below(t / (layer == 3 ? 1 : 3) + 1);
      p["changed"][key].push_back(changed);
      p["mass"][key].push_back(changed + draws.below(changed + 1));
    }
  }
  add_tail(a, shape);
  set_intervention(a, {expert_row(3, 2, "mask"), expert_row(3, 5, "mask"),
                       expert_row(3, 0, "force"), expert_row(5, 4, {{"scale", 0.5}})});
  complete(a);
  return a;
}

}  // namespace rg::verify::testing
