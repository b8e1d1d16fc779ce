// The files beside tokenizer.json, as one object with a member for each: they are refused with a
// number of their own, or give tokens that the vocabulary takes.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "property.h"
#include "text/byte_alphabet.h"
#include "text/components.h"
#include "text/reference.h"

namespace {

using namespace rg;
using namespace rg::text;
using rg::fuzz::require;

// A tokenizer.json of single bytes with one added token, and a padding.
TokenizerFile byte_tokenizer() {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte)
    vocabulary[token_of_byte(static_cast<uint8_t>(byte))] = byte;
  const Json json = {
      {"added_tokens",
       {{{"id", 256},
         {"content", "<s>"},
         {"single_word", false},
         {"lstrip", false},
         {"rstrip", false},
         {"normalized", false},
         {"special", true}}}},
      {"padding", {{"pad_token", "<pad>"}}},
      {"normalizer", {{"type", "NFC"}}},
      {"pre_tokenizer",
       {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}}},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}}}};
  return parse_tokenizer_file(json.dump(), "tokenizer.json");
}

bool check(const Json& files) {
  const auto member = [&](const char* name) {
    const Json value = files.is_object() ? files.value(name, Json()) : Json();
    return value.is_object() ? value : Json();
  };
  const SideFiles side{.name = "tokenizer_config.json",
                       .config = member("tokenizer_config"),
                       .special_tokens_map = member("special_tokens_map"),
                       .added_tokens = member("added_tokens"),
                       .sha256 = {}};
  TokenizerFile file = byte_tokenizer();
  const ModelTokenizer model{.tokenizer_json = "tokenizer.json",
                             .config = {},
                             .special_tokens_map = {},
                             .added_tokens = {},
                             .model_type = "olmoe",
                             .tokenizer_class = ""};
  Reference reference = make_reference(file, side, model);
  std::set<std::string> contents;
  for (const AddedToken& token : reference.added) {
    require(!token.content.empty(), "an added token has a content");
    require(contents.insert(token.content).second, "each added token comes once");
  }
  make_vocabulary(file, reference.added);
  std::set<int32_t> ids;
  for (const AddedToken& token : reference.added)
    require(token.id >= 0 && ids.insert(token.id).second, "each added token has an id of its own");
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Json files;
  try {
    files = parse_json({reinterpret_cast<const char*>(data), size}, JsonLimits{}, "files");
  } catch (const Error&) {
    return 0;  // the target of JSON's own reader
  }
  rg::fuzz::accepted("TK", [&] { return check(files); });
  return 0;
}
