#include "synthetic_checkpoint.h"

#include <cmath>
#include <fstream>
#include <vector>

#include "base/file.h"
#include "base/random.h"
#include "model/model.h"

namespace rg::bench {
namespace {

// What fills rows of a matrix: pieces of a pool, each row's from its own place.
class RandomRows {
 public:
  RandomRows() : normal_(kSize), packed_(kSize) {
    for (uint32_t i = 0; i < kSize; ++i) {
      const uint32_t word = draw_word(1, Purpose::audit, {i, 0, 0}, 0);
      const double u = (word + 0.5) * 0x1p-32;
      const double v = draw_word(1, Purpose::audit, {i, 1, 0}, 0) * 0x1p-32;
      normal_[i] = std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
      packed_[i] = static_cast<uint8_t>((word & 0x80) | 0x30 | (word & 0x0f));  // +-0.5 to 1.875
    }
  }
  void normal(uint32_t seed, double scale, std::vector<bf16_t>& out) const {
    walk(seed, out.size(), [&](size_t i, size_t at) {
      out[i] = f32_to_bf16(static_cast<float>(scale * normal_[at]));
    });
  }
  void packed(uint32_t seed, std::vector<uint8_t>& out) const {
    walk(seed, out.size(), [&](size_t i, size_t at) { out[i] = packed_[at]; });
  }

 private:
  template <typename F>
  static void walk(uint32_t seed, size_t count, F&& f) {
    size_t at = draw_below(kSize, 2, Purpose::audit, {seed, 0, 0});
    const size_t step = 2 * draw_below(512, 3, Purpose::audit, {seed, 0, 0}) + 1;
    for (size_t i = 0; i < count; ++i) {
      f(i, at);
      at = (at + step) % kSize;
    }
  }

  static constexpr uint32_t kSize = 1u << 20;
  std::vector<double> normal_;
  std::vector<uint8_t> packed_;
};

template <typename T>
void write_values(std::ofstream& file, const std::vector<T>& values) {
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
}

// Matrices: variance 1/columns; gains 1; biases 0.
void write_tensor(std::ofstream& file, const formats::TensorEntry& tensor, const RandomRows& random,
                  uint32_t& seed) {
  const uint64_t columns = tensor.shape.back(), rows = tensor.elements() / columns;
  if (tensor.dtype == DType::f8_e4m3) {
    std::vector<uint8_t> row(columns);
    for (uint64_t r = 0; r < rows; ++r) {
      random.packed(seed++, row);
      write_values(file, row);
    }
  } else if (tensor.dtype == DType::f32) {
    write_values(file, std::vector<float>(tensor.elements()));  // selection biases
  } else if (tensor.name.ends_with("_scale_inv")) {
    constexpr float kScale = 0.01f;  // 1/sqrt(columns), about
    write_values(file, std::vector<bf16_t>(tensor.elements(), f32_to_bf16(kScale)));
  } else {
    const bool bias = tensor.name.ends_with("bias");
    std::vector<bf16_t> row(columns, f32_to_bf16(bias ? 0.0f : 1.0f));
    for (uint64_t r = 0; r < rows; ++r) {
      if (tensor.shape.size() > 1) {
        random.normal(seed++, 1.0 / std::sqrt(static_cast<double>(columns)), row);
      }
      write_values(file, row);
    }
  }
}

}  // namespace

Json olmoe_shaped() {
  return {{"architectures", {"OlmoeForCausalLM"}},
          {"model_type", "olmoe"},
          {"hidden_size", 2048},
          {"intermediate_size", 1024},
          {"num_hidden_layers", 4},
          {"num_attention_heads", 16},
          {"num_key_value_heads", 16},
          {"num_experts", 64},
          {"num_experts_per_tok", 8},
          {"norm_topk_prob", false},
          {"clip_qkv", nullptr},
          {"attention_bias", false},
          {"rope_theta", 10000.0},
          {"rope_scaling", nullptr},
          {"rms_norm_eps", 1e-5},
          {"vocab_size", 50304},
          {"tie_word_embeddings", false},
          {"max_position_embeddings", 4096},
          {"hidden_act", "silu"},
          {"torch_dtype", "bfloat16"}};
}

Json deepseek_shaped() {
  return {{"architectures", {"DeepseekV3ForCausalLM"}},
          {"model_type", "deepseek_v3"},
          {"hidden_size", 7168},
          {"intermediate_size", 18432},
          {"moe_intermediate_size", 2048},
          {"num_hidden_layers", 3},
          {"first_k_dense_replace", 1},
          {"num_attention_heads", 128},
          {"num_key_value_heads", 128},
          {"q_lora_rank", 1536},
          {"kv_lora_rank", 512},
          {"qk_nope_head_dim", 128},
          {"qk_rope_head_dim", 64},
          {"v_head_dim", 128},
          {"n_routed_experts", 256},
          {"n_shared_experts", 1},
          {"num_experts_per_tok", 8},
          {"n_group", 8},
          {"topk_group", 4},
          {"topk_method", "noaux_tc"},
          {"scoring_func", "sigmoid"},
          {"norm_topk_prob", true},
          {"routed_scaling_factor", 2.5},
          {"moe_layer_freq", 1},
          {"num_nextn_predict_layers", 0},
          {"attention_bias", false},
          {"rope_theta", 10000.0},
          {"rope_scaling", nullptr},
          {"rms_norm_eps", 1e-6},
          {"vocab_size", 4096},
          {"tie_word_embeddings", false},
          {"max_position_embeddings", 4096},
          {"hidden_act", "silu"},
          {"quantization_config",
           {{"quant_method", "fp8"},
            {"fmt", "e4m3"},
            {"activation_scheme", "dynamic"},
            {"weight_block_size", {128, 128}}}},
          {"torch_dtype", "bfloat16"}};
}

void write_synthetic_checkpoint(const std::filesystem::path& folder, const Json& config) {
  const std::string config_text = write_json(config, JsonLayout::indented);
  const auto made = formats::Checkpoint::of_config(
      config_text,
      formats::RequestedTensors(
          {.dtype = DType::bf16, .most_tensors = 1000000, .has = [](std::string_view name) {
             return name == "lm_head.weight" || name.ends_with("_scale_inv");
           }}));
  model::bind_model(made);
  Json header;
  uint64_t end = 0;
  for (const auto& [name, tensor] : made.requested()->made()) {
    header[name] = {{"dtype", dtype_name(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {end, end + tensor.size_bytes}}};
    end += tensor.size_bytes;
  }
  std::string text = write_json(header, JsonLayout::compact);
  text.append((8 - text.size() % 8) % 8, ' ');

  const auto weights = folder / "model.safetensors";
  if (std::filesystem::exists(weights) &&
      std::filesystem::file_size(weights) == 8 + text.size() + end) {
    return;
  }
  std::filesystem::create_directories(folder);
  std::ofstream file(weights, std::ios::binary);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  const uint64_t length = text.size();
  file.write(reinterpret_cast<const char*>(&length), sizeof length);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  const RandomRows random;
  uint32_t seed = 0;
  for (const auto& [name, tensor] : made.requested()->made()) {
    write_tensor(file, tensor, random, seed);
  }
  file.close();
  write_file_atomically(folder / "config.json", config_text, IfExists::replace);
}

}  // namespace rg::bench
