#include "formats/released_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace rg::formats {
namespace {

// Kimi-K2 has 140,000.
constexpr size_t kMostTensors = size_t{1} << 19;
constexpr std::string_view kScales = "_scale_inv";

std::string_view without(std::string_view name, std::string_view end) {
  if (name.ends_with(end)) name.remove_suffix(end.size());
  return name;
}

// Null unless `object` has an object under that key.
const Json* object_in(const Json& object, std::string_view key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_object() ? &*at : nullptr;
}

// Null for a missing key as for null.
const Json* value_in(const Json& object, std::string_view key) {
  const auto at = object.find(key);
  return at != object.end() && !at->is_null() ? &*at : nullptr;
}

std::string text_in(const Json& object, std::string_view key) {
  const Json* value = value_in(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// Names of modules, in the forms that a quantisation lists them in.
class ModuleNames {
 public:
  void add(const std::string& pattern) {
    if (pattern.find('*') != pattern.npos) {
      wild_.push_back(pattern);
    } else {
      plain_.insert(pattern);
      lengths_.insert(pattern.size());
    }
  }
  bool empty() const { return plain_.empty() && wild_.empty(); }

  bool match(std::string_view module) const {
    for (size_t end = 0; end <= module.size(); ++end) {
      if (is_boundary(module, end) && plain_.contains(module.substr(0, end))) return true;
    }
    for (const size_t length : lengths_) {
      if (length > module.size()) break;
      if (plain_.contains(module.substr(module.size() - length))) return true;
    }
    return std::any_of(wild_.begin(), wild_.end(), [&](std::string_view pattern) {
      return module.ends_with(pattern) || starts_like(module, pattern);
    });
  }

 private:
  static bool is_boundary(std::string_view module, size_t at) {
    return at == module.size() || module[at] == '.' || (at > 0 && module[at - 1] == '.');
  }

  // Parts between wildcards are found as early as possible; the last one must end at a boundary.
  static bool starts_like(std::string_view module, std::string_view pattern) {
    size_t star = pattern.find('*'), at = star;
    if (!module.starts_with(pattern.substr(0, star))) return false;
    while (true) {
      pattern.remove_prefix(star + 1);
      star = pattern.find('*');
      const std::string_view part = pattern.substr(0, star);
      size_t found = module.find(part, at);
      if (star == pattern.npos) {
        while (found != module.npos && !is_boundary(module, found + part.size())) {
          found = module.find(part, found + 1);
        }
        return found != module.npos;
      }
      if (found == module.npos) return false;
      at = found + part.size();
    }
  }

  std::set<std::string, std::less<>> plain_;
  std::set<size_t> lengths_;
  std::vector<std::string> wild_;
};

// What quantization_config says of the stored types.
struct Quantisation {
  std::string method;  // empty: none
  ModuleNames kept;    // modules that are stored as without it

  // Whether the matrices of a module are stored in another form. Tables and routers never are.
  bool converts(std::string_view module) const {
    return !method.empty() && module.find("layers.") != module.npos && !is_router(module) &&
           !kept.match(module);
  }

  static bool is_router(std::string_view module) {
    for (size_t at = 0; at < module.size();) {
      const size_t dot = std::min(module.find('.', at), module.size());
      const std::string_view step = module.substr(at, dot - at);
      if (step == "gate" || step == "router") return true;
      at = dot + 1;
    }
    return false;
  }
};

Quantisation read_quantisation(const Json& config) {
  Quantisation read;
  const Json* text = object_in(config, "text_config");
  const Json* object = object_in(config, "quantization_config");
  if (object == nullptr && text != nullptr) object = object_in(*text, "quantization_config");
  if (object == nullptr) return read;
  read.method = text_in(*object, "quant_method");
  for (const std::string_view key : {"modules_to_not_convert", "ignored_layers"}) {
    const Json* list = value_in(*object, key);
    if (list == nullptr || !list->is_array()) continue;
    for (const Json& name : *list) {
      if (name.is_string()) read.kept.add(name.get<std::string>());
    }
  }
  return read;
}

struct StatedType {
  DType dtype;
  std::string source;
};

StatedType read_dtype(const Json& config) {
  const Json* text = object_in(config, "text_config");
  for (const Json* object : {&config, text}) {
    if (object == nullptr) continue;
    for (const std::string key : {"dtype", "torch_dtype"}) {
      const Json* value = value_in(*object, key);
      if (value == nullptr) continue;
      const std::string name = object == text ? "text_config." + key : key;
      const std::string stated = value->is_string() ? value->get<std::string>() : "";
      for (const auto& [spelling, dtype] :
           {std::pair{"float32", DType::f32}, std::pair{"float16", DType::f16},
            std::pair{"bfloat16", DType::bf16}}) {
        if (stated == spelling || stated == std::string("torch.") + spelling) return {dtype, name};
      }
      throw Error(ErrorId::CF002,
                  {.file = "config.json",
                   .object = name,
                   .found = escape_for_terminal(write_json(*value, JsonLayout::compact)),
                   .expected = "float32, float16 or bfloat16",
                   .hint = "Without weights the types of the tensors follow from this key alone."});
    }
  }
  return {DType::bf16, ""};
}

std::vector<std::string> assumptions(const StatedType& type, const Quantisation& quantisation) {
  std::vector<std::string> assumed = {
      "names and shapes of tensors: those that the family asks for; none was checked"};
  const std::string_view name = dtype_name(type.dtype);
  assumed.push_back(type.source.empty()
                        ? fmt::format("stored values: {}, as config.json has no dtype", name)
                        : fmt::format("stored values: {}, by {}", name, type.source));
  assumed.push_back("selection biases, where there are any: F32");
  const std::string_view kept =
      quantisation.kept.empty() ? "" : " and what modules_to_not_convert names";
  if (quantisation.method == "fp8") {
    assumed.push_back(
        fmt::format("matrices of the layers: F8_E4M3 with an F32 scale per block, by "
                    "quantization_config, except routers{}",
                    kept));
  } else if (quantisation.method == "mxfp4") {
    assumed.push_back(
        fmt::format("experts: MXFP4 blocks, by quantization_config{}",
                    quantisation.kept.empty() ? "" : ", except what modules_to_not_convert names"));
  }
  return assumed;
}

}  // namespace

ReleasedTensors released_tensors(const Json& config) {
  const StatedType type = read_dtype(config);
  const auto quantisation = std::make_shared<const Quantisation>(read_quantisation(config));
  const bool wrapped = object_in(config, "text_config") != nullptr;
  const std::string model_type = text_in(config, "model_type");
  const bool wide_routers = model_type == "ernie4_5_moe" || model_type == "minimax_m2";
  ReleasedTensors released = {
      .rules = {.dtype = type.dtype, .most_tensors = kMostTensors, .has = {}},
      .assumed = assumptions(type, *quantisation)};
  released.rules.has = [quantisation, wrapped](std::string_view name) -> std::optional<bool> {
    const bool fp8 = quantisation->method == "fp8", mxfp4 = quantisation->method == "mxfp4";
    if (name.ends_with(kScales)) {
      return fp8 && quantisation->converts(without(without(name, kScales), ".weight"));
    }
    if (name.ends_with("_blocks")) {
      return mxfp4 && quantisation->converts(name.substr(0, name.rfind('.')));
    }
    if (name == "model.language_model.embed_tokens.weight") return wrapped;
    return std::nullopt;
  };
  released.rules.other_dtype = [quantisation,
                                wide_routers](const TensorRequest& wanted) -> std::optional<DType> {
    const std::string_view name = wanted.name, module = without(name, ".weight");
    if (name.ends_with(kScales) || name.ends_with("e_score_correction_bias") ||
        name.ends_with("expert_bias")) {
      return DType::f32;
    }
    const size_t rank = wanted.shape.size();
    if (wide_routers && rank == 2 && Quantisation::is_router(module)) return DType::f32;
    // A convolution of single channels is (channels, 1, kernel), and no matrix.
    const bool matrix = rank == 2 || (rank == 3 && wanted.shape[1] != 1);
    if (quantisation->method == "fp8" && matrix && quantisation->converts(module)) {
      return DType::f8_e4m3;
    }
    return std::nullopt;
  };
  return released;
}

}  // namespace rg::formats
