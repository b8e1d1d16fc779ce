// What is refused in a tokenizer.json and why (rows K1 and K3), one changed file per promise.
#include "text/tokenizer_file.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "text/support.h"
#include "text/tokenizer.h"

namespace rg::text {
namespace {

Json base_json() { return Json::parse(byte_tokenizer_json()); }

Error refusal(const Json& json, UnknownPatterns patterns = UnknownPatterns::refuse) {
  return error_of([&] { Tokenizer::parse(json.dump(), "tokenizer.json", patterns); });
}

Json split(const std::string& pattern, const std::string& behavior = "Isolated",
           bool invert = false) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", behavior},
          {"invert", invert}};
}

Json with_split(const Json& step) {
  Json json = base_json();
  json["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {step,
                             {{"type", "ByteLevel"},
                              {"add_prefix_space", false},
                              {"trim_offsets", true},
                              {"use_regex", false}}}}};
  return json;
}

Json added(int id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json sequence_a() { return {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}; }

Json template_of(const Json& single, const Json& special_tokens) {
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", Json::array()},
          {"special_tokens", special_tokens}};
}

// A change of the valid file, the error that it must give, and words that its message must hold.
struct Refused {
  const char* name;
  ErrorId id;
  const char* words;
  void (*change)(Json&);
};

