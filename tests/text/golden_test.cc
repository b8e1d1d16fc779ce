// Equality with Hugging Face `tokenizers` on tests/data/text, made by recipes/golden/byte_level.py.
#include <gtest/gtest.h>

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

INSTANTIATE_TEST_SUITE_P(Pipelines, Golden,
                         testing::Values("gpt2_nfc", "qwen", "llama", "o200k", "deepseek",
                                         "granite", "flagged", "decomposed"),
                         [](const auto& pipeline) { return std::string(pipeline.param); });

}  // namespace
}  // namespace rg::text
