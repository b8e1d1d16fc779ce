#include "app/log_facts.h"

#include "app/inputs.h"
#include "base/json.h"

namespace rg::app {

logs::ModelFacts log_model_facts(const std::string& argument) {
  const OpenModel open = open_model_or_config(argument);
  const model::Model& model = open.model;
  logs::ModelFacts facts{.name = open.checkpoint.location().display_name,
                         .width = model.width,
                         .vocabulary = model.vocabulary,
                         .layers = static_cast<uint32_t>(model.layers.size()),
                         .extra_layers = 0,
                         .moe_layers = model.moe_layers(),
                         .hash_layers = {},
                         .gate = model.gate()};
  const Json& config = open.checkpoint.config();
  const auto extra = config.find("num_nextn_predict_layers");
  if (extra != config.end() && extra->is_number_unsigned() && *extra < 64) {
    facts.extra_layers = extra->get<uint32_t>();
  }
  for (const int layer : facts.moe_layers) {
    if (model.layer(layer).router->spec.ids_from_table) facts.hash_layers.push_back(layer);
  }
  return facts;
}

}  // namespace rg::app