const Refused kRefused[] = {
    {"NoObject", ErrorId::TK002, "an object", [](Json& j) { j = Json::array(); }},
    {"NoModel", ErrorId::TK002, "model", [](Json& j) { j.erase("model"); }},
    {"NoVocabulary", ErrorId::TK002, "no token", [](Json& j) { j["model"].erase("vocab"); }},
    {"IdIsText", ErrorId::TK002, "no integer", [](Json& j) { j["model"]["vocab"]["a"] = "97"; }},
    {"IdIsList", ErrorId::TK002, "nested",
     [](Json& j) { j["model"]["vocab"]["a"] = Json::array(); }},
    {"MergeIsNumber", ErrorId::TK002, "no text", [](Json& j) { j["model"]["merges"] = {1}; }},
    {"MergeOfThree", ErrorId::TK002, "more than 2",
     [](Json& j) {
       j["model"]["merges"] = {{"a", "b", "c"}};
     }},
    {"MergeOfOne", ErrorId::TK002, "1 tokens",
     [](Json& j) { j["model"]["merges"] = Json::array({Json::array({"a"})}); }},
    {"AddedTokensNoList", ErrorId::TK002, "added_tokens", [](Json& j) { j["added_tokens"] = "x"; }},
    {"AddedTokenWithoutFlag", ErrorId::TK002, "lstrip",
     [](Json& j) {
       j["added_tokens"] = Json::array({added(256, "<x>")});
       j["added_tokens"][0].erase("lstrip");
     }},
    {"ByteLevelWithoutKey", ErrorId::TK002, "add_prefix_space",
     [](Json& j) { j["pre_tokenizer"].erase("add_prefix_space"); }},
    {"UnknownBehavior", ErrorId::TK002, "behavior",
     [](Json& j) { j = with_split(split("\\p{N}", "Sideways")); }},
    {"TemplateWithoutIds", ErrorId::TK002, "no entry",
     [](Json& j) {
       j["post_processor"] = {{"type", "TemplateProcessing"},
                              {"single", {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}}}},
                              {"pair", Json::array()},
                              {"special_tokens", Json::object()}};
     }},

    {"OtherModel", ErrorId::TK003, "Unigram", [](Json& j) { j["model"]["type"] = "Unigram"; }},
    {"WordPiece", ErrorId::TK003, "WordPiece", [](Json& j) { j["model"]["type"] = "WordPiece"; }},
    {"Metaspace", ErrorId::TK003, "Metaspace",
     [](Json& j) {
       j["pre_tokenizer"] = {{"type", "Metaspace"}};
     }},
    {"NoPreTokenizer", ErrorId::TK003, "no ByteLevel",
     [](Json& j) { j["pre_tokenizer"] = nullptr; }},
    {"StepBehindByteLevel", ErrorId::TK003, "behind ByteLevel",
     [](Json& j) {
       j["pre_tokenizer"] = {
           {"type", "Sequence"},
           {"pretokenizers",
            {j["pre_tokenizer"], {{"type", "Digits"}, {"individual_digits", true}}}}};
     }},
    {"UnknownNormalizer", ErrorId::TK003, "'Nmt'",
     [](Json& j) {
       j["normalizer"] = {{"type", "Nmt"}};
     }},
    {"BertNormalizerThatLowers", ErrorId::TK003, "lowercase",
     [](Json& j) {
       j["normalizer"] = {{"type", "BertNormalizer"},
                          {"clean_text", false},
                          {"handle_chinese_chars", false},
                          {"strip_accents", nullptr},
                          {"lowercase", true}};
     }},
    {"UnknownStepInSequence", ErrorId::TK003, "normalizer.normalizers[1]",
     [](Json& j) {
       j["normalizer"] = {
           {"type", "Sequence"},
           {"normalizers", {{{"type", "NFC"}}, {{"type", "Prepend"}, {"prepend", "_"}}}}};
     }},
    {"ReplaceRegex", ErrorId::TK003, "Regex",
     [](Json& j) {
       j["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "a+"}}}, {"content", "b"}};
     }},
    {"EmptyPattern", ErrorId::TK003, "empty pattern",
     [](Json& j) {
       j["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "b"}};
     }},
    {"UnknownKey", ErrorId::TK003, "'mystery'", [](Json& j) { j["mystery"] = 1; }},
    {"UnknownKeyInStep", ErrorId::TK003, "'mystery'",
     [](Json& j) { j["pre_tokenizer"]["mystery"] = 1; }},
    {"UnknownKeyInModel", ErrorId::TK003, "'mystery'", [](Json& j) { j["model"]["mystery"] = 1; }},
    {"Dropout", ErrorId::TK003, "dropout", [](Json& j) { j["model"]["dropout"] = 0.1; }},
    {"ByteFallback", ErrorId::TK003, "byte_fallback",
     [](Json& j) {
       j["model"]["byte_fallback"] = true;
       j["model"]["vocab"].erase("a");
     }},
    {"SubwordPrefix", ErrorId::TK003, "continuing_subword_prefix",
     [](Json& j) { j["model"]["continuing_subword_prefix"] = "##"; }},
    {"WordSuffix", ErrorId::TK003, "end_of_word_suffix",
     [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }},
    {"UnknownPostProcessor", ErrorId::TK003, "SomeProcessing",
     [](Json& j) {
       j["post_processor"] = {{"type", "SomeProcessing"}};
     }},
    {"TemplateWithoutTable", ErrorId::TK002, "special_tokens",
     [](Json& j) {
       j["post_processor"] = template_of(Json::array({sequence_a()}), Json::object());
       j["post_processor"].erase("special_tokens");
     }},
    {"UnknownKeyInTemplatePiece", ErrorId::TK003, "'mystery'",
     [](Json& j) {
       Json piece = sequence_a();
       piece["Sequence"]["mystery"] = 1;
       j["post_processor"] = template_of(Json::array({piece}), Json::object());
     }},
    {"TwoStepsThatAddTokens", ErrorId::TK003, "second step",
     [](Json& j) {
       const Json roberta = {{"type", "RobertaProcessing"},
                             {"sep", {"b", 98}},
                             {"cls", {"a", 97}},
                             {"trim_offsets", true},
                             {"add_prefix_space", false}};
       j["post_processor"] = {{"type", "Sequence"}, {"processors", {roberta, roberta}}};
     }},
    {"ProcessorWithUnknownId", ErrorId::TK004, "id 999",
     [](Json& j) {
       j["post_processor"] = {{"type", "BertProcessing"}, {"sep", {"b", 999}}, {"cls", {"a", 97}}};
     }},
    {"ProcessorWithHalfAPair", ErrorId::TK002, "1 values",
     [](Json& j) {
       j["post_processor"] = {
           {"type", "BertProcessing"}, {"sep", Json::array({"b"})}, {"cls", {"a", 97}}};
     }},
    {"TemplateWithoutText", ErrorId::TK003, "0 sequences",
     [](Json& j) {
       j["post_processor"] = {{"type", "TemplateProcessing"},
                              {"single", Json::array()},
                              {"pair", Json::array()},
                              {"special_tokens", Json::object()}};
     }},

    {"DuplicateId", ErrorId::TK004, "id 97", [](Json& j) { j["model"]["vocab"]["zz"] = 97; }},
    {"NegativeId", ErrorId::TK004, "id -1", [](Json& j) { j["model"]["vocab"]["zz"] = -1; }},
    {"HugeId", ErrorId::TK004, "id 4294967295",
     [](Json& j) { j["model"]["vocab"]["zz"] = 4294967295u; }},
    {"HugeToken", ErrorId::TK004, "70000 bytes",
     [](Json& j) { j["model"]["vocab"][std::string(70000, 'a')] = 256; }},
    {"ByteMissing", ErrorId::TK004, "byte 0x61", [](Json& j) { j["model"]["vocab"].erase("a"); }},
    {"UnknownTokenMissing", ErrorId::TK004, "unk_token",
     [](Json& j) {
       j["model"]["unk_token"] = "<unk>";
       j["model"]["vocab"].erase("a");
     }},
    {"AddedTokenOfOtherId", ErrorId::TK004, "256, which",
     [](Json& j) { j["added_tokens"] = Json::array({added(300, "<x>")}); }},
    {"AddedTokenAgainstVocabulary", ErrorId::TK004, "97, which",
     [](Json& j) { j["added_tokens"] = Json::array({added(256, "a")}); }},
    {"AddedTokenTwice", ErrorId::TK004, "again",
     [](Json& j) {
       j["added_tokens"] = Json::array({added(256, "<x>"), added(256, "<x>")});
     }},
    {"AddedTokenEmpty", ErrorId::TK004, "0 bytes",
     [](Json& j) { j["added_tokens"] = Json::array({added(256, "")}); }},
    {"AddedTokenHuge", ErrorId::TK004, "2000 bytes",
     [](Json& j) { j["added_tokens"] = Json::array({added(256, std::string(2000, '<'))}); }},
    {"AddedTokenIdNegative", ErrorId::TK004, "id -5",
     [](Json& j) { j["added_tokens"] = Json::array({added(-5, "<x>")}); }},
    {"AddedTokenNormalisedAway", ErrorId::TK004, "empties",
     [](Json& j) {
       j["normalizer"] = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}};
       j["added_tokens"] = Json::array({added(256, "  ")});
       j["added_tokens"][0]["normalized"] = true;
     }},
    {"TemplateIdUnknown", ErrorId::TK004, "id 999",
     [](Json& j) {
       j["post_processor"] = {
           {"type", "TemplateProcessing"},
           {"single",
            {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
             {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
           {"pair", Json::array()},
           {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {999}}, {"tokens", {"<s>"}}}}}}};
     }},

    {"MergeOfUnknownToken", ErrorId::TK005, "'qq'",
     [](Json& j) { j["model"]["merges"] = {"qq a"}; }},
    {"MergeToUnknownToken", ErrorId::TK005, "'ab'",
     [](Json& j) { j["model"]["merges"] = {"a b"}; }},
    {"MergeWithoutSpace", ErrorId::TK005, "'ab'", [](Json& j) { j["model"]["merges"] = {"ab"}; }},
    {"MergeWithTwoSpaces", ErrorId::TK005, "'a b c'",
     [](Json& j) { j["model"]["merges"] = {"a b c"}; }},
    {"MergeTwice", ErrorId::TK005, "merge 1",
     [](Json& j) {
       j["model"]["vocab"]["ab"] = 256;
       j["model"]["merges"] = {"a b", "a b"};
     }},
};

