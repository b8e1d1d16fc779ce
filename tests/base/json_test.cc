#include "base/json.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <clocale>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "support/caught.h"
#include "support/json_texts.h"

namespace rg {
namespace {

using test::caught;
using test::Caught;

Json parse(std::string_view text) { return parse_json(text, {}, "file.json"); }
Caught refusal(std::string_view text, const JsonLimits& limits = {}) {
  return caught([&] { parse_json(text, limits, "file.json"); });
}

TEST(ParseJson, RefusesEveryInvalidText) {
  const auto texts = test::invalid_json_texts();
  EXPECT_GE(texts.size(), 150u);
  for (const std::string& text : texts) {
    const Caught error = refusal(text);
    EXPECT_EQ(error.id, ErrorId::JS001) << escape_for_terminal(text) << ": " << error.line;
    EXPECT_TRUE(error.parts.object.starts_with("byte ")) << error.line;
  }
}

TEST(ParseJson, AcceptsEveryValidText) {
  const auto texts = test::valid_json_texts();
  EXPECT_GE(texts.size(), 60u);
  for (const std::string& text : texts) {
    const Caught error = refusal(text);
    EXPECT_FALSE(error.id) << escape_for_terminal(text) << ": " << error.line;
  }
}

TEST(ParseJson, NamesPlaceAndContext) {
  const Caught error = refusal("{\"abc\": [1, 2, x\x1b[31m]}");
  EXPECT_EQ(error.parts.object, "byte 15");
  EXPECT_EQ(error.parts.file, "file.json");
  EXPECT_EQ(error.parts.found, "\"x\\x1b[31m]}\"");
}

TEST(ParseJson, NamesWhatPythonWrites) {
  for (const std::string word : {"NaN", "Infinity", "-Infinity", "nan", "inf", "-inf"}) {
    const Caught error = refusal("{\"a\": [0, " + word + "]}");
    EXPECT_EQ(error.id, ErrorId::JS001);
    EXPECT_TRUE(error.says(word + " is not JSON")) << error.line;
  }
}

TEST(ReplaceBareWords, OutsideOfStringsOnly) {
  constexpr WordReplacement kWords[] = {{"-Infinity", "low"}, {"Infinity", "{}"}};
  std::string text = R"({"Infinity":[Infinity,-Infinity],"a\"Infinity":"\\","b":Infinity})";
  EXPECT_TRUE(replace_bare_words(text, kWords));
  EXPECT_EQ(text, R"({"Infinity":[{},low],"a\"Infinity":"\\","b":{}})");
  std::string without = R"(["Infinity", 1])";
  EXPECT_FALSE(replace_bare_words(without, kWords));
  EXPECT_EQ(without, R"(["Infinity", 1])");
}

TEST(ParseJson, RefusesDuplicateKeysWithBothOffsets) {
  const Caught error = refusal("{\"a\": 1, \"b\": {\"x\": 1, \"y\": 2, \"x\": 3}}");
  EXPECT_EQ(error.id, ErrorId::JS002);
  EXPECT_TRUE(error.says("byte 15 and again at byte 31")) << error.line;
  // The same key spelled otherwise; the same key in another object is none.
  EXPECT_EQ(refusal("{\"a\":1,\"\\u0061\":2}").id, ErrorId::JS002);
  EXPECT_EQ(refusal("{\"\":1,\"\":1}").id, ErrorId::JS002);
  EXPECT_FALSE(refusal("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":1}]}").id);
}

TEST(ParseJson, RefusesNumbersBeyondDouble) {
  for (const std::string number : {"1e400", "-1e400", "1.8e308", "1e99999999999999999999"}) {
    const Caught error = refusal("[0, " + number + "]");
    EXPECT_EQ(error.id, ErrorId::JS003) << number;
    EXPECT_EQ(error.parts.object, "byte 4");
  }
  EXPECT_FALSE(refusal("[1.7976931348623157e308]").id);
}

