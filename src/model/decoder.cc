#include "model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"

namespace rg::model {
namespace {

// Keys of a wrapper around a text model: what images, video and sound are read with.
constexpr KnownKey kOtherInputs[] = {{"audio_config", Harmless::always},
                                     {"audio_token_id", Harmless::always},
                                     {"boa_token_id", Harmless::always},
                                     {"boi_token_id", Harmless::always},
                                     {"eoa_token_id", Harmless::always},
                                     {"eoa_token_index", Harmless::always},
                                     {"eoi_token_id", Harmless::always},
                                     {"image_end_token_id", Harmless::always},
                                     {"image_start_token_id", Harmless::always},
                                     {"image_token_id", Harmless::always},
                                     {"projection_hidden_act", Harmless::always},
                                     {"projection_hidden_size", Harmless::always},
                                     {"projection_layer_init", Harmless::always},
                                     {"projection_layer_norm_eps", Harmless::always},
                                     {"projection_ln_eps", Harmless::always},
                                     {"use_unified_vision_chunk", Harmless::always},
                                     {"video_end_token_id", Harmless::always},
                                     {"video_placeholder", Harmless::always},
                                     {"video_start_token_id", Harmless::always},
                                     {"video_token_id", Harmless::always},
                                     {"vision_config", Harmless::always},
                                     {"vision_end_token_id", Harmless::always},
                                     {"vision_soft_tokens_per_image", Harmless::always},
                                     {"vision_start_token_id", Harmless::always}};

// Towers that turn images and sound into tokens, and modules for speculative decoding.
bool is_of_other_inputs(std::string_view name) {
  for (const std::string_view part :
       {"model.visual.", "visual.", "vision_tower.", "model.vision_tower.",
        "multi_modal_projector.", "model.multi_modal_projector.", "mm_projector.",
        "model.mm_projector.", "model.embed_vision.", "model.embed_audio.", "model.audio_tower.",
        "mtp.", "model.mtp.", "model.mtp_", "mtp_"}) {
    if (name.starts_with(part)) return true;
  }
  return false;
}

Model empty_model(std::string_view family) {
  return {.family = std::string(family),
          .width = 0,
          .vocabulary = 0,
          .positions = 0,
          .layers = {},
          .final_norm = {},
          .embedding = {},
          .unembedding = {},
          .tied_embeddings = false,
          .head_despite_tie = false,
          .origins = {},
          .notes = {}};
}

bool is_wrapped(const Json& config) {
  const auto text = config.find("text_config");
  return text != config.end() && text->is_object();
}
const Json& text_part(const Json& config) {
  return is_wrapped(config) ? config.at("text_config") : config;
}

float positive(const ConfigReader& reader, std::string_view key, double value) {
  const auto narrow = static_cast<float>(value);
  if (!(narrow > 0) || !std::isfinite(narrow)) {
    reader.refuse(key, fmt::format("{}", value), "a positive number within fp32's range", "");
  }
  return narrow;
}

}  // namespace

Decoder::Decoder(const formats::Checkpoint& checkpoint, std::string_view family, NormKind norms,
                 const DecoderDefaults& defaults)
    : checkpoint_(checkpoint),
      model_(empty_model(family)),
      reader_(text_part(checkpoint.config()), is_wrapped(checkpoint.config()) ? "text_config" : "",
              model_.origins),
      binder_(checkpoint),
      embedding_(defaults.embedding) {
  if (is_wrapped(checkpoint.config())) {
    outer_.emplace(checkpoint.config(), "", model_.origins);
    outer_->text("model_type", "family");
    outer_->object_if("text_config");
    reader_.text_or("model_type", "", "");
  } else {
    reader_.text("model_type", "family");
  }
  const auto size = [&](std::string_view key, std::string_view field) {
    const uint32_t value = reader_.count(key, field);
    if (value == 0) reader_.refuse(key, "0", "at least 1", "");
    return value;
  };
  model_.width = size("hidden_size", "width");
  if (defaults.layers && !reader_.has("num_hidden_layers")) {
    layers_ = *defaults.layers;
  } else {
    layers_ = size("num_hidden_layers", "layers");
  }
  if (defaults.layers && layers_ != *defaults.layers) {
    reader_.refuse("num_hidden_layers", std::to_string(layers_),
                   fmt::format("{}, as many as the config lists", *defaults.layers), "");
  }
  if (layers_ > kMaxLayers) {
    reader_.refuse("num_hidden_layers", std::to_string(layers_),
                   fmt::format("at most {}", kMaxLayers), "");
  }
  model_.vocabulary = size("vocab_size", "vocabulary");
  model_.positions = size(defaults.positions_key, "positions");
  model_.positions_source = std::string(defaults.positions_key);
  const std::string_view epsilon = defaults.norm_epsilon_key;
  const double read = reader_.real_or(epsilon, "norm_epsilon", defaults.norm_epsilon);
  model_.final_norm.spec = {norms, positive(reader_, epsilon, read)};
  tied_ = reader_.flag_or("tie_word_embeddings", outer_ ? "" : "tied_embeddings", defaults.tied);
  if (!defaults.tied_key.empty()) {
    tied_ = reader_.flag_or(defaults.tied_key, "tied_embeddings", tied_);
  }
  if (defaults.never_tied) tied_ = false;
  if (outer_) {  // the wrapper decides
    tied_ = outer_->flag_or("tie_word_embeddings", "tied_embeddings", defaults.tied_outside);
    read_quantization(*outer_);
  }
  read_quantization(reader_);
  // The model without its head, saved alone, has the names of its own parts.
  const bool alone =
      binder_.has("embed_tokens.weight") && !binder_.has("model.embed_tokens.weight");
  root_ = alone ? "" : "model.";
  for (const char* wrapped : {"model.language_model.", "language_model.model."}) {
    if (binder_.has(std::string(wrapped) + "embed_tokens.weight")) root_ = wrapped;
  }
  const std::string hub = std::string(defaults.hub_root) + embedding_ + ".weight";
  if (!defaults.hub_root.empty() && binder_.has(hub)) root_ = defaults.hub_root;
  // So transformers 5.24 saves the layers of Kimi-K2.5.
  if (binder_.has(root_ + "blocks.0.input_layernorm.weight")) layers_name_ = "blocks";
}

std::string Decoder::first_of(std::initializer_list<std::string> names) const {
  const auto there = std::find_if(names.begin(), names.end(),
                                  [&](const std::string& name) { return binder_.has(name); });
  return there != names.end() ? *there : *names.begin();
}

// FP8 with block scales (DeepSeek-V3's layout), or MXFP4, whose tensors the family binds.
// Activations stay as they are: what an engine does to them with `activation_scheme` is its own
// approximation.
void Decoder::read_quantization(ConfigReader& outer) {
  const Json* object = outer.object_if("quantization_config");
  if (object == nullptr) return;
  ConfigReader config(*object, "quantization_config", model_.origins);
  const std::string method = config.text("quant_method", "quantization");
  if (method == "fp8") {
    const Json* block = config.value_if("weight_block_size");
    const bool pair = block != nullptr && block->is_array() && block->size() == 2 &&
                      (*block)[0].is_number_unsigned() && (*block)[1].is_number_unsigned() &&
                      (*block)[0] > 0 && (*block)[0] <= kMaxCount && (*block)[1] > 0 &&
                      (*block)[1] <= kMaxCount;
    if (!pair) {
      config.refuse("weight_block_size",
                    block == nullptr ? "null" : write_json(*block, JsonLayout::compact),
                    "two positive integers: rows and columns of a block", "");
    }
    binder_.set_block_scales((*block)[0].get<uint32_t>(), (*block)[1].get<uint32_t>());
    // MiniMax-M2 spells it as PyTorch does.
    const std::string format = config.text_or("fmt", "", "e4m3");
    if (format != "e4m3" && format != "float8_e4m3fn") {
      config.refuse("fmt", '"' + escape_for_terminal(format) + '"', "e4m3 or float8_e4m3fn", "");
    }
  } else if (method != "mxfp4") {
    config.refuse("quant_method", '"' + escape_for_terminal(method) + '"', "fp8 or mxfp4",
                  "Use a checkpoint in bf16, or one of these.");
  }
  static constexpr KnownKey kUnread[] = {{"activation_scheme", Harmless::always},
                                         {"dequantize", Harmless::always},
                                         {"ignored_layers", Harmless::always},
                                         {"modules_to_not_convert", Harmless::always},
                                         {"scale_fmt", Harmless::always}};
  config.collect_leftovers(kUnread, leftovers_);
}

std::string Decoder::layer_prefix(uint32_t layer) const {
  return fmt::format("{}{}.{}.", root_, layers_name_, layer);
}

Heads Decoder::heads(const HeadDefaults& defaults) {
  const auto class_default = [&](std::string_view key, std::optional<uint32_t> value) {
    return reader_.has(key) ? std::nullopt : value;
  };
  const auto class_kv_heads = class_default("num_key_value_heads", defaults.kv_heads);
  const auto class_width = class_default("head_dim", defaults.head_width);
  Heads heads = {};
  heads.heads = reader_.count("num_attention_heads", "attention.heads");
  if (heads.heads == 0) reader_.refuse("num_attention_heads", "0", "at least 1", "");
  const auto kv_heads = reader_.count_if("num_key_value_heads", "attention.kv_heads");
  heads.kv_heads = kv_heads.value_or(class_kv_heads.value_or(heads.heads));
  if (!kv_heads) {
    reader_.state("attention.kv_heads", std::to_string(heads.kv_heads),
                  class_kv_heads ? "class default" : "class default: num_attention_heads");
  }
  if (heads.kv_heads == 0 || heads.heads % heads.kv_heads != 0) {
    reader_.refuse("num_key_value_heads", std::to_string(heads.kv_heads),
                   fmt::format("a divisor of num_attention_heads={}", heads.heads), "");
  }
  const auto width = reader_.count_if("head_dim", "attention.head_width");
  if (!width && !class_width && model_.width % heads.heads != 0) {
    reader_.refuse("num_attention_heads", std::to_string(heads.heads),
                   fmt::format("a divisor of hidden_size={}, or head_dim", model_.width), "");
  }
  heads.head_width = width.value_or(class_width.value_or(model_.width / heads.heads));
  if (!width) {
    reader_.state("attention.head_width", std::to_string(heads.head_width),
                  class_width ? "class default" : "hidden_size / num_attention_heads");
  }
  if (heads.head_width == 0 || heads.head_width % 2 != 0) {
    reader_.refuse("head_dim", std::to_string(heads.head_width), "an even number", "");
  }
  return heads;
}

gate::Stated<uint32_t> Decoder::count(std::initializer_list<std::string_view> keys) {
  std::optional<gate::Stated<uint32_t>> found;
  for (const std::string_view key : keys) {
    if (!reader_.has(key)) continue;
    const uint32_t value = reader_.count(key, "");
    if (!found) {
      found = {value, "config.json: " + std::string(key)};
    } else if (found->value != value) {
      reader_.refuse(key, std::to_string(value),
                     fmt::format("{}, as {} says", found->value, found->source.substr(13)),
                     "They are two names for one number, and readers differ in the one they take.");
    }
  }
  return found ? *found : gate::Stated<uint32_t>{reader_.count(*keys.begin(), "")};
}

gate::Stated<uint32_t> Decoder::experts(std::initializer_list<std::string_view> keys) {
  gate::Stated<uint32_t> stated = count(keys);
  for (const char* other : {"n_routed_experts", "num_experts", "num_local_experts"}) {
    expect(other, stated.value);
  }
  return stated;
}

gate::Stated<bool> Decoder::flag(std::string_view key, std::optional<bool> otherwise) {
  if (!reader_.has(key) && otherwise) return {*otherwise, "class default"};
  return {reader_.flag(key, ""), "config.json: " + std::string(key)};
}

gate::Stated<float> Decoder::real(std::string_view key, std::optional<float> otherwise) {
  if (!reader_.has(key) && otherwise) return {*otherwise, "class default"};
  return {positive(reader_, key, reader_.real(key, "")), "config.json: " + std::string(key)};
}

std::string_view Decoder::either(std::string_view own, std::string_view hub) {
  if (!reader_.has(hub)) return own;
  const Json* value = reader_.value_if(hub);
  if (value == nullptr) reader_.refuse(hub, "null", "a value", "");
  if (reader_.has(own)) expect(own, *value);
  return hub;
}

void Decoder::expect(std::string_view key, const Json& value) {
  const Json* found = reader_.value_if(key);
  const bool integer = found == nullptr || !value.is_number_integer() || found->is_number_integer();
  if (found == nullptr || (*found == value && integer)) return;
  reader_.refuse(key, write_json(*found, JsonLayout::compact),
                 write_json(value, JsonLayout::compact),
                 "The family computes nothing else, whatever this key says.");
}

std::optional<std::vector<bool>> Decoder::layer_list(std::string_view key, std::string_view yes,
                                                     std::string_view no) {
  const Json* list = reader_.value_if(key);
  if (list == nullptr) return std::nullopt;
  const std::string expected =
      fmt::format("a list of {} entries, each \"{}\" or \"{}\"", layers_, yes, no);
  if (!list->is_array() || list->size() != layers_) {
    reader_.refuse(key, write_json(*list, JsonLayout::compact), expected, "");
  }
  std::vector<bool> layers;
  for (const Json& entry : *list) {
    if (entry != yes && entry != no) {
      reader_.refuse(key, write_json(entry, JsonLayout::compact), expected, "");
    }
    layers.push_back(entry == yes);
  }
  return layers;
}

std::optional<uint32_t> Decoder::window(std::optional<uint32_t> otherwise) {
  constexpr std::string_view kKey = "sliding_window";
  if (!reader_.has(kKey)) return otherwise;
  const auto window = reader_.count_if(kKey, "");
  if (window == 0u) reader_.refuse(kKey, "0", "at least 1, or null", "");
  return window;
}

Norm Decoder::norm(const std::string& name) {
  Norm norm = {.spec = norm_spec(), .gain = binder_.vector(name + ".weight", width())};
  if (norm.spec.kind == NormKind::layer) norm.bias = binder_.vector(name + ".bias", width());
  return norm;
}

Attention Decoder::attention(const std::string& prefix, const AttentionSpec& spec, Biases biases,
                             const AttentionNames& names) {
  const bool gated = spec.output_gate == OutputGate::with_query;
  const Dimension head = {spec.head_width, "head_dim"};
  const Dimension q_width = {uint64_t{spec.heads} * spec.head_width,
                             "num_attention_heads*head_dim"};
  const Dimension q_rows = {q_width.size * (gated ? 2 : 1),
                            gated ? "2*" + q_width.key : q_width.key};
  const Dimension kv_width = {uint64_t{spec.kv_heads} * spec.head_width,
                              "num_key_value_heads*head_dim"};
  const Dimension v_width = {uint64_t{spec.kv_heads} * spec.value_width,
                             "num_key_value_heads*v_head_dim"};
  const Dimension context = {uint64_t{spec.heads} * spec.value_width,
                             "num_attention_heads*v_head_dim"};
  const auto name = [&](std::string_view part, std::string_view kind) {
    return fmt::format("{}{}.{}", prefix, part, kind);
  };
  Attention attention;
  attention.spec = spec;
  attention.q = binder_.matrix(name(names.q, "weight"), q_rows, width());
  attention.k = binder_.matrix(name(names.k, "weight"), kv_width, width());
  if (!names.values_are_keys) {
    attention.v = binder_.matrix(name(names.v, "weight"), v_width, width());
  }
  attention.o = binder_.matrix(name(names.o, "weight"), width(), context);
  if (biases.qkv) {
    attention.q_bias = binder_.vector(name(names.q, "bias"), q_rows);
    attention.k_bias = binder_.vector(name(names.k, "bias"), kv_width);
    // Values that are keys have the keys' bias already.
    if (!names.values_are_keys) {
      attention.v_bias = binder_.vector(name(names.v, "bias"), v_width);
    }
  }
  if (biases.o) attention.o_bias = binder_.vector(name(names.o, "bias"), width());
  if (spec.qk_norm != QkNorm::none) {
    const bool full = spec.qk_norm == QkNorm::full_width;
    attention.q_norm = binder_.vector(prefix + std::string(names.q_norm), full ? q_width : head);
    attention.k_norm = binder_.vector(prefix + std::string(names.k_norm), full ? kv_width : head);
  }
  return attention;
}

Expert Decoder::mlp(const std::string& prefix, Dimension inner, const MlpNames& names,
                    bool biased) {
  const auto matrix = [&](std::string_view name, Dimension rows, Dimension columns) {
    return binder_.matrix(fmt::format("{}{}.weight", prefix, name), rows, columns);
  };
  const auto bias = [&](std::string_view name, Dimension size) {
    return binder_.vector(fmt::format("{}{}.bias", prefix, name), size);
  };
  Expert expert;
  expert.gate = matrix(names.gate, inner, width());
  expert.up = matrix(names.up, inner, width());
  expert.down = matrix(names.down, width(), inner);
  if (biased) {
    expert.gate_bias = bias(names.gate, inner);
    expert.up_bias = bias(names.up, inner);
    expert.down_bias = bias(names.down, width());
  }
  return expert;
}

ExpertGroup Decoder::shared(const std::string& prefix, Dimension inner, const MlpNames& names,
                            bool biased) {
  ExpertGroup group;
  group.role = ExpertRole::shared;
  group.spec = {.inner_width = static_cast<uint32_t>(inner.size), .activation = Activation::silu};
  group.experts.push_back(mlp(prefix, inner, names, biased));
  return group;
}

ExpertGroup Decoder::routed(const std::string& prefix, const gate::GateSpec& gate, Dimension inner,
                            const MlpNames& names) {
  const Dimension experts = {gate.experts, "the number of experts"};
  if (binder_.has(prefix + "gate_up_proj")) {
    const Dimension both = {2 * inner.size, "2*" + inner.key};
    const Tensor gate_up = binder_.bind(prefix + "gate_up_proj", {experts, both, width()});
    return routed_from(gate_up, binder_.bind(prefix + "down_proj", {experts, width(), inner}),
                       inner);
  }
  ExpertGroup group;
  group.role = ExpertRole::routed;
  group.spec = {.inner_width = static_cast<uint32_t>(inner.size), .activation = Activation::silu};
  for (uint32_t e = 0; e < experts.size; ++e) {
    group.experts.push_back(mlp(fmt::format("{}{}.", prefix, e), inner, names));
  }
  return group;
}

ExpertGroup Decoder::routed_from(Tensor gate_up, Tensor down, Dimension inner) const {
  const auto rows = static_cast<uint32_t>(inner.size);
  ExpertGroup group;
  group.role = ExpertRole::routed;
  group.spec = {.inner_width = rows, .activation = Activation::silu};
  Expert first;
  first.gate = part(gate_up, 0, rows, model_.width);
  first.up = part(gate_up, 1, rows, model_.width);
  first.down = part(down, 0, model_.width, rows);
  group.experts = ExpertList::of_equal_parts(first, static_cast<uint32_t>(gate_up->shape[0]));
  return group;
}

Router Decoder::router(const std::string& matrix, const gate::GateSpec& spec,
                       const std::string& selection_bias) {
  gate::validate(spec, "config.json");
  const Dimension experts = {spec.experts, "the number of experts"};
  Router router = {.spec = spec, .matrix = binder_.matrix(matrix, experts, width())};
  if (spec.selection_bias) router.selection_bias = binder_.row(selection_bias, experts);
  return router;
}

void Decoder::bind_head_bias() {
  model_.unembedding_bias = binder_.vector("lm_head.bias", {model_.vocabulary, "vocab_size"});
}

void Decoder::add(Layer layer) { model_.layers.push_back(std::move(layer)); }

std::optional<std::pair<double, double>> Decoder::pair(std::string_view key) {
  const Json* list = reader_.value_if(key);
  if (list == nullptr) return std::nullopt;
  const auto number = [&](const Json& value) {
    if (const auto tagged = tagged_float(value)) return *tagged;
    return value.is_number() ? value.get<double>() : std::nan("");
  };
  const bool two = list->is_array() && list->size() == 2;
  const double low = two ? number((*list)[0]) : std::nan(""), high = two ? number((*list)[1]) : 0;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (!(low <= high) || static_cast<float>(low) == kInfinity ||
      static_cast<float>(high) == -kInfinity) {
    reader_.refuse(
        key, write_json(*list, JsonLayout::compact),
        "two ascending numbers; only the first may be -Infinity, only the second Infinity", "");
  }
  return std::pair(low, high);
}

Dimension Decoder::dimension(std::string_view key) {
  const uint32_t size = reader_.count(key, key);
  if (size == 0) reader_.refuse(key, "0", "at least 1", "");
  return {size, std::string(key)};
}

// As transformers 5 loads them: a stored head is always used; if they are tied, either may be
// missing; if not, nothing replaces a missing head.
void Decoder::bind_tables() {
  const Dimension tokens = {model_.vocabulary, "vocab_size"};
  const std::string embedding =
      first_of({root_ + "embed_tokens.weight", root_ + embedding_ + ".weight"});
  const std::string head = first_of({"lm_head.weight", "language_model.lm_head.weight"});
  const bool has_head = binder_.has_or(head, !tied_);
  const bool has_embedding = binder_.has(embedding) || !tied_ || !has_head;
  // Never with scales: rows are gathered as they are stored, and quantisers leave both tables
  // alone.
  const auto table = [&](const std::string& name) {
    return part(binder_.bind(name, {tokens, width()}), 0, model_.vocabulary, model_.width);
  };
  model_.embedding = table(has_embedding ? embedding : head);
  if (!has_embedding) model_.origins.push_back({"embedding", head, "tie_word_embeddings"});
  Origin origin = {"unembedding", head, "checkpoint"};
  if (has_head) {
    model_.unembedding = table(head);
  } else if (tied_) {
    model_.unembedding = model_.embedding;
    origin = {"unembedding", embedding, "tie_word_embeddings"};
  } else {
    origin = {"unembedding", "none", "no lm_head.weight"};
    model_.notes.push_back(
        "lm_head.weight is missing while tie_word_embeddings is false: what needs the head (the "
        "logits of a trace, chart_compatibility) is refused");
  }
  model_.origins.push_back(std::move(origin));
  model_.tied_embeddings = model_.unembedding.values == model_.embedding.values;
  model_.head_despite_tie = tied_ && has_embedding && has_head;
  if (model_.head_despite_tie) {
    model_.notes.push_back(
        "tie_word_embeddings is true, yet lm_head.weight is stored: the stored head is used, as "
        "transformers does. Where it equals the embedding this changes nothing");
  }
}

float inverse_root(uint32_t head_width) {
  return static_cast<float>(1 / std::sqrt(double{1} * head_width));
}

Model Decoder::finish(std::span<const KnownKey> known_keys, const std::string& final_norm,
                      const std::function<bool(std::string_view)>& ignored) {
  reader_.collect_leftovers(known_keys, leftovers_);
  if (outer_) outer_->collect_leftovers(kOtherInputs, leftovers_);
  refuse_leftovers(leftovers_);
  model_.final_norm = norm(root_ + final_norm);
  bind_tables();
  binder_.refuse_leftovers([&](std::string_view name) {
    // Layers after the last one are for speculative decoding (multi-token prediction).
    if (!name.starts_with(root_)) return is_of_other_inputs(name) || ignored(name);
    const auto layer = layer_of(fmt::format("model.{}", name.substr(root_.size())));
    return name.ends_with("rotary_emb.inv_freq") || (layer && *layer >= layers_) ||
           is_of_other_inputs(name) || ignored(name);
  });
  if (!model_.moe_layers().empty()) state_gate(model_.gate(), model_.origins);
  return std::move(model_);
}

void state_gate(const gate::GateSpec& spec, std::vector<Origin>& origins) {
  for (gate::FieldFact& fact : gate::facts(spec)) {
    origins.push_back({"gate." + fact.field, std::move(fact.value), std::move(fact.source)});
  }
}

}  // namespace rg::model
