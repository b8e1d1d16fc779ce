// Rows S7 and S8 as far as the index alone tells.
#include <gtest/gtest.h>

#include <string>

#include "formats/shard_index.h"
#include "support/caught.h"
#include "support/json_texts.h"

namespace rg::formats {
namespace {

using test::caught;
using test::Caught;

ShardIndex parse(const std::string& text) { return parse_shard_index(text, "index.json"); }
Caught index_refusal(const std::string& text) {
  return caught([&] { parse(text); });
}

TEST(ShardIndex, Reads) {
  const ShardIndex index = parse(
      R"({"metadata":{"total_size":10},"weight_map":{"c":"2.safetensors","a":"1.safetensors",
          "b":"2.safetensors"}})");
  EXPECT_EQ(index.shards, (std::vector<std::string>{"1.safetensors", "2.safetensors"}));
  using Entry = std::pair<std::string, uint32_t>;
  EXPECT_EQ(index.weight_map, (std::vector<Entry>{{"a", 0}, {"b", 1}, {"c", 1}}));
  EXPECT_EQ(index.total_size, 10u);
}

TEST(ShardIndex, TotalSizeIsOnlyATip) {
  for (const char* metadata :
       {"", "\"metadata\":{},", "\"metadata\":null,", "\"metadata\":{\"total_size\":1.5},",
        "\"metadata\":{\"total_size\":\"10\"},"}) {
    EXPECT_FALSE(parse(std::string("{") + metadata + "\"weight_map\":{\"a\":\"f\"}}").total_size);
  }
}

TEST(ShardIndex, TotalSizeMayBeWrittenAsAFloat) {
  for (const char* size : {"10", "10.0", "1e1"}) {
    const std::string text = std::string(R"({"metadata":{"total_size":)") + size +
                             R"(,"total_parameters":5,"format":"pt"},"extra":[1],)" +
                             R"("weight_map":{"a":"f"}})";
    EXPECT_EQ(parse(text).total_size, 10u) << size;
  }
  for (const char* metadata :
       {"[]", "7", "\"x\"", "{\"total_size\":-1}", "{\"total_size\":1e300}",
        "{\"total_size\":null}", "{\"total_size\":true}", "{\"total_size\":[10]}"}) {
    const std::string text =
        std::string("{\"metadata\":") + metadata + ",\"weight_map\":{\"a\":\"f\"}}";
    EXPECT_FALSE(parse(text).total_size) << metadata;
  }
}

TEST(ShardIndex, HintsFollowTheFailure) {
  EXPECT_TRUE(index_refusal("{}").says("not an index")) << index_refusal("{}").line;
  EXPECT_TRUE(index_refusal("{\"weight_map\":{}}").says("saw no weights"));
  EXPECT_TRUE(index_refusal("{\"weight_map\":{\"a\":1}}").says("damaged"));
  EXPECT_TRUE(index_refusal("\xef\xbb\xbf{}").says("without BOM"));
}

TEST(ShardIndex, RefusesAnythingElse) {
  for (const char* text :
       {"[]", "null", "1", "{}", "{\"weight_map\":null}", "{\"weight_map\":[]}",
        "{\"weight_map\":{}}", "{\"weight_map\":{\"a\":1}}", "{\"weight_map\":{\"a\":null}}",
        "{\"weight_map\":{\"a\":[\"f\"]}}", "{\"weight_map\":{\"a\":\"f\",\"a\":\"g\"}}",
        "{\"weight_map\":{\"a\":\"f\"},\"weight_map\":{\"a\":\"f\"}}",
        "{\"weight_map\":{\"a\":\"f\"}} x"}) {
    EXPECT_EQ(index_refusal(text).id, ErrorId::ST013) << text;
  }
  for (const std::string& text : test::invalid_json_texts()) {
    EXPECT_EQ(index_refusal(text).id, ErrorId::ST013) << escape_for_terminal(text);
  }
}

// S8: the twelve shapes of a path that is no plain name.
TEST(ShardIndex, ShardNamesArePlain) {
  const std::string nul = "a\\u0000b.safetensors";
  const std::string long_name(256, 'n');
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("/etc/passwd"),
        std::string("../model.safetensors"), std::string("sub/model.safetensors"),
        std::string("./model.safetensors"), std::string("model.safetensors/"),
        std::string("..\\\\model.safetensors"), std::string("a\\u002fb"), nul, long_name}) {
    const Caught error = index_refusal("{\"weight_map\":{\"t\":\"" + name + "\"}}");
    EXPECT_EQ(error.id, ErrorId::ST015) << name;
    EXPECT_EQ(error.parts.object, "t");
  }
  for (const std::string name : {"model.safetensors", "model-00000-of-00002.safetensors", "a b",
                                 "..model", "m\xc3\xa9", "model..safetensors"}) {
    EXPECT_FALSE(index_refusal("{\"weight_map\":{\"t\":\"" + name + "\"}}").id) << name;
  }
  EXPECT_TRUE(is_plain_file_name(std::string(255, 'n')));
}

}  // namespace
}  // namespace rg::formats
