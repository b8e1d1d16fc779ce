#include "app/log_facts.h"

#include "base/json.h"
#include "lab/subject.h"

namespace rg::app {

logs::ModelFacts log_model_facts(const std::string& argument) {
  const lab::Subject subject = lab::Subject::open_or_config(argument);
  const model::Model& model = subject.model();
  logs::ModelFacts facts{.name = subject.name(),
                         .width = model.width,
                         .vocabulary = model.vocabulary,
                         .layers = static_cast<uint32_t>(model.layers.size()),
                         .extra_layers = 0,
                         .moe_layers = model.moe_layers(),
                         .hash_layers = {},
                         .gate = model.gate()};
  const Json& config = subject.checkpoint().config();
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
