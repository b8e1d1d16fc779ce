// Any bytes as text, through pipelines like those of released models: invalid UTF-8 and nothing
// else is refused, tokens cover the text in order, and where nothing is normalised or added their
// bytes are the text.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "property.h"
#include "text/byte_alphabet.h"
#include "text/patterns.h"
#include "text/tokenizer.h"

namespace {

using namespace rg;
using namespace rg::text;
using rg::fuzz::require;

Json byte_level(bool prefix, bool regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", prefix},
          {"trim_offsets", true},
          {"use_regex", regex}};
}

// The byte alphabet, some merges, and the tested patterns [first, last) as splits.
Tokenizer make(const Json& normalizer, size_t first, size_t last, bool prefix) {
  Json vocabulary = Json::object(), merges = Json::array(), steps = Json::array();
  for (int byte = 0; byte < 256; ++byte)
    vocabulary[token_of_byte(static_cast<uint8_t>(byte))] = byte;
  for (const auto& [left, right] :
       {std::pair("t", "h"), {"th", "e"}, {"a", "a"}, {"aa", "aa"}, {"1", "2"}}) {
    vocabulary[std::string(left) + right] = vocabulary.size();
    merges.push_back(std::string(left) + " " + right);
  }
  for (size_t i = first; i < last; ++i) {
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", tested_patterns()[i].pattern}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  steps.push_back(byte_level(prefix, first == last));
  const Json json = {{"added_tokens", Json::array()},
                     {"normalizer", normalizer},
                     {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
                     {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", merges}}}};
  return Tokenizer::parse(json.dump(), "tokenizer.json", UnknownPatterns::refuse);
}

struct Pipeline {
  Tokenizer tokenizer;
  bool keeps_text;
};

const Pipeline& pipeline(size_t choice) {
  static const Pipeline pipelines[] = {{make(nullptr, 0, 0, false), true},             // GPT-2
                                       {make({{"type", "NFC"}}, 0, 0, false), false},  // OLMoE
                                       {make(nullptr, 1, 2, false), true},             // Qwen
                                       {make(nullptr, 2, 3, false), true},             // Llama-3
                                       {make(nullptr, 3, 4, false), true},             // o200k
                                       {make(nullptr, 4, 7, false), true},  // DeepSeek-V3
                                       {make({{"type", "NFKD"}}, 7, 8, true), false}};
  return pipelines[choice % std::size(pipelines)];
}

void check(const Pipeline& chosen, std::string_view text) {
  const Encoding encoding = chosen.tokenizer.encode(text, SpecialTokens::add);
  std::string spelled;
  uint32_t last = 0;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    require(encoding.begins[i] <= encoding.ends[i] && encoding.ends[i] <= text.size(),
            "ranges lie in the text");
    require(encoding.begins[i] <= last && encoding.ends[i] >= last,
            "ranges follow each other without gaps");
    last = encoding.ends[i];
    spelled += chosen.tokenizer.token_bytes(encoding.ids[i]);
  }
  require(last == text.size(), "the last range ends with the text");
  require(!chosen.keeps_text || spelled == text, "the tokens spell the text");
  require(chosen.tokenizer.encode_ids(text, SpecialTokens::add) == encoding.ids,
          "ids don't depend on whether ranges are wanted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool valid = !find_invalid_utf8(text);
  const auto done = rg::fuzz::accepted("CO003", [&] {
    check(pipeline(data[0]), text);
    return true;
  });
  require(done.has_value() == valid, "invalid UTF-8, and nothing else, is refused");
  return 0;
}
