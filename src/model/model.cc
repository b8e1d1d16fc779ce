#include "model/model.h"

#include <algorithm>

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

bool Model::has_rms_gate_norms() const {
  return std::none_of(layers.begin(), layers.end(), [](const Layer& layer) {
    if (!layer.router) return false;
    const Norm& norm =
        layer.router->input_norm ? *layer.router->input_norm : layer.feed_forward_norm;
    return norm.spec.kind != NormKind::rms && norm.spec.kind != NormKind::rms_one_plus;
  });
}

bool Model::adds_plain_outputs() const {
  return std::all_of(layers.begin(), layers.end(), [](const Layer& layer) {
    return !layer.router || layer.adds_plain_outputs();
  });
}

const ExpertGroup& Model::routed() const { return layer(moe_layers().front()).groups.front(); }

uint32_t Model::expert_width() const { return routed().spec.inner_width; }

}  // namespace rg::model
