#include "synthetic_checkpoint.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "tensor/dtype.h"

namespace rg::bench {
namespace {

struct TensorPlan {
  std::string name;
  uint64_t rows, columns;  // columns 0: a vector of ones (norm gains)
};

std::vector<TensorPlan> tensors_of(const Shape& shape) {
  std::vector<TensorPlan> out = {{"model.embed_tokens.weight", shape.vocabulary, shape.width}};
  for (uint32_t l = 0; l < shape.layers; ++l) {
    const std::string layer = fmt::format("model.layers.{}.", l);
    out.push_back({layer + "input_layernorm.weight", shape.width, 0});
    out.push_back({layer + "post_attention_layernorm.weight", shape.width, 0});
    for (const char* part : {"q", "k", "v", "o"}) {
      out.push_back(
          {fmt::format("{}self_attn.{}_proj.weight", layer, part), shape.width, shape.width});
    }
    out.push_back({layer + "self_attn.q_norm.weight", shape.width, 0});
    out.push_back({layer + "self_attn.k_norm.weight", shape.width, 0});
    out.push_back({layer + "mlp.gate.weight", shape.experts, shape.width});
    for (uint32_t e = 0; e < shape.experts; ++e) {
      const std::string expert = fmt::format("{}mlp.experts.{}.", layer, e);
      out.push_back({expert + "gate_proj.weight", shape.expert_width, shape.width});
      out.push_back({expert + "up_proj.weight", shape.expert_width, shape.width});
      out.push_back({expert + "down_proj.weight", shape.width, shape.expert_width});
    }
  }
  out.push_back({"model.norm.weight", shape.width, 0});
  out.push_back({"lm_head.weight", shape.vocabulary, shape.width});
  return out;
}

Json config_of(const Shape& shape) {
  return {{"architectures", {"OlmoeForCausalLM"}},
          {"model_type", "olmoe"},
          {"hidden_size", shape.width},
          {"intermediate_size", shape.expert_width},
          {"num_hidden_layers", shape.layers},
          {"num_attention_heads", shape.heads},
          {"num_key_value_heads", shape.heads},
          {"num_experts", shape.experts},
          {"num_experts_per_tok", shape.top_k},
          {"norm_topk_prob", false},
          {"clip_qkv", nullptr},
          {"attention_bias", false},
          {"rope_theta", 10000.0},
          {"rope_scaling", nullptr},
          {"rms_norm_eps", 1e-5},
          {"vocab_size", shape.vocabulary},
          {"tie_word_embeddings", false},
          {"max_position_embeddings", 4096},
          {"hidden_act", "silu"},
          {"torch_dtype", "bfloat16"}};
}

// Normal values with variance 1/columns, from a pool that every row enters at its own place.
class NormalPool {
 public:
  NormalPool() : pool_(kSize) {
    for (uint32_t i = 0; i < kSize; ++i) {
      const double u = (draw_word(1, Purpose::audit, {i, 0, 0}, 0) + 0.5) * 0x1p-32;
      const double v = draw_word(1, Purpose::audit, {i, 1, 0}, 0) * 0x1p-32;
      pool_[i] = std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
    }
  }
  void row(uint32_t seed, double scale, std::vector<bf16_t>& out) const {
    size_t at = draw_below(kSize, 2, Purpose::audit, {seed, 0, 0});
    const size_t step = 2 * draw_below(512, 3, Purpose::audit, {seed, 0, 0}) + 1;
    for (bf16_t& value : out) {
      value = f32_to_bf16(static_cast<float>(scale * pool_[at]));
      at = (at + step) % kSize;
    }
  }

 private:
  static constexpr uint32_t kSize = 1u << 20;
  std::vector<double> pool_;
};

}  // namespace

void write_synthetic_checkpoint(const std::filesystem::path& folder, const Shape& shape) {
  const std::vector<TensorPlan> tensors = tensors_of(shape);
  Json header;
  uint64_t end = 0;
  for (const TensorPlan& tensor : tensors) {
    const uint64_t bytes = 2 * tensor.rows * (tensor.columns == 0 ? 1 : tensor.columns);
    Json dims = Json::array({tensor.rows});
    if (tensor.columns != 0) dims.push_back(tensor.columns);
    header[tensor.name] = {
        {"dtype", "BF16"}, {"shape", dims}, {"data_offsets", {end, end + bytes}}};
    end += bytes;
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
  const NormalPool pool;
  uint32_t seed = 0;
  for (const TensorPlan& tensor : tensors) {
    std::vector<bf16_t> row(tensor.columns == 0 ? tensor.rows : tensor.columns, f32_to_bf16(1.0f));
    const uint64_t rows = tensor.columns == 0 ? 1 : tensor.rows;
    for (uint64_t r = 0; r < rows; ++r) {
      if (tensor.columns != 0) {
        pool.row(seed++, 1.0 / std::sqrt(static_cast<double>(tensor.columns)), row);
      }
      file.write(reinterpret_cast<const char*>(row.data()),
                 static_cast<std::streamsize>(row.size() * sizeof(bf16_t)));
    }
  }
  file.close();
  write_file_atomically(folder / "config.json", write_json(config_of(shape), JsonLayout::indented),
                        IfExists::replace);
}

}  // namespace rg::bench
