// OLMoE checkpoints of any small shape with random-normal weights, written as a folder: single or
// sharded, experts apart or fused as transformers 5 saves them.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "support/safetensors_builder.h"
#include "support/temp_folder.h"

namespace rg::test {

enum class ExpertLayout { apart, fused };

struct TinyOlmoe {
  uint32_t layers = 2;
  uint32_t width = 16;
  uint32_t heads = 4, kv_heads = 2;
  uint32_t expert_width = 6;
  uint32_t experts = 5, top_k = 2;
  uint32_t vocabulary = 24;
  uint32_t positions = 64;
  bool norm_topk_prob = false;
  std::optional<float> clip_qkv;
  bool tied = false;
  bool f32 = false;  // else bf16
  ExpertLayout layout = ExpertLayout::apart;
  uint32_t shards = 1;  // 1: model.safetensors; more: an index
  uint64_t seed = 1;
};

inline Json olmoe_config(const TinyOlmoe& tiny) {
  return {{"architectures", {"OlmoeForCausalLM"}},
          {"attention_bias", false},
          {"attention_dropout", 0.0},
          {"clip_qkv", tiny.clip_qkv ? Json(*tiny.clip_qkv) : Json(nullptr)},
          {"eos_token_id", 1},
          {"hidden_act", "silu"},
          {"hidden_size", tiny.width},
          {"initializer_range", 0.02},
          {"intermediate_size", tiny.expert_width},
          {"max_position_embeddings", tiny.positions},
          {"model_type", "olmoe"},
          {"norm_topk_prob", tiny.norm_topk_prob},
          {"num_attention_heads", tiny.heads},
          {"num_experts", tiny.experts},
          {"num_experts_per_tok", tiny.top_k},
          {"num_hidden_layers", tiny.layers},
          {"num_key_value_heads", tiny.kv_heads},
          {"output_router_logits", false},
          {"pad_token_id", 0},
          {"rms_norm_eps", 1e-5},
          {"rope_scaling", nullptr},
          {"rope_theta", 10000.0},
          {"router_aux_loss_coef", 0.01},
          {"tie_word_embeddings", tiny.tied},
          {"torch_dtype", tiny.f32 ? "float32" : "bfloat16"},
          {"transformers_version", "4.43.0"},
          {"use_cache", true},
          {"vocab_size", tiny.vocabulary}};
}

inline std::vector<FileTensor> olmoe_tensors(const TinyOlmoe& tiny) {
  std::vector<FileTensor> tensors;
  // `mean` + normal values of variance 1/columns: every tensor differs from every other.
  const auto values = [&](uint32_t stream, uint64_t count, float mean, float deviation) {
    std::vector<float> out(count);
    for (uint32_t i = 0; i < count; ++i) {
      out[i] = mean + normal_value(tiny.seed, stream, i, deviation);
    }
    return out;
  };
  uint32_t stream = 0;
  const auto add = [&](std::string name, std::vector<uint64_t> shape, const std::vector<float>& v) {
    tensors.push_back({std::move(name), tiny.f32 ? "F32" : "BF16", std::move(shape),
                       tiny.f32 ? f32_bytes(v) : bf16_bytes(v)});
  };
  const auto matrix = [&](uint64_t rows, uint64_t columns) {
    return values(stream++, rows * columns, 0, 1 / std::sqrt(static_cast<float>(columns)));
  };
  const auto norm = [&](const std::string& name, uint64_t width) {
    add(name, {width}, values(stream++, width, 1, 0.2f));
  };
  const auto plain = [&](const std::string& name, uint64_t rows, uint64_t columns) {
    add(name, {rows, columns}, matrix(rows, columns));
  };

  const uint64_t d = tiny.width, inner = tiny.expert_width;
  const uint64_t kv = d / tiny.heads * tiny.kv_heads;
  plain("model.embed_tokens.weight", tiny.vocabulary, d);
  for (uint32_t layer = 0; layer < tiny.layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + '.';
    norm(prefix + "input_layernorm.weight", d);
    plain(prefix + "self_attn.q_proj.weight", d, d);
    plain(prefix + "self_attn.k_proj.weight", kv, d);
    plain(prefix + "self_attn.v_proj.weight", kv, d);
    plain(prefix + "self_attn.o_proj.weight", d, d);
    norm(prefix + "self_attn.q_norm.weight", d);
    norm(prefix + "self_attn.k_norm.weight", kv);
    norm(prefix + "post_attention_layernorm.weight", d);
    plain(prefix + "mlp.gate.weight", tiny.experts, d);
    std::vector<float> all_gate_up, all_down;
    for (uint32_t e = 0; e < tiny.experts; ++e) {
      const std::vector<float> gate = matrix(inner, d), up = matrix(inner, d);
      const std::vector<float> down = matrix(d, inner);
      if (tiny.layout == ExpertLayout::fused) {
        all_gate_up.insert(all_gate_up.end(), gate.begin(), gate.end());
        all_gate_up.insert(all_gate_up.end(), up.begin(), up.end());
        all_down.insert(all_down.end(), down.begin(), down.end());
        continue;
      }
      const std::string expert = prefix + "mlp.experts." + std::to_string(e) + '.';
      add(expert + "gate_proj.weight", {inner, d}, gate);
      add(expert + "up_proj.weight", {inner, d}, up);
      add(expert + "down_proj.weight", {d, inner}, down);
    }
    if (tiny.layout == ExpertLayout::fused) {
      add(prefix + "mlp.experts.gate_up_proj", {tiny.experts, 2 * inner, d}, all_gate_up);
      add(prefix + "mlp.experts.down_proj", {tiny.experts, d, inner}, all_down);
    }
  }
  norm("model.norm.weight", d);
  if (!tiny.tied) plain("lm_head.weight", tiny.vocabulary, d);
  return tensors;
}

// config.json and the weights into `folder`.
inline void write_checkpoint(const std::filesystem::path& folder, const Json& config,
                             const std::vector<FileTensor>& tensors, uint32_t shards) {
  put_file(folder / "config.json", config.dump(2));
  if (shards == 1) {
    put_file(folder / "model.safetensors", build_safetensors(tensors));
    return;
  }
  Json index = {{"metadata", {{"total_size", 0}}}, {"weight_map", Json::object()}};
  uint64_t total = 0;
  for (uint32_t shard = 0; shard < shards; ++shard) {
    const std::string name =
        "part-" + std::to_string(shard + 1) + "-of-" + std::to_string(shards) + ".safetensors";
    std::vector<FileTensor> members;
    for (size_t i = shard; i < tensors.size(); i += shards) {  // neighbours in different files
      members.push_back(tensors[i]);
      index["weight_map"][tensors[i].name] = name;
      total += tensors[i].bytes.size();
    }
    put_file(folder / name, build_safetensors(members));
  }
  index["metadata"]["total_size"] = total;
  put_file(folder / "model.safetensors.index.json", index.dump(2));
}

inline void write_olmoe(const std::filesystem::path& folder, const TinyOlmoe& tiny) {
  write_checkpoint(folder, olmoe_config(tiny), olmoe_tensors(tiny), tiny.shards);
}

}  // namespace rg::test
