#include "model/model.h"

#include "base/error.h"

namespace rg::model {

bool Layer::adds_plain_outputs() const {
  for (const ExpertGroup& group : groups) {
    if (group.output_norm) return false;
  }
  return !feed_forward_output_norm;
}

std::vector<int> Model::moe_layers() const {
  std::vector<int> gated;
  for (size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].router) gated.push_back(static_cast<int>(l));
  }
  return gated;
}

const gate::GateSpec& Model::gate() const { return layer(moe_layers().front()).router->spec; }

const ExpertGroup& Model::routed() const { return layer(moe_layers().front()).groups.front(); }

uint32_t Model::expert_width() const { return routed().spec.inner_width; }

}  // namespace rg::model
