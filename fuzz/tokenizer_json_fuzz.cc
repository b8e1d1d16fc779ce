// Any tokenizer.json is refused with one of the reader's error ids, or the resulting tokenizer
// keeps every promise of the interface.
#include <cstdint>
#include <string_view>

#include "property.h"
#include "text/tokenizer.h"

namespace {

using namespace rg;
using namespace rg::text;
using rg::fuzz::require;

constexpr std::string_view kText =
    "Hello  World's 123 caf\u00e9 e\u0301 \U0001f600\r\n\n  <x> \u65e5\u672c";

void check(const Tokenizer& tokenizer) {
  const Encoding encoding = tokenizer.encode(kText, SpecialTokens::add);
  const size_t tokens = encoding.ids.size();
  require(encoding.begins.size() == tokens && encoding.ends.size() == tokens,
          "each id has a range");
  for (size_t i = 0; i < tokens; ++i) {
    require(encoding.ids[i] >= 0 && encoding.ids[i] <= tokenizer.largest_id(), "ids are known");
    require(encoding.begins[i] <= encoding.ends[i] && encoding.ends[i] <= kText.size(),
            "ranges lie in the text");
  }
  require(tokenizer.encode_ids(kText, SpecialTokens::add) == encoding.ids,
          "ids don't depend on whether ranges are wanted");
  require(tokenizer.vocabulary_size() <= static_cast<size_t>(tokenizer.largest_id()) + 1,
          "no id has two tokens");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  for (const auto patterns : {UnknownPatterns::refuse, UnknownPatterns::allow}) {
    rg::fuzz::accepted("TK", [&] {
      check(Tokenizer::parse(json, "tokenizer.json", patterns));
      return true;
    });
  }
  return 0;
}
