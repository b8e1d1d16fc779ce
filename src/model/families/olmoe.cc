#include "model/families/olmoe.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "model/config_reader.h"
#include "model/tensor_binder.h"

namespace rg::model {
namespace {

const std::string kFixed = "fixed by the family";

struct Config {
  uint32_t width, layers, expert_width, vocabulary, positions;
  uint32_t heads, kv_heads, head_width;
  uint32_t experts, top_k;
  bool normalise, tied;
  float norm_epsilon, rope_base;
  std::optional<float> clip_qkv;
};

float positive(const ConfigReader& reader, std::string_view key, double value) {
  const auto narrow = static_cast<float>(value);
  if (!(narrow > 0) || !std::isfinite(narrow)) {
    reader.refuse(key, fmt::format("{}", value), "a positive number within fp32's range", "");
  }
  return narrow;
}

void require_plain_rope(ConfigReader& rope) {
  for (const std::string_view key : {"rope_type", "type"}) {  // new and old spelling
    if (!rope.has(key)) continue;
    const std::string type = rope.text(key, "attention.rope_type");
    if (type != "default") {
      rope.refuse(key, '"' + escape_for_terminal(type) + '"', "\"default\"",
                  "No OLMoE was released with scaled RoPE; it is not implemented.");
    }
  }
}

// rope_theta and rope_scaling (transformers 4), or rope_parameters (5).
float read_rope(ConfigReader& reader, std::vector<Origin>& origins) {
  constexpr double kClassBase = 10000;
  if (const Json* scaling = reader.object_if("rope_scaling")) {
    ConfigReader inner(*scaling, "rope_scaling", origins);
    require_plain_rope(inner);
    inner.refuse_leftovers({});
  }
  const Json* parameters = reader.object_if("rope_parameters");
  if (parameters == nullptr) {
    return positive(reader, "rope_theta",
                    reader.real_or("rope_theta", "attention.rope_base", kClassBase));
  }
  ConfigReader inner(*parameters, "rope_parameters", origins);
  require_plain_rope(inner);
  const double base = inner.has("rope_theta")
                          ? inner.real_or("rope_theta", "attention.rope_base", kClassBase)
                          : reader.real_or("rope_theta", "attention.rope_base", kClassBase);
  inner.refuse_leftovers({});
  if (inner.has("rope_theta")) {
    const auto old = reader.real_if("rope_theta", "attention.rope_base");
    if (old && *old != base) {
      reader.refuse("rope_theta", fmt::format("{}", *old),
                    fmt::format("{}, as in rope_parameters", base),
                    "The two spellings of the RoPE base disagree.");
    }
  }
  return positive(reader, "rope_theta", base);
}

void read_attention(ConfigReader& reader, std::vector<Origin>& origins, Config& config) {
  config.heads = reader.count_or("num_attention_heads", "attention.heads", 16);
  if (const auto kv_heads = reader.count_if("num_key_value_heads", "attention.kv_heads")) {
    config.kv_heads = *kv_heads;
  } else {
    config.kv_heads = config.heads;
    reader.state("attention.kv_heads", std::to_string(config.heads),
                 "class default: num_attention_heads");
  }
  if (config.heads == 0 || config.width % config.heads != 0 ||
      config.width / config.heads % 2 != 0) {
    reader.refuse(
        "num_attention_heads", std::to_string(config.heads),
        fmt::format("a divisor of hidden_size={} that leaves an even head width", config.width),
        "");
  }
  if (config.kv_heads == 0 || config.heads % config.kv_heads != 0) {
    reader.refuse("num_key_value_heads", std::to_string(config.kv_heads),
                  fmt::format("a divisor of num_attention_heads={}", config.heads), "");
  }
  config.head_width = config.width / config.heads;
  const auto head_width = reader.count_if("head_dim", "attention.head_width");
  if (head_width && *head_width != config.head_width) {
    reader.refuse("head_dim", std::to_string(*head_width),
                  fmt::format("hidden_size / num_attention_heads = {}", config.head_width),
                  "The family's q and k norms are as wide as hidden_size.");
  }
  if (!head_width) {
    reader.state("attention.head_width", std::to_string(config.head_width),
                 "hidden_size / num_attention_heads");
  }
  if (const auto clip = reader.real_if("clip_qkv", "attention.clip_qkv")) {
    config.clip_qkv = positive(reader, "clip_qkv", *clip);
  } else {
    reader.state("attention.clip_qkv", "none",
                 reader.has("clip_qkv") ? "config.json: clip_qkv" : "class default");
  }
  if (reader.flag_or("attention_bias", "attention.bias", false)) {
    reader.refuse("attention_bias", "true", "false",
                  "No OLMoE was released with attention biases; they are not implemented.");
  }
  reader.state("attention.qk_norm", "RMSNorm over all of q and of k", kFixed);
  config.rope_base = read_rope(reader, origins);
}

void read_gate(ConfigReader& reader, Config& config) {
  config.experts = reader.count("num_experts", "gate.experts");
  config.top_k = reader.count("num_experts_per_tok", "gate.top_k");
  config.normalise = reader.flag("norm_topk_prob", "gate.normalise");
  reader.state("gate.logit_bias", "none", kFixed);
  reader.state("gate.score", "softmax over all experts, fp32", kFixed);
  reader.state("gate.selection_bias", "none", kFixed);
  reader.state("gate.groups", "1", kFixed);
  reader.state("gate.weigh", "scores of the selected", kFixed);
  reader.state("gate.scaling", "1", kFixed);
  reader.state("gate.shared_experts", "0", kFixed);
}

Config read_config(const Json& json, std::vector<Origin>& origins) {
  ConfigReader reader(json, "", origins);
  Config config = {};
  reader.text("model_type", "family");
  config.width = reader.count_or("hidden_size", "width", 2048);
  config.layers = reader.count_or("num_hidden_layers", "layers", 16);
  config.expert_width = reader.count_or("intermediate_size", "expert_width", 2048);
  config.vocabulary = reader.count_or("vocab_size", "vocabulary", 50304);
  config.positions = reader.count_or("max_position_embeddings", "positions", 4096);
  config.norm_epsilon =
      positive(reader, "rms_norm_eps", reader.real_or("rms_norm_eps", "norm_epsilon", 1e-5));
  config.tied = reader.flag_or("tie_word_embeddings", "tied_embeddings", false);
  read_gate(reader, config);
  if (config.layers == 0 || config.experts == 0) {
    throw Error(ErrorId::CF016, {.file = "config.json",
                                 .object = config.layers == 0 ? "num_hidden_layers" : "num_experts",
                                 .found = "0",
                                 .expected = "at least one MoE layer with experts",
                                 .hint = "A dense model has no routers to measure."});
  }
  for (const auto& [key, value] :
       {std::pair("hidden_size", config.width), std::pair("intermediate_size", config.expert_width),
        std::pair("vocab_size", config.vocabulary),
        std::pair("max_position_embeddings", config.positions)}) {
    if (value == 0) reader.refuse(key, "0", "at least 1", "");
  }
  read_attention(reader, origins, config);
  if (reader.text_or("hidden_act", "activation", "silu") != "silu") {
    reader.refuse("hidden_act", escape_for_terminal(json.at("hidden_act").dump()), "\"silu\"",
                  "No OLMoE was released with another activation; none is implemented.");
  }
  // Training, generation and bookkeeping: nothing that a forward pass reads.
  reader.refuse_leftovers({"_name_or_path",
                           "architectures",
                           "attention_dropout",
                           "bos_token_id",
                           "chunk_size_feed_forward",
                           "dtype",
                           "eos_token_id",
                           "id2label",
                           "initializer_range",
                           "is_encoder_decoder",
                           "label2id",
                           "output_attentions",
                           "output_hidden_states",
                           "output_router_logits",
                           "pad_token_id",
                           "pretraining_tp",
                           "problem_type",
                           "return_dict",
                           "router_aux_loss_coef",
                           "torch_dtype",
                           "transformers_version",
                           "use_cache"});
  return config;
}

gate::GateSpec gate_spec(const Config& config) {
  return {.experts = config.experts,
          .top_k = config.top_k,
          .logit_bias = false,
          .score = gate::Score::softmax,
          .selection_bias = false,
          .groups = 1u,
          .groups_kept = 1u,
          .group_score = gate::GroupScore::none,
          .weigh = gate::Weigh::scores,
          .normalise = config.normalise ? gate::Normalise::by_sum : gate::Normalise::no,
          .epsilon = 0.0f,
          .scaling = 1.0f,
          .shared_experts = 0u};
}

// Fused as transformers 5 saves them, rows of gate above rows of up; else three matrices each.
std::vector<ExpertTensors> bind_experts(TensorBinder& binder, const std::string& layer,
                                        const Config& config) {
  const Dimension width = {config.width, "hidden_size"};
  const Dimension inner = {config.expert_width, "intermediate_size"};
  const Dimension both = {2 * uint64_t{config.expert_width}, "2*intermediate_size"};
  const Dimension experts = {config.experts, "num_experts"};
  const std::string prefix = layer + "mlp.experts.";
  std::vector<ExpertTensors> bound;
  if (binder.has(prefix + "gate_up_proj")) {
    const Tensor gate_up = binder.bind(prefix + "gate_up_proj", {experts, both, width});
    const Tensor down = binder.bind(prefix + "down_proj", {experts, width, inner});
    const uint64_t half = uint64_t{config.expert_width} * config.width;  // elements
    const uint64_t gate_bytes = half * dtype_bytes(gate_up->dtype);
    const uint64_t down_bytes = half * dtype_bytes(down->dtype);
    for (uint64_t e = 0; e < config.experts; ++e) {
      bound.push_back({{gate_up, 2 * e * gate_bytes, config.expert_width, config.width},
                       {gate_up, (2 * e + 1) * gate_bytes, config.expert_width, config.width},
                       {down, e * down_bytes, config.width, config.expert_width}});
    }
    return bound;
  }
  for (uint32_t e = 0; e < config.experts; ++e) {
    const std::string expert = fmt::format("{}{}.", prefix, e);
    bound.push_back({{binder.bind(expert + "gate_proj.weight", {inner, width}), 0,
                      config.expert_width, config.width},
                     {binder.bind(expert + "up_proj.weight", {inner, width}), 0,
                      config.expert_width, config.width},
                     {binder.bind(expert + "down_proj.weight", {width, inner}), 0, config.width,
                      config.expert_width}});
  }
  return bound;
}

LayerTensors bind_layer(TensorBinder& binder, uint32_t layer, const Config& config) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const Dimension width = {config.width, "hidden_size"};
  const Dimension kv_width = {uint64_t{config.kv_heads} * config.head_width,
                              "num_key_value_heads*head_dim"};
  const std::string attention = prefix + "self_attn.";
  LayerTensors tensors = {};
  tensors.attention_norm = binder.bind(prefix + "input_layernorm.weight", {width});
  tensors.q = binder.bind(attention + "q_proj.weight", {width, width});
  tensors.k = binder.bind(attention + "k_proj.weight", {kv_width, width});
  tensors.v = binder.bind(attention + "v_proj.weight", {kv_width, width});
  tensors.o = binder.bind(attention + "o_proj.weight", {width, width});
  tensors.q_norm = binder.bind(attention + "q_norm.weight", {width});
  tensors.k_norm = binder.bind(attention + "k_norm.weight", {kv_width});
  tensors.mlp_norm = binder.bind(prefix + "post_attention_layernorm.weight", {width});
  tensors.router =
      binder.bind(prefix + "mlp.gate.weight", {{config.experts, "num_experts"}, width});
  tensors.experts = bind_experts(binder, prefix, config);
  return tensors;
}

}  // namespace

