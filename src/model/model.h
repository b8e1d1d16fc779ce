// A checkpoint bound to a family: every config key read or known to be irrelevant, every tensor
// bound or known to be irrelevant, every shape checked. No weight is read here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/checkpoint.h"
#include "gate/gate.h"

namespace rg::model {

// A config value and where it came from: "config.json: num_experts", or "class default", or
// "fixed by the family".
struct Origin {
  std::string field, value, source;
};

struct AttentionSpec {
  uint32_t heads, kv_heads, head_width;
  bool qk_norm;                   // RMSNorm over the full projected q and k, before RoPE
  std::optional<float> clip_qkv;  // clamp of q, k, v after the norm
  float rope_base;
  float scale;  // 1/sqrt(head_width)
};

// The tensors of one layer; pointers into the checkpoint's table.
using Tensor = const formats::TensorEntry*;

// A whole matrix, or one expert's part of a tensor that holds all experts.
struct TensorSlice {
  Tensor tensor;
  uint64_t offset_bytes;  // within the tensor
  uint32_t rows, columns;

  uint64_t elements() const { return uint64_t{rows} * columns; }
  uint64_t bytes() const { return elements() * dtype_bytes(tensor->dtype); }
};

struct ExpertTensors {
  TensorSlice gate, up, down;  // (I,d), (I,d), (d,I)
};
struct LayerTensors {
  Tensor attention_norm, q, k, v, o, q_norm, k_norm;  // q_norm, k_norm null without qk_norm
  Tensor mlp_norm, router;
  std::vector<ExpertTensors> experts;
};

struct Model {
  std::string family;  // "olmoe"
  uint32_t width;      // d
  uint32_t layers;
  uint32_t expert_width;  // I
  uint32_t vocabulary;    // embedding rows
  uint32_t positions;     // max_position_embeddings
  float norm_epsilon;
  AttentionSpec attention;
  gate::GateSpec gate;
  std::vector<int> moe_layers;
  bool tied_embeddings;   // embedding and unembedding are one tensor
  bool head_despite_tie;  // the config ties them, the checkpoint holds both
  Tensor embedding, final_norm;
  Tensor unembedding;  // null if the checkpoint has none: require_unembedding()
  std::vector<LayerTensors> layer_tensors;
  std::vector<Origin> origins;     // for `inspect`, field by field
  std::vector<std::string> notes;  // for `inspect`: where config and tensors left a choice
};

// Picks the family by model_type, reads the config strictly, binds the tensors. CF0xx, ST02x.
Model bind_model(const formats::Checkpoint& checkpoint);

// ST023 if the model has no head.
void require_unembedding(const Model& model);

}  // namespace rg::model
