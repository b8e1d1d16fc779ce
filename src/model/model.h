// A checkpoint bound to a family: every config key read or known to be irrelevant, every tensor
// bound or known to be irrelevant, every shape checked. No weight is read here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "model/layer.h"

namespace rg::model {

// A config value and where it came from: "config.json: num_experts", or "class default", or
// "fixed by the family".
struct Origin {
  std::string field, value, source;
};

struct Model {
  std::string family;                                        // "olmoe"
  uint32_t width;                                            // d
  uint32_t vocabulary;                                       // embedding rows
  uint32_t positions;                                        // tokens of a sequence, at most
  std::string positions_source = "max_position_embeddings";  // what sets that limit
  std::vector<Layer> layers;
  Norm final_norm;
  Weight embedding;
  float embedding_multiplier = 1;           // of its rows, as they enter the residual stream
  std::optional<float> logit_softcap = {};  // c tanh(logit / c), after the division
  float logit_divisor = 1;                  // of the final logits
  Weight unembedding_bias = {};
  Weight unembedding;              // absent if the checkpoint has none: require_unembedding()
  bool tied_embeddings;            // embedding and unembedding are one tensor
  bool head_despite_tie;           // the config ties them, the checkpoint holds both
  std::vector<Origin> origins;     // for `inspect`, field by field
  std::vector<std::string> notes;  // for `inspect`: where config and tensors left a choice

  const Layer& layer(int index) const { return layers[static_cast<size_t>(index)]; }
  std::vector<int> moe_layers() const;  // those with a gate, ascending; never empty
  // Of the layers with a gate, which are alike in these (model/unsupported.h).
  const gate::GateSpec& gate() const;
  bool has_rms_gate_norms() const;    // in front of every router
  bool adds_plain_outputs() const;    // Layer::adds_plain_outputs of every layer with a gate
  const ExpertGroup& routed() const;  // of the first layer with a gate
  uint32_t expert_width() const;      // I of the routed experts
};

// Picks the family by model_type, reads the config strictly, binds the tensors. CF0xx, ST02x.
Model bind_model(const formats::Checkpoint& checkpoint);

std::vector<std::string_view> known_families();  // model_type of each, in byte order

// ST023 if the model has no head.
void require_unembedding(const Model& model);

}  // namespace rg::model
