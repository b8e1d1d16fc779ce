// Equality with Hugging Face `tokenizers` on tests/data/text, made by recipes/golden/byte_level.py.
#include <gtest/gtest.h>

#include <random>

#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer.h"

namespace rg::text {
namespace {

class Golden : public testing::TestWithParam<const char*> {};

Json read_golden(const std::string& name) {
  const std::string path = std::string(RG_TEST_DATA) + "/text/" + name + ".json";
  return parse_json(read_whole_file(path, 1 << 24), JsonLimits{}, path);
}

TEST_P(Golden, IdsAndOffsetsAreThoseOfTheReference) {
  const Json golden = read_golden(GetParam());
  const Tokenizer tokenizer =
      Tokenizer::parse(golden["tokenizer"].dump(), GetParam(), UnknownPatterns::allow);
  size_t with_offsets = 0;
  for (const Json& expected : golden["cases"]) {
    const auto text = expected["text"].get<std::string>();
    const Encoding found = tokenizer.encode(text, SpecialTokens::add);
    const auto ids = expected["ids"].get<std::vector<int32_t>>();
    ASSERT_EQ(found.ids, ids) << "text: " << text;
    ASSERT_EQ(tokenizer.encode_ids(text, SpecialTokens::add), ids) << "text: " << text;
    std::vector<int32_t> streamed;
    tokenizer.stream_ids(text, SpecialTokens::add, [&](std::span<const int32_t> piece) {
      streamed.insert(streamed.end(), piece.begin(), piece.end());
    });
    ASSERT_EQ(streamed, ids) << "text: " << text;
    if (!expected.contains("offsets")) continue;
    ++with_offsets;
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto offsets = expected["offsets"][i].get<std::pair<uint32_t, uint32_t>>();
      ASSERT_EQ(std::pair(found.begins[i], found.ends[i]), offsets)
          << "token " << i << " of: " << text;
    }
  }
  EXPECT_GE(golden["cases"].size(), 60u);
  EXPECT_GE(with_offsets, 30u);
}

// Ids don't depend on whether anyone asks where they come from: the way without origins keeps
// less. Random texts of letters, marks that compose, fold and reorder, spaces and added tokens.
TEST_P(Golden, IdsAloneAreThoseOfTheWholeEncoding) {
  const Json golden = read_golden(GetParam());
  const Tokenizer tokenizer =
      Tokenizer::parse(golden["tokenizer"].dump(), GetParam(), UnknownPatterns::allow);
  std::vector<std::string> parts{
      "a",      "e",      "Q",      "é", "\u0301", "\u0323", "\u0345", "\u1100",
      "\u1161", "\u11a8", "\u212b", "ﬁ", "日",     "か",     "\u3099", " ",
      "  ",     "\n",     "\t",     "7", "٣",      "-",      "'s",     "👩‍👩‍👧",
      "\u00a0", "\u1dfa", "İ",      "x!"};
  for (const Json& token : golden["tokenizer"]["added_tokens"])
    parts.push_back(token["content"].get<std::string>());
  std::mt19937 random(41);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (size_t left = 1 + random() % 40; left > 0; --left) text += parts[random() % parts.size()];
    ASSERT_EQ(tokenizer.encode_ids(text, SpecialTokens::add),
              tokenizer.encode(text, SpecialTokens::add).ids)
        << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Pipelines, Golden,
                         testing::Values("gpt2_nfc", "qwen", "llama", "o200k", "deepseek",
                                         "granite", "flagged", "decomposed"),
                         [](const auto& pipeline) { return std::string(pipeline.param); });

}  // namespace
}  // namespace rg::text
