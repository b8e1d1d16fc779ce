#include "model/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
  model_.final_norm.spec = {norms, positive(epsilon, read)};
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

std::string Decoder::layer_prefix(uint32_t layer) const {
  return fmt::format("{}{}.{}.", root_, layers_name_, layer);
}

void Decoder::add(Layer layer) { model_.layers.push_back(std::move(layer)); }

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
