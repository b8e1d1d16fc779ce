#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "model/config_reader.h"
#include "model/config_rope.h"
#include "model/decoder.h"
#include "model/families/list.h"
#include "model/tensor_binder.h"

namespace rg::model {
namespace {

struct Config {
  uint32_t width, layers, expert_width, vocabulary, positions;
  uint32_t heads, kv_heads, head_width;
  uint32_t experts;
  bool tied, biased;  // biased: attention
  float norm_epsilon;
  Rope rope;
  std::optional<float> clip_qkv;
};

float positive(const ConfigReader& reader, std::string_view key, double value) {
  const auto narrow = static_cast<float>(value);
  if (!(narrow > 0) || !std::isfinite(narrow)) {
    reader.refuse(key, fmt::format("{}", value), "a positive number within fp32's range", "");
  }
  return narrow;
}

void read_attention(ConfigReader& reader, std::vector<Origin>& origins, Config& config,
                    std::vector<Leftover>& leftovers) {
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
  if (config.head_width > kMaxHeadWidth) {
    reader.refuse("hidden_size", std::to_string(config.width),
                  fmt::format("at most {} for each of {} heads", kMaxHeadWidth, config.heads), "");
  }
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
  const auto clip = reader.real_if("clip_qkv", "");
  if (clip && *clip != std::numeric_limits<double>::infinity()) {  // infinity clips nothing
    config.clip_qkv = positive(reader, "clip_qkv", *clip);
  }
  reader.state("attention.clip_qkv",
               config.clip_qkv ? write_json(*clip, JsonLayout::compact) : "none",
               reader.has("clip_qkv") ? "config.json: clip_qkv" : "class default");
  config.biased = reader.flag_or("attention_bias", "attention.bias", false);
  reader.state("attention.qk_norm", "RMSNorm over all of q and of k", kFixed);
  config.rope = read_rope({reader, config.positions, origins, leftovers},
                          {.base = 1e4, .head_width = config.head_width})
                    .rope;
}

// num_local_experts is another name for num_experts to transformers 5, which takes it over
// num_experts where both are given; transformers 4 doesn't know it.
gate::Stated<uint32_t> read_experts(ConfigReader& reader) {
  const auto alias = reader.count_if("num_local_experts", "");
  if (alias && !reader.has("num_experts")) return {*alias, "config.json: num_local_experts"};
  const uint32_t experts = reader.count("num_experts", "");
  if (alias && *alias != experts) {
    reader.refuse("num_local_experts", std::to_string(*alias),
                  fmt::format("{}, as num_experts says", experts),
                  "They are two names for one number, and readers differ in the one they take.");
  }
  return {experts, "config.json: num_experts"};
}

gate::GateSpec read_gate(ConfigReader& reader) {
  const bool normalise = reader.flag("norm_topk_prob", "");
  return {.experts = read_experts(reader),
          .top_k = {reader.count("num_experts_per_tok", ""), "config.json: num_experts_per_tok"},
          .logit_bias = {false, kFixed},
          .score = {gate::Score::softmax, kFixed},
          .selection_bias = {false, kFixed},
          .groups = {1u, kFixed},
          .groups_kept = {1u, kFixed},
          .group_score = {gate::GroupScore::none, kFixed},
          .weigh = {gate::Weigh::scores, kFixed},
          .normalise = {normalise ? gate::Normalise::by_sum : gate::Normalise::no,
                        "config.json: norm_topk_prob"},
          .epsilon = {0.0f, kFixed},
          .scaling = {1.0f, kFixed},
          .per_expert_scale = {false, kFixed},
          .ids_from_table = {false, kFixed},
          .shared_experts = {0u, kFixed}};
}

Config read_config(const Json& json, const gate::GateSpec& gate, ConfigReader& reader,
                   std::vector<Origin>& origins) {
  std::vector<Leftover> leftovers;
  Config config = {};
  config.width = reader.count_or("hidden_size", "width", 2048);
  config.layers = reader.count_or("num_hidden_layers", "layers", 16);
  config.expert_width = reader.count_or("intermediate_size", "expert_width", 2048);
  config.vocabulary = reader.count_or("vocab_size", "vocabulary", 50304);
  config.positions = reader.count_or("max_position_embeddings", "positions", 4096);
  config.norm_epsilon =
      positive(reader, "rms_norm_eps", reader.real_or("rms_norm_eps", "norm_epsilon", 1e-5));
  config.tied = reader.flag_or("tie_word_embeddings", "tied_embeddings", false);
  config.experts = gate.experts;
  if (config.layers == 0 || config.experts == 0) {
    throw Error(ErrorId::CF016, {.file = "config.json",
                                 .object = config.layers == 0 ? "num_hidden_layers" : "num_experts",
                                 .found = "0",
                                 .expected = "at least one MoE layer with experts",
                                 .hint = "A dense model has no routers to measure."});
  }
  if (config.layers > kMaxLayers) {
    reader.refuse("num_hidden_layers", std::to_string(config.layers),
                  fmt::format("at most {}", kMaxLayers), "");
  }
  for (const auto& [key, value] :
       {std::pair("hidden_size", config.width), std::pair("intermediate_size", config.expert_width),
        std::pair("vocab_size", config.vocabulary),
        std::pair("max_position_embeddings", config.positions)}) {
    if (value == 0) reader.refuse(key, "0", "at least 1", "");
  }
  read_attention(reader, origins, config, leftovers);
  if (reader.text_or("hidden_act", "activation", "silu") != "silu") {
    reader.refuse("hidden_act", escape_for_terminal(json.at("hidden_act").dump()), "\"silu\"",
                  "No OLMoE was released with another activation; none is implemented.");
  }
  // Read by other families, or by code that the family's attention shares with them.
  static constexpr KnownKey kOthers[] = {{"layer_types", Harmless::if_all_full},
                                         {"mlp_bias", Harmless::unless_true},
                                         {"partial_rotary_factor", Harmless::if_one},
                                         {"sliding_window", Harmless::if_null},
                                         {"use_sliding_window", Harmless::unless_true}};
  reader.collect_leftovers(kOthers, leftovers);
  refuse_leftovers(leftovers);
  return config;
}

// Fused as transformers 5 saves them, rows of gate above rows of up; else three matrices each.
ExpertList bind_experts(TensorBinder& binder, const std::string& layer, const Config& config) {
  const Dimension width = {config.width, "hidden_size"};
  const Dimension inner = {config.expert_width, "intermediate_size"};
  const Dimension both = {2 * uint64_t{config.expert_width}, "2*intermediate_size"};
  const Dimension experts = {config.experts, "num_experts"};
  const std::string prefix = layer + "mlp.experts.";
  if (binder.has(prefix + "gate_up_proj")) {
    const Tensor gate_up = binder.bind(prefix + "gate_up_proj", {experts, both, width});
    const Tensor down = binder.bind(prefix + "down_proj", {experts, width, inner});
    return ExpertList::of_equal_parts({.gate = part(gate_up, 0, config.expert_width, config.width),
                                       .up = part(gate_up, 1, config.expert_width, config.width),
                                       .down = part(down, 0, config.width, config.expert_width)},
                                      config.experts);
  }
  ExpertList bound;
  for (uint32_t e = 0; e < config.experts; ++e) {
    const std::string expert = fmt::format("{}{}.", prefix, e);
    bound.push_back({.gate = binder.matrix(expert + "gate_proj.weight", inner, width),
                     .up = binder.matrix(expert + "up_proj.weight", inner, width),
                     .down = binder.matrix(expert + "down_proj.weight", width, inner)});
  }
  return bound;
}

Layer bind_layer(TensorBinder& binder, const std::string& root, uint32_t layer,
                 const Config& config, const gate::GateSpec& gate) {
  const std::string prefix = fmt::format("{}layers.{}.", root, layer);
  const Dimension width = {config.width, "hidden_size"};
  const Dimension kv_width = {uint64_t{config.kv_heads} * config.head_width,
                              "num_key_value_heads*head_dim"};
  const std::string attention = prefix + "self_attn.";
  const NormSpec norm = {NormKind::rms, config.norm_epsilon};
  Attention mixer;
  mixer.spec = {.heads = config.heads,
                .kv_heads = config.kv_heads,
                .head_width = config.head_width,
                .value_width = config.head_width,
                .qk_norm = QkNorm::full_width,
                .qk_norm_spec = norm,
                .clip_qkv = config.clip_qkv,
                .rope = config.rope,
                .scale = inverse_root(config.head_width),
                .value_norm_epsilon = std::nullopt,
                .output_gate = OutputGate::none,
                .window = std::nullopt};
  mixer.q = binder.matrix(attention + "q_proj.weight", width, width);
  mixer.k = binder.matrix(attention + "k_proj.weight", kv_width, width);
  mixer.v = binder.matrix(attention + "v_proj.weight", kv_width, width);
  mixer.o = binder.matrix(attention + "o_proj.weight", width, width);
  if (config.biased) {
    mixer.q_bias = binder.vector(attention + "q_proj.bias", width);
    mixer.k_bias = binder.vector(attention + "k_proj.bias", kv_width);
    mixer.v_bias = binder.vector(attention + "v_proj.bias", kv_width);
    mixer.o_bias = binder.vector(attention + "o_proj.bias", width);
  }
  mixer.q_norm = binder.vector(attention + "q_norm.weight", width);
  mixer.k_norm = binder.vector(attention + "k_norm.weight", kv_width);
  return {
      .mixer_norm = {norm, binder.vector(prefix + "input_layernorm.weight", width)},
      .mixer = std::move(mixer),
      .feed_forward_norm = {norm, binder.vector(prefix + "post_attention_layernorm.weight", width)},
      .router = Router{.spec = gate,
                       .matrix = binder.matrix(prefix + "mlp.gate.weight",
                                               {config.experts, "num_experts"}, width)},
      .groups = groups(
          ExpertGroup{.role = ExpertRole::routed,
                      .spec = {.inner_width = config.expert_width, .activation = Activation::silu},
                      .experts = bind_experts(binder, prefix, config)})};
}

// Embedding and head as transformers 5 loads them: a stored head is always used; if they are tied,
// either may be missing; if not, nothing replaces a missing head.
void bind_tables(TensorBinder& binder, const std::string& root, const Config& config,
                 Model& model) {
  const Dimension tokens = {config.vocabulary, "vocab_size"}, width = {config.width, "hidden_size"};
  const std::string embedding = root + "embed_tokens.weight", head = "lm_head.weight";
  const bool has_head = binder.has_or(head, !config.tied);
  const bool has_embedding = binder.has(embedding) || !config.tied || !has_head;
  model.embedding = binder.matrix(has_embedding ? embedding : head, tokens, width);
  if (!has_embedding) model.origins.push_back({"embedding", head, "tie_word_embeddings"});
  Origin origin = {"unembedding", head, "checkpoint"};
  if (has_head) {
    model.unembedding = binder.matrix(head, tokens, width);
  } else if (config.tied) {
    model.unembedding = model.embedding;
    origin = {"unembedding", embedding, "tie_word_embeddings"};
  } else {
    origin = {"unembedding", "none", "no lm_head.weight"};
    model.notes.push_back(
        "lm_head.weight is missing while tie_word_embeddings is false: what needs the head (the "
        "logits of a trace, chart_compatibility) is refused");
  }
  model.origins.push_back(std::move(origin));
  model.tied_embeddings = model.unembedding.values == model.embedding.values;
  model.head_despite_tie = config.tied && has_embedding && has_head;
  if (model.head_despite_tie) {
    model.notes.push_back(
        "tie_word_embeddings is true, yet lm_head.weight is stored: the stored head is used, as "
        "transformers does. Where it equals the embedding this changes nothing");
  }
}

}  // namespace

Model bind_olmoe(const formats::Checkpoint& checkpoint) {
  std::vector<Origin> origins;
  ConfigReader reader(checkpoint.config(), "", origins);
  reader.text("model_type", "family");
  const gate::GateSpec gate = read_gate(reader);
  const Config config = read_config(checkpoint.config(), gate, reader, origins);
  state_gate(gate, origins);
  Model model = {.family = "olmoe",
                 .width = config.width,
                 .vocabulary = config.vocabulary,
                 .positions = config.positions,
                 .layers = {},
                 .final_norm = {},
                 .embedding = {},
                 .unembedding = {},
                 .tied_embeddings = config.tied,
                 .head_despite_tie = false,
                 .origins = std::move(origins),
                 .notes = {}};
  gate::validate(gate, "config.json");

  TensorBinder binder(checkpoint);
  // The model without its head, saved alone, has the names of its own parts.
  const bool alone = binder.has("embed_tokens.weight") && !binder.has("model.embed_tokens.weight");
  const std::string root = alone ? "" : "model.";
  bind_tables(binder, root, config, model);
  for (uint32_t layer = 0; layer < config.layers; ++layer) {
    model.layers.push_back(bind_layer(binder, root, layer, config, gate));
  }
  model.final_norm = {{NormKind::rms, config.norm_epsilon},
                      binder.vector(root + "norm.weight", {config.width, "hidden_size"})};
  binder.refuse_leftovers([&](std::string_view name) {
    const auto layer = layer_of(alone ? fmt::format("model.{}", name) : std::string(name));
    return name.ends_with("rotary_emb.inv_freq") || (layer && *layer >= config.layers);
  });
  return model;
}

}  // namespace rg::model
