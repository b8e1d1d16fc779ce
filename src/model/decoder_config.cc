// The decoder's config keys: what families spell alike, and how weights are stored.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"
#include "model/decoder.h"

namespace rg::model {

float Decoder::positive(std::string_view key, double value) const {
  const auto narrow = static_cast<float>(value);
  if (!(narrow > 0) || !std::isfinite(narrow)) {
    reader_.refuse(key, fmt::format("{}", value), "a positive number within fp32's range", "");
  }
  return narrow;
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
  return {positive(key, reader_.real(key, "")), "config.json: " + std::string(key)};
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

}  // namespace rg::model