TEST(ParseJson, LimitsDepthAndSize) {
  const JsonLimits limits = {.max_depth = 4, .max_bytes = 100};
  EXPECT_FALSE(refusal("[[[[]]]]", limits).id);
  EXPECT_FALSE(refusal("{\"a\":[{\"a\":[]}]}", limits).id);
  const Caught deep = refusal("[[[[[", limits);
  EXPECT_EQ(deep.id, ErrorId::JS004);
  EXPECT_EQ(deep.parts.object, "byte 4");
  EXPECT_EQ(refusal("{\"a\":[{\"a\":[{", limits).id, ErrorId::JS004);
  EXPECT_FALSE(refusal("[[],[],[],[],[],[[]]]", limits).id);  // depth, not count
  EXPECT_FALSE(refusal('"' + std::string(98, 'a') + '"', limits).id);
  EXPECT_EQ(refusal('"' + std::string(99, 'a') + '"', limits).id, ErrorId::JS004);
  // A hundred thousand brackets need no stack.
  EXPECT_EQ(refusal(std::string(100'000, '[')).id, ErrorId::JS004);
}

TEST(ParseJson, KeepsKindsAndOrder) {
  const Json json = parse(R"({"b":1,"a":-2,"c":3.0,"d":18446744073709551615,
                              "e":18446744073709551616,"f":-9223372036854775808,"g":-0,"h":"x"})");
  EXPECT_EQ(json.begin().key(), "b");
  EXPECT_TRUE(json["b"].is_number_unsigned());
  EXPECT_TRUE(json["a"].is_number_integer() && !json["a"].is_number_unsigned());
  EXPECT_TRUE(json["c"].is_number_float());
  EXPECT_EQ(json["d"].get<uint64_t>(), std::numeric_limits<uint64_t>::max());
  EXPECT_TRUE(json["e"].is_number_float());
  EXPECT_EQ(json["f"].get<int64_t>(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(json["g"], 0);
  EXPECT_EQ(json["h"], "x");
}

TEST(ParseJson, ManyKeysTakeLinearTime) {
  // Quadratic search would take minutes here, and this test its ten-minute limit.
  std::string text = "{";
  constexpr int kKeys = 300'000;
  for (int i = 0; i < kKeys; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
  EXPECT_EQ(parse(text + "}").size(), size_t{kKeys});
}

// Every event as one word with its offset.
class Recorder final : public JsonEvents {
 public:
  std::string seen;
  void null(size_t at) override { add("null", at); }
  void boolean(bool value, size_t at) override { add(value ? "true" : "false", at); }
  void integer(int64_t value, size_t at) override { add("i" + std::to_string(value), at); }
  void unsigned_integer(uint64_t value, size_t at) override {
    add("u" + std::to_string(value), at);
  }
  void real(double, size_t at) override { add("r", at); }
  void string(std::string& value, size_t at) override { add("s" + value, at); }
  void key(std::string& value, size_t at) override { add("k" + value, at); }
  void start_object(size_t at) override { add("{", at); }
  void end_object(size_t at) override { add("}", at); }
  void start_array(size_t at) override { add("[", at); }
  void end_array(size_t at) override { add("]", at); }

 private:
  void add(const std::string& word, size_t at) {
    seen += (seen.empty() ? "" : " ") + word + '@' + std::to_string(at);
  }
};

TEST(ScanJson, GivesTheOffsetOfEveryValue) {
  Recorder recorder;
  scan_json(
      " { \"a\\\"b\\\\\" : [ -1 , 20,3.5e1,\"x,:y\" ],\n\"c\":{}, \"d\": null,\"e\":true "
      ",\"f\":false}",
      {}, "", recorder);
  EXPECT_EQ(recorder.seen,
            "{@1 ka\"b\\@3 [@14 i-1@16 u20@21 r@24 sx,:y@30 ]@37 kc@40 {@44 }@45 kd@48 null@53 "
            "ke@58 true@62 kf@68 false@72 }@77");
}

TEST(ScanJson, LetsDuplicatesAndRefusalsToTheReceiver) {
  Recorder recorder;
  EXPECT_FALSE(caught([&] { scan_json("{\"a\":1,\"a\":2}", {}, "", recorder); }).id);
  const Caught error = caught([] { throw_duplicate_key("f", "k\n", 3, 9); });
  EXPECT_EQ(error.id, ErrorId::JS002);
  EXPECT_TRUE(error.says("k\\x0a: found this key at byte 3 and again at byte 9")) << error.line;
}

TEST(WriteJson, Compact) {
  const Json json = parse(R"({ "b" : [ 1 , -2, 3.5, "x\n" ], "a" : {}, "c": [], "d": null })");
  EXPECT_EQ(write_json(json, JsonLayout::compact),
            R"({"b":[1,-2,3.5,"x\n"],"a":{},"c":[],"d":null})");
}

TEST(WriteJson, Indented) {
  const Json json = parse(R"({"b":[1,2],"a":[{"x":[]},[3]],"c":{}})");
  EXPECT_EQ(write_json(json, JsonLayout::indented),
            "{\n  \"b\": [1, 2],\n  \"a\": [\n    {\n      \"x\": []\n    },\n    [3]\n  ],\n"
            "  \"c\": {}\n}");
}

TEST(WriteJson, NumbersAreShortestAndReadBack) {
  const std::vector<std::pair<double, std::string>> cases = {{0.1, "0.1"},
                                                             {1.0, "1"},
                                                             {-0.0, "0"},
                                                             {1e22, "1e+22"},
                                                             {1e-7, "1e-07"},
                                                             {0.3, "0.3"},
                                                             {1.0 / 3, "0.3333333333333333"},
                                                             {5e-324, "5e-324"},
                                                             {123456.0, "123456"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(write_json(value, JsonLayout::compact), text);
  for (uint32_t i = 0; i < 20'000; ++i) {
    const uint64_t bits = uint64_t{draw_word(1, Purpose::audit, {i, 0, 0}, 0)} << 32 |
                          draw_word(1, Purpose::audit, {i, 1, 0}, 0);
    const double value = std::bit_cast<double>(bits);
    if (!std::isfinite(value)) continue;
    const std::string text = write_json(value, JsonLayout::compact);
    EXPECT_EQ(parse(text).get<double>(), value) << text;
  }
}

TEST(WriteJson, NonFiniteNumbersAreOurBug) {
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_EQ(caught([&] { write_json(Json::array({value}), JsonLayout::compact); }).id,
              ErrorId::RT070);
    EXPECT_EQ(caught([&] { canonical_json(Json::array({value})); }).id, ErrorId::RT070);
  }
}

TEST(WriteJson, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(write_json(Json{{"\xff", "\xc3"}}, JsonLayout::compact),
            "{\"\xef\xbf\xbd\":\"\xef\xbf\xbd\"}");
}

// Printed text must not control a terminal; the text that digests are computed from is unchanged.
TEST(WriteJson, HiddenCharactersAreEscapedButNotInTheCanonicalForm) {
  const std::string hidden = "a\x7f\u009b\u202e\u2028\ufeff\u00e9";
  const Json json = {{hidden, Json::array({hidden})}};
  const std::string shown = "\"a\\u007f\\u009b\\u202e\\u2028\\ufeff\u00e9\"";
  const std::string text = write_json(json, JsonLayout::compact);
  EXPECT_EQ(text, "{" + shown + ":[" + shown + "]}");
  EXPECT_EQ(parse(text), json);
  EXPECT_EQ(canonical_json(json), "{\"" + hidden + "\":[\"" + hidden + "\"]}");
  EXPECT_EQ(canonical_json(parse(text)), canonical_json(json));
}

TEST(WriteJson, ParseWriteParseIsTheSame) {
  for (const std::string& text : test::valid_json_texts()) {
    const Json once = parse(text);
    for (const JsonLayout layout : {JsonLayout::compact, JsonLayout::indented}) {
      EXPECT_EQ(parse(write_json(once, layout)), once) << text;
    }
  }
}

TEST(CanonicalJson, SortsKeysByBytes) {
  const Json json = parse(R"({"b":1,"a":{"z":[1, 2],"é":1,"Z":0},"":0,"aa":1})");
  EXPECT_EQ(canonical_json(json), R"({"":0,"a":{"Z":0,"z":[1,2],"é":1},"aa":1,"b":1})");
}

TEST(CanonicalJson, ForgetsSpellingOnly) {
  EXPECT_EQ(canonical_json(parse("{ \"\\u0061\" : 1.50 , \"b\":[-0.0]}")),
            canonical_json(parse("{\"b\":[0],\"a\":15e-1}")));
  EXPECT_NE(canonical_json(parse("[1,2]")), canonical_json(parse("[2,1]")));
  EXPECT_NE(canonical_json(parse("\"1\"")), canonical_json(parse("1")));
}

TEST(Json, LocaleChangesNothing) {
  // Whatever of these the machine has; a decimal comma would break both directions.
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "tr_TR.UTF-8", "C.UTF-8"}) {
    std::setlocale(LC_ALL, name);
    EXPECT_EQ(parse("[1.5,2.25e1]").at(1).get<double>(), 22.5);
    EXPECT_EQ(write_json(1.5, JsonLayout::compact), "1.5");
  }
  std::setlocale(LC_ALL, "C");
}

}  // namespace
}  // namespace rg