class Refusals : public testing::TestWithParam<Refused> {};

TEST_P(Refusals, NameWhatIsWrong) {
  Json json = base_json();
  GetParam().change(json);
  const Error error = refusal(json);
  EXPECT_EQ(error_name(error.id()), error_name(GetParam().id)) << error.what();
  EXPECT_NE(std::string(error.what()).find(GetParam().words), std::string::npos) << error.what();
  EXPECT_EQ(error.exit_code(), ExitCode::input);
}

INSTANTIATE_TEST_SUITE_P(Files, Refusals, testing::ValuesIn(kRefused),
                         [](const auto& row) { return std::string(row.param.name); });

// What tokenizers 0.23.3 accepts and gives the same ids for: a value without effect is accepted
// whatever else the file says.
const std::pair<const char*, void (*)(Json&)> kWithoutEffect[] = {
    {"EmptyTemplate",
     [](Json& j) {
       j["post_processor"] = template_of(Json::array({sequence_a()}), Json::object());
     }},
    {"TemplateWithUnusedToken",
     [](Json& j) {
       j["post_processor"] =
           template_of(Json::array({sequence_a()}),
                       {{"<s>", {{"id", "<s>"}, {"ids", {999}}, {"tokens", {"<s>"}}}}});
     }},
    {"TwoEmptyTemplates",
     [](Json& j) {
       const Json empty = template_of(Json::array({sequence_a()}), Json::object());
       j["post_processor"] = {{"type", "Sequence"}, {"processors", {empty, empty}}};
     }},
    {"ByteLevelProcessor",
     [](Json& j) {
       j["post_processor"] = {
           {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}};
     }},
    {"EmptySequences",
     [](Json& j) {
       j["post_processor"] = {{"type", "Sequence"}, {"processors", Json::array()}};
       j["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array()}};
     }},
    {"BertNormalizerOff",
     [](Json& j) {
       j["normalizer"] = {{"type", "BertNormalizer"},
                          {"clean_text", false},
                          {"handle_chinese_chars", false},
                          {"strip_accents", nullptr},
                          {"lowercase", false}};
     }},
    {"StripOff",
     [](Json& j) {
       j["normalizer"] = {{"type", "Strip"}, {"strip_left", false}, {"strip_right", false}};
     }},
    {"NullModelKeys",
     [](Json& j) {
       for (const char* key : {"dropout", "unk_token", "continuing_subword_prefix",
                               "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges"})
         j["model"][key] = nullptr;
     }},
    {"EmptyAffixes",
     [](Json& j) {
       j["model"]["continuing_subword_prefix"] = "";
       j["model"]["end_of_word_suffix"] = "";
       j["model"]["dropout"] = 0.0;
     }},
    {"UnknownTokenNeverNeeded", [](Json& j) { j["model"]["unk_token"] = "<unk>"; }},
    {"ByteFallbackNeverNeeded", [](Json& j) { j["model"]["byte_fallback"] = true; }},
    {"VersionLineInMerges", [](Json& j) { j["model"]["merges"] = {"#version: 0.2"}; }},
};

TEST(TokenizerFile, ValuesWithoutEffectAreAccepted) {
  const std::string text = "Ab  \u00e9 12 <s>\n";
  const auto ids = byte_tokenizer().encode_ids(text, SpecialTokens::add);
  for (const auto& [name, change] : kWithoutEffect) {
    Json json = base_json();
    change(json);
    const Tokenizer tokenizer =
        Tokenizer::parse(json.dump(), "tokenizer.json", UnknownPatterns::refuse);
    EXPECT_EQ(tokenizer.encode_ids(text, SpecialTokens::add), ids) << name;
    EXPECT_TRUE(tokenizer.notes().empty()) << name;
  }
}

TEST(TokenizerFile, RobertaAndBertPutTheirTokensAroundTheText) {
  for (const char* type : {"RobertaProcessing", "BertProcessing"}) {
    Json json = base_json();
    json["post_processor"] = {{"type", type}, {"sep", {"b", 98}}, {"cls", {"a", 97}}};
    if (std::string(type) == "RobertaProcessing") {
      json["post_processor"]["trim_offsets"] = true;
      json["post_processor"]["add_prefix_space"] = true;
    }
    const Tokenizer tokenizer = Tokenizer::parse(json.dump(), "t", UnknownPatterns::refuse);
    EXPECT_EQ(tokenizer.encode_ids("x", SpecialTokens::add), (std::vector<int32_t>{97, 120, 98}));
  }
}

TEST(TokenizerFile, StoredTruncationAndPaddingAreNotAppliedAndNoted) {
  Json json = base_json();
  json["truncation"] = {
      {"direction", "Right"}, {"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}};
  json["padding"] = {{"strategy", {{"Fixed", 50}}},
                     {"direction", "Right"},
                     {"pad_to_multiple_of", nullptr},
                     {"pad_id", 0},
                     {"pad_type_id", 0},
                     {"pad_token", "x"}};
  const Tokenizer tokenizer = Tokenizer::parse(json.dump(), "t", UnknownPatterns::refuse);
  EXPECT_EQ(tokenizer.encode_ids("abcd", SpecialTokens::add),
            (std::vector<int32_t>{97, 98, 99, 100}));
  ASSERT_EQ(tokenizer.notes().size(), 2u);
  EXPECT_NE(tokenizer.notes()[0].find("truncation"), std::string::npos);
  EXPECT_NE(tokenizer.notes()[1].find("padding"), std::string::npos);
}

TEST(TokenizerFile, MissingCutOrNoJsonIsTk002) {
  const ScratchFolder folder;
  const auto load = [](const std::filesystem::path& path) {
    return error_of([&] { Tokenizer::load(path, UnknownPatterns::refuse); });
  };
  const Error missing = load(folder.path() / "tokenizer.json");
  EXPECT_EQ(missing.id(), ErrorId::TK002);
  EXPECT_NE(missing.parts().found.find("no such file"), std::string::npos);
  const std::string text = byte_tokenizer_json();
  for (size_t bytes = 0; bytes < text.size(); bytes += 97) {
    EXPECT_EQ(load(folder.write("cut.json", text.substr(0, bytes))).id(), ErrorId::TK002) << bytes;
  }
  EXPECT_EQ(load(folder.write("junk.json", text + "x")).id(), ErrorId::TK002);
}

TEST(TokenizerFile, DuplicatesAreFoundInEveryObject) {
  const std::string text = byte_tokenizer_json();
  const auto parse = [](const std::string& json) {
    return error_of([&] { Tokenizer::parse(json, "t", UnknownPatterns::refuse); });
  };
  EXPECT_EQ(parse(replaced(text, R"("a":97)", R"("a":97,"a":300)")).id(), ErrorId::TK004);
  EXPECT_EQ(parse(replaced(text, R"("normalizer":null)",
                           R"("normalizer":null,"normalizer":{"type":"NFC"})"))
                .id(),
            ErrorId::TK002);
  EXPECT_EQ(
      parse(replaced(text, R"("use_regex":true)", R"("use_regex":true,"use_regex":false)")).id(),
      ErrorId::TK002);
  EXPECT_EQ(parse(replaced(text, R"("merges":[])", R"("merges":[],"vocab":{"x":1})")).id(),
            ErrorId::TK002);
}

TEST(TokenizerFile, DeepOrManyValuesAreBounded) {
  Json json = base_json();
  Json deep = {{"type", "NFC"}};
  for (int i = 0; i < 80; ++i) deep = {{"type", "Sequence"}, {"normalizers", {deep}}};
  json["normalizer"] = deep;
  EXPECT_EQ(refusal(json).id(), ErrorId::TK002);
  json["normalizer"] = nullptr;
  for (int i = 0; i < 5000; ++i) json["extra"]["k" + std::to_string(i)] = i;
  EXPECT_EQ(refusal(json).id(), ErrorId::TK002);
}

TEST(TokenizerFile, BothFormsOfMergesMeanTheSame) {
  Json json = base_json();
  json["model"]["vocab"]["ab"] = 256;
  json["model"]["vocab"]["abc"] = 257;
  json["model"]["merges"] = {"a b", "ab c"};
  const Tokenizer joined = Tokenizer::parse(json.dump(), "t", UnknownPatterns::refuse);
  json["model"]["merges"] = Json::array({Json::array({"a", "b"}), Json::array({"ab", "c"})});
  const Tokenizer pairs = Tokenizer::parse(json.dump(), "t", UnknownPatterns::refuse);
  EXPECT_EQ(joined.encode_ids("abcab", SpecialTokens::add), (std::vector<int32_t>{257, 256}));
  EXPECT_EQ(pairs.encode_ids("abcab", SpecialTokens::add), (std::vector<int32_t>{257, 256}));
}

TEST(Patterns, OffTheListAreRefusedUnlessAllowedAndThenNoted) {
  const Json json = with_split(split("[aeiou]+"));
  const Error error = refusal(json);
  EXPECT_EQ(error.id(), ErrorId::TK001);
  EXPECT_NE(std::string(error.what()).find("[aeiou]+"), std::string::npos);
  const Tokenizer allowed = Tokenizer::parse(json.dump(), "t", UnknownPatterns::allow);
  ASSERT_EQ(allowed.notes().size(), 1u);
  EXPECT_NE(allowed.notes()[0].find("[aeiou]+"), std::string::npos);
  EXPECT_TRUE(byte_tokenizer().notes().empty());
}

TEST(Patterns, ThatTheEnginesReadDifferentlyAreRefusedEvenIfAllowed) {
  EXPECT_EQ(refusal(with_split(split(R"(\h+)")), UnknownPatterns::allow).id(), ErrorId::TK001);
  EXPECT_EQ(refusal(with_split(split("(a")), UnknownPatterns::allow).id(), ErrorId::TK001);
  EXPECT_EQ(refusal(with_split(split("x*", "Contiguous")), UnknownPatterns::allow).id(),
            ErrorId::TK001);
}

TEST(Patterns, WithoutEndAreGivenUp) {
  const Tokenizer tokenizer =
      Tokenizer::parse(with_split(split("(a+)+$")).dump(), "evil.json", UnknownPatterns::allow);
  EXPECT_EQ(tokenizer.encode_ids("aaa", SpecialTokens::add).size(), 3u);
  const Error error =
      error_of([&] { tokenizer.encode(std::string(50, 'a') + "b", SpecialTokens::add); });
  EXPECT_EQ(error.id(), ErrorId::TK006);
  EXPECT_EQ(error.parts().file, "evil.json");
  EXPECT_NE(error.parts().object.find("(a+)+$"), std::string::npos);
}

}  // namespace
}  // namespace rg::text