Model bind_olmoe(const formats::Checkpoint& checkpoint) {
  std::vector<Origin> origins;
  const Config config = read_config(checkpoint.config(), origins);
  Model model = {
      .family = "olmoe",
      .width = config.width,
      .layers = config.layers,
      .expert_width = config.expert_width,
      .vocabulary = config.vocabulary,
      .positions = config.positions,
      .norm_epsilon = config.norm_epsilon,
      .attention = {.heads = config.heads,
                    .kv_heads = config.kv_heads,
                    .head_width = config.head_width,
                    .qk_norm = true,
                    .clip_qkv = config.clip_qkv,
                    .rope_base = config.rope_base,
                    .scale = static_cast<float>(1 / std::sqrt(double{1} * config.head_width))},
      .gate = gate_spec(config),
      .moe_layers = {},
      .tied_embeddings = config.tied,
      .embedding = nullptr,
      .final_norm = nullptr,
      .unembedding = nullptr,
      .layer_tensors = {},
      .origins = std::move(origins)};
  gate::validate(model.gate, "config.json");

  TensorBinder binder(checkpoint);
  const std::vector<Dimension> table = {{config.vocabulary, "vocab_size"},
                                        {config.width, "hidden_size"}};
  model.embedding = binder.bind("model.embed_tokens.weight", table);
  for (uint32_t layer = 0; layer < config.layers; ++layer) {
    model.layer_tensors.push_back(bind_layer(binder, layer, config));
    model.moe_layers.push_back(static_cast<int>(layer));
  }
  model.final_norm = binder.bind("model.norm.weight", {{config.width, "hidden_size"}});
  // Writers drop a tied matrix, and some write it; tied, the embedding counts.
  const std::string head = "lm_head.weight";
  if (!config.tied && binder.has(head)) {
    model.unembedding = binder.bind(head, table);
    model.origins.push_back({"unembedding", head, "checkpoint"});
  } else {
    if (!config.tied) model.tied_embeddings = true;
    model.unembedding = model.embedding;
    model.origins.push_back({"unembedding", "model.embed_tokens.weight",
                             config.tied ? "tie_word_embeddings" : "no lm_head.weight"});
  }
  binder.refuse_leftovers([&](std::string_view name) {
    const auto layer = layer_of(name);
    return name.ends_with("rotary_emb.inv_freq") || (layer && *layer >= config.layers) ||
           (config.tied && name == head);
  });
  return model;
}

}  // namespace rg::model
