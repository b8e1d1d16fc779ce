#include "text/reference.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/sha256.h"
#include "text/components.h"
#include "text/reference_class.h"

namespace rg::text {
namespace {

constexpr uint64_t kMaxSideFileBytes = uint64_t{64} << 20;

constexpr const char* kEndOfText = "<|endoftext|>";
constexpr const char* kByteLevel = R"([{"type":"ByteLevel","use_regex":true}])";
constexpr std::pair<const char*, const char*> kGptNeoXTokens[] = {{"unk_token", kEndOfText},
                                                                  {"bos_token", kEndOfText},
                                                                  {"eos_token", kEndOfText},
                                                                  {"pad_token", "<|padding|>"}};
constexpr std::pair<const char*, const char*> kGpt2Tokens[] = {
    {"unk_token", kEndOfText}, {"bos_token", kEndOfText}, {"eos_token", kEndOfText}};
constexpr TokenizerClass kClasses[] = {
    {"PreTrainedTokenizer", true, "", "", false, {}},
    {"TokenizersBackend", true, "", "", false, {}},
    {"PythonBackend", true, "", "", false, {}},
    {"LlamaTokenizer", true, "", "", false, {}},  // for byte-level files, and here all are
    {"GPTNeoXTokenizer", false, R"([{"type":"NFC"}])", kByteLevel, true, kGptNeoXTokens},
    {"GPT2Tokenizer", false, "[]", kByteLevel, false, kGpt2Tokens},
};

// The class of a model whose files name none.
constexpr std::pair<std::string_view, std::string_view> kDefaultClasses[] = {
    {"olmoe", "GPTNeoXTokenizer"}};

constexpr const char* kChooseClass =
    "Write \"tokenizer_class\": \"PreTrainedTokenizerFast\" in tokenizer_config.json to take "
    "tokenizer.json as it is, or tokenise with transformers and pass the ids with trace --tokens.";

[[noreturn]] void refuse_class(const std::string& file, std::string object, std::string found,
                               std::string expected) {
  throw Error(ErrorId::TK008, {.file = file,
                               .object = std::move(object),
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = kChooseClass});
}

Json read_object(const std::optional<std::filesystem::path>& file, SideFiles& side) {
  if (!file) return nullptr;
  const std::filesystem::path& path = *file;
  const std::string text = read_whole_file(path, kMaxSideFileBytes);
  const auto malformed = [&](ErrorParts parts) {
    parts.file = path.string();
    throw Error(ErrorId::TK007, std::move(parts));
  };
  Json json;
  try {
    json = parse_json(text, JsonLimits{}, path.string());
  } catch (const Error& error) {
    malformed(error.parts());
  }
  if (!json.is_object()) {
    malformed({.found = fmt::format("a value of type {}", json.type_name()),
               .expected = "an object",
               .hint = "Get the file again, or save the tokenizer again with save_pretrained."});
  }
  side.sha256.emplace_back(path.filename().string(), sha256_hex(text));
  return json;
}

// The steps of a component in order, Sequences opened, without what changes no id; and
// add_prefix_space of ByteLevel, which a class sets by itself, put aside.
void flatten(const Json& json, const char* list_key, Json& steps, std::optional<bool>& prefix) {
  if (!json.is_object()) return;
  if (json.value("type", Json()) == "Sequence") {
    const Json list = json.value(list_key, Json::array());
    for (const Json& step : list) flatten(step, list_key, steps, prefix);
    return;
  }
  Json step = json;
  if (step.value("type", Json()) == "ByteLevel") {
    step.erase("trim_offsets");
    if (step.value("add_prefix_space", Json()).is_boolean())
      prefix = step["add_prefix_space"].get<bool>();
    step.erase("add_prefix_space");
    if (!step.contains("use_regex") || step["use_regex"].is_null()) step["use_regex"] = true;
  }
  steps.push_back(std::move(step));
}

const Json& component(const TokenizerFile& file, const char* key) {
  static const Json kNone;
  if (!file.tree.is_object()) return kNone;
  const auto at = file.tree.find(key);
  return at == file.tree.end() ? kNone : *at;
}

std::string shown(const Json& json) {
  return escape_for_terminal(write_json(json, JsonLayout::compact));
}

// TK003 for a component that is refused whatever the class does.
void require_supported(const TokenizerFile& file, const std::string& key) {
  std::vector<std::string> ignored;
  if (key == "normalizer") make_normalizer(component(file, "normalizer"), file);
  if (key == "pre_tokenizer")
    make_pre_tokenizer(component(file, "pre_tokenizer"), file, UnknownPatterns::allow, ignored);
}

// What the class builds where tokenizer.json has nothing is taken and noted. Where the file has
// something else, the two contradict each other, and older versions of transformers took the file.
std::optional<bool> settle_components(TokenizerFile& file, const TokenizerClass& kind,
                                      const std::string& source, std::vector<std::string>& notes) {
  std::optional<bool> prefix;
  const auto settle = [&](const char* key, const char* list_key, const char* built) {
    Json steps = Json::array();
    flatten(component(file, key), list_key, steps, prefix);
    const Json expected = Json::parse(built);
    if (canonical_json(steps) == canonical_json(expected)) return;
    if (!steps.empty()) {
      require_supported(file, key);
      refuse_class(file.name, key, shown(steps),
                   fmt::format("{}, which {}, the class by {}, puts in its place", shown(expected),
                               kind.name, source));
    }
    file.tree[key] = expected[0];
    notes.push_back(
        fmt::format("tokenizer: {} {}, which tokenizer.json lacks, as {} has it (by {})", key,
                    expected[0]["type"].get<std::string>(), kind.name, source));
  };
  settle("normalizer", "normalizers", kind.normalizer);
  settle("pre_tokenizer", "pretokenizers", kind.pre_tokenizer);
  const Json& model = component(file, "model");
  if (model.is_object() && model.value("ignore_merges", Json()) == true) {
    refuse_class(
        file.name, "model.ignore_merges", "true",
        fmt::format("false, which {}, the class by {}, puts in its place", kind.name, source));
  }
  return prefix;
}

void set_prefix(Json& pre_tokenizer, bool prefix) {
  if (!pre_tokenizer.is_object()) return;
  if (pre_tokenizer.value("type", Json()) == "ByteLevel")
    pre_tokenizer["add_prefix_space"] = prefix;
  const auto list = pre_tokenizer.find("pretokenizers");
  if (list == pre_tokenizer.end() || !list->is_array()) return;
  for (Json& step : *list) set_prefix(step, prefix);
}

// Python's truth of a value.
bool is_true(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != 0;
  return !value.is_null() && !value.empty() && value != "";
}

std::optional<bool> stored_flag(const Json& config, const char* key) {
  const Json value = config.is_object() ? config.value(key, Json()) : Json();
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

std::string class_name(const SideFiles& side, const ModelTokenizer& model, std::string& source) {
  if (side.config.is_object()) {
    const auto at = side.config.find("tokenizer_class");
    if (at != side.config.end() && !at->is_null()) {
      if (!at->is_string()) {
        throw Error(ErrorId::TK007, {.file = side.name,
                                     .object = "tokenizer_class",
                                     .found = shown(*at),
                                     .expected = "the name of a class",
                                     .hint = kChooseClass});
      }
      source = "tokenizer_config.json";
      return at->get<std::string>();
    }
  }
  source = "config.json";
  if (!model.tokenizer_class.empty()) return model.tokenizer_class;
  source = fmt::format("model type '{}', as no file names another",
                       escape_for_terminal(model.model_type));
  for (const auto& [type, name] : kDefaultClasses) {
    if (type == model.model_type) return std::string(name);
  }
  return "TokenizersBackend";
}

const TokenizerClass& find_class(const std::string& name, const SideFiles& side,
                                 const std::string& source) {
  std::string_view base = name;
  if (base.ends_with("Fast")) base.remove_suffix(4);
  for (const TokenizerClass& kind : kClasses) {
    if (kind.name == base) return kind;
  }
  std::string known;
  for (const TokenizerClass& kind : kClasses)
    known += fmt::format("{}{}", known.empty() ? "" : ", ", kind.name);
  refuse_class(
      side.name, "tokenizer_class",
      fmt::format("{}, by {}", name.empty() ? "an empty name" : escape_for_terminal(name), source),
      "one of " + known);
}

void refuse_other_sources(const SideFiles& side) {
  if (!side.config.is_object()) return;
  const Json own = side.config.value("model_specific_special_tokens", Json());
  if (is_true(own)) {
    refuse_class(side.name, "model_specific_special_tokens", shown(own),
                 "none: the tokens that it adds are not followed");
  }
  const Json files = side.config.value("fast_tokenizer_files", Json());
  if (files.is_array()) {
    for (const Json& file : files) {
      if (file != "tokenizer.json")
        refuse_class(side.name, "fast_tokenizer_files", shown(file), "tokenizer.json alone");
    }
  }
  const Json map = side.config.value("auto_map", Json());
  if (map.is_array() || (map.is_object() && map.contains("AutoTokenizer")))
    refuse_class(side.name, "auto_map", "a tokenizer with code of its own",
                 "a class of transformers");
}

// add_prefix_space: a class that builds its pre-tokenizer takes it from the config, else false.
void apply_prefix(TokenizerFile& file, const SideFiles& side, std::optional<bool> stored,
                  const TokenizerClass& kind, std::vector<std::string>& notes) {
  const bool wanted =
      side.config.is_object() && is_true(side.config.value("add_prefix_space", Json()));
  if (stored && *stored == wanted) return;
  set_prefix(file.tree["pre_tokenizer"], wanted);
  if (!stored) return;  // the class's own step
  const bool said = side.config.is_object() && side.config.contains("add_prefix_space");
  notes.push_back(fmt::format(
      "tokenizer: add_prefix_space {} {}, against {} in tokenizer.json, as {} does", wanted,
      said ? "of tokenizer_config.json" : "without tokenizer_config.json's word", *stored,
      kind.name));
}

}  // namespace

SideFiles read_side_files(const ModelTokenizer& model) {
  SideFiles side;
  side.name = model.config
                  ? model.config->string()
                  : (model.tokenizer_json.parent_path() / "tokenizer_config.json").string();
  side.config = read_object(model.config, side);
  side.special_tokens_map = read_object(model.special_tokens_map, side);
  side.added_tokens = read_object(model.added_tokens, side);
  return side;
}

Reference stored_reference(const TokenizerFile& file) {
  Reference reference;
  reference.added = read_added_tokens(component(file, "added_tokens"), file);
  return reference;
}

Reference make_reference(TokenizerFile& file, const SideFiles& side, const ModelTokenizer& model) {
  Reference reference = stored_reference(file);
  refuse_other_sources(side);
  std::string source;
  const TokenizerClass& kind = find_class(class_name(side, model, source), side, source);
  reference.class_name = kind.name;
  if (!kind.as_stored) {
    apply_prefix(file, side, settle_components(file, kind, source, reference.notes), kind,
                 reference.notes);
    // The class's model knows no unknown token.
    if (component(file, "model").is_object()) file.tree["model"].erase("unk_token");
  }
  reference.drops_special_tokens = kind.drops_special_tokens;
  reference.add_bos_token = stored_flag(side.config, "add_bos_token");
  reference.add_eos_token = stored_flag(side.config, "add_eos_token");
  if (side.config.is_object() && is_true(side.config.value("split_special_tokens", Json()))) {
    reference.split_special_tokens = true;
    reference.notes.push_back(
        "tokenizer: special tokens in a text are split like text, by split_special_tokens of "
        "tokenizer_config.json");
  }
  add_reference_tokens(file, side, kind, reference);
  return reference;
}

}  // namespace rg::text
