#include "model/known_keys.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace rg::model {
namespace {

// PretrainedConfig of transformers 4.57 and 5.24, except the keys below that affect the result.
constexpr std::array kAnyValue = std::to_array<std::string_view>({
    // Where the file comes from.
    "_auto_class",
    "_commit_hash",
    "_name_or_path",
    "architectures",
    "auto_map",
    "model_name",
    "name_or_path",
    "transformers_version",
    // How a library computes, not what: kernels, precision in memory, shapes of results.
    "attn_implementation",
    "chunk_size_feed_forward",
    "dtype",
    "experts_implementation",
    "gradient_checkpointing",
    "is_decoder",
    "output_attentions",
    "output_hidden_states",
    "output_router_logits",
    "pretraining_tp",
    "return_dict",
    "tf_legacy_loss",
    "tie_last_hidden_states",
    "torch_dtype",
    "torchscript",
    "use_bfloat16",
    "use_cache",
    "use_return_dict",
    // Training.
    "attention_dropout",
    "aux_loss_alpha",
    "classifier_dropout",
    "embd_pdrop",
    "ep_size",
    "finetuning_task",
    "embedding_dropout",
    "hidden_dropout",
    "hidden_dropout_prob",
    "id2label",
    "initializer_range",
    "label2id",
    "load_balancing_loss_coef",
    "num_labels",
    "output_dropout",
    "problem_type",
    "resid_pdrop",
    "router_aux_loss_coef",
    "router_z_loss_coef",
    "seq_aux",
    "task_specific_params",
    // Speculative decoding: its layers come after the model's own and are ignored by name.
    "mtp_loss_scaling_factor",
    "mtp_num_hidden_layers",
    "mtp_use_dedicated_embeddings",
    "num_mtp_layers",
    "num_mtp_modules",
    "num_nextn_predict_layers",
    // Tokenizer. The ids of special tokens mask nothing in a pass over whole windows.
    "bos_token_id",
    "decoder_start_token_id",
    "eos_token_id",
    "pad_token_id",
    "prefix",
    "sep_token_id",
    "tokenizer_class",
    // Generation, which transformers 4 kept here.
    "assistant_confidence_threshold",
    "assistant_lookbehind",
    "bad_words_ids",
    "begin_suppress_tokens",
    "diversity_penalty",
    "do_sample",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "encoder_repetition_penalty",
    "epsilon_cutoff",
    "eta_cutoff",
    "exponential_decay_length_penalty",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "min_length",
    "min_new_tokens",
    "min_p",
    "no_repeat_ngram_size",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_scores",
    "remove_invalid_values",
    "repetition_penalty",
    "return_dict_in_generate",
    "suppress_tokens",
    "target_lookbehind",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
});

constexpr std::array kPrefixes = std::to_array<std::string_view>(
    {"_attn_implementation", "_experts_implementation", "unsloth_"});

// With another value they ask for another model: cross attention, fewer heads, stored integers,
// attention to later tokens.
constexpr std::array kSomeValues = std::to_array<KnownKey>({
    {"add_cross_attention", Harmless::unless_true},
    {"cross_attention_hidden_size", Harmless::if_null},
    {"is_causal", Harmless::if_true},
    {"is_encoder_decoder", Harmless::unless_true},
    {"per_layer_config", Harmless::if_empty},
    {"pruned_heads", Harmless::if_empty},
    {"quantization_config", Harmless::if_null},
    {"tie_encoder_decoder", Harmless::unless_true},
});

bool all_are(const Json& list, std::string_view kind) {
  return list.is_null() ||
         (list.is_array() &&
          std::all_of(list.begin(), list.end(), [&](const Json& e) { return e == kind; }));
}

}  // namespace

std::optional<Harmless> bookkeeping_key(std::string_view name) {
  if (std::find(kAnyValue.begin(), kAnyValue.end(), name) != kAnyValue.end()) {
    return Harmless::always;
  }
  for (const std::string_view prefix : kPrefixes) {
    if (name.starts_with(prefix)) return Harmless::always;
  }
  const auto at = std::find_if(kSomeValues.begin(), kSomeValues.end(),
                               [&](const KnownKey& key) { return key.name == name; });
  if (at == kSomeValues.end()) return std::nullopt;
  return at->harmless;
}

bool is_harmless(Harmless when, const Json& value) {
  switch (when) {
    case Harmless::always:
      return true;
    case Harmless::unless_true:
      return value.is_null() || value == false;
    case Harmless::if_empty:
      return value.is_null() || (value.is_structured() && value.empty());
    case Harmless::if_null:
      return value.is_null();
    case Harmless::if_one:
      return value.is_null() || (value.is_number() && value.get<double>() == 1);
    case Harmless::if_true:
      return value == true;
    case Harmless::if_all_full:
      return all_are(value, "full_attention");
    case Harmless::if_all_indexed:
      return all_are(value, "indexed_attention");
  }
  return false;
}

std::string_view harmless_values(Harmless when) {
  switch (when) {
    case Harmless::always:
      return "";
    case Harmless::unless_true:
      return "false or null";
    case Harmless::if_empty:
      return "null or empty";
    case Harmless::if_null:
      return "null";
    case Harmless::if_one:
      return "1 or null";
    case Harmless::if_true:
      return "true";
    case Harmless::if_all_full:
      return "null or a list of \"full_attention\"";
    case Harmless::if_all_indexed:
      return "null or a list of \"indexed_attention\"";
  }
  return "";
}

}  // namespace rg::model
