// What the files beside tokenizer.json change. Expected values are those of transformers 5.24.0
// with tokenizers 0.23.3, on the same files.
#include "text/reference.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "text/support.h"

namespace rg::text {
namespace {

using Ids = std::vector<int32_t>;

// A folder with the tokenizer of single bytes (id = byte).
class Folder {
 public:
  Folder() : tokenizer(Json::parse(byte_tokenizer_json())) {
    tokenizer["normalizer"] = {{"type", "NFC"}};
  }

  Tokenizer load(const std::string& class_of_model = "") const {
    ModelTokenizer model{.tokenizer_json = folder_.write("tokenizer.json", tokenizer.dump()),
                         .config = side("tokenizer_config.json", config),
                         .special_tokens_map = side("special_tokens_map.json", special_tokens_map),
                         .added_tokens = side("added_tokens.json", added_tokens),
                         .model_type = "olmoe",
                         .tokenizer_class = class_of_model};
    return Tokenizer::load_for_model(model, UnknownPatterns::refuse);
  }
  Error refusal() const {
    return error_of([&] { load(); });
  }

  Json tokenizer, config, special_tokens_map, added_tokens;

 private:
  std::optional<std::filesystem::path> side(const char* name, const Json& json) const {
    if (json.is_null()) return std::nullopt;
    return folder_.write(name, json.dump());
  }
  ScratchFolder folder_;
};

Ids encode(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode_ids(text, SpecialTokens::add);
}

Json token(const char* content, bool lstrip, bool special) {
  return {{"content", content}, {"single_word", false},   {"lstrip", lstrip},
          {"rstrip", false},    {"normalized", !special}, {"special", special}};
}

Json stored_token(int id, const char* content) {
  Json json = token(content, false, true);
  json["id"] = id;
  return json;
}

bool noted(const Tokenizer& tokenizer, const char* words) {
  for (const std::string& note : tokenizer.notes()) {
    if (note.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST(Reference, NothingDiffersWithoutAReason) {
  Folder folder;
  for (const Json& config :
       {Json(), Json::object(), Json{{"tokenizer_class", "GPTNeoXTokenizerFast"}},
        Json{{"tokenizer_class", "PreTrainedTokenizerFast"},
             {"model_max_length", 8},
             {"clean_up_tokenization_spaces", true},
             {"padding_side", "left"},
             {"do_lower_case", true},
             {"add_prefix_space", true},  // without effect in this class
             {"use_default_system_prompt", true}}}) {
    folder.config = config;
    const Tokenizer tokenizer = folder.load();
    EXPECT_EQ(encode(tokenizer, "Ab"), (Ids{'A', 'b'}));
    EXPECT_TRUE(tokenizer.notes().empty()) << config << tokenizer.notes()[0];
    EXPECT_TRUE(tokenizer.side_files().empty());
    EXPECT_EQ(tokenizer.vocabulary_size(), 256u);
    EXPECT_EQ(tokenizer.largest_id(), 255);
  }
}

TEST(Reference, AddPrefixSpaceIsTakenByClassesThatBuildTheirPreTokenizer) {
  Folder folder;
  for (const char* name : {"GPTNeoXTokenizer", "GPTNeoXTokenizerFast"}) {
    folder.config = {{"tokenizer_class", name}, {"add_prefix_space", true}};
    const Tokenizer tokenizer = folder.load();
    EXPECT_EQ(encode(tokenizer, "ab"), (Ids{' ', 'a', 'b'}));
    EXPECT_TRUE(noted(tokenizer, "add_prefix_space true of tokenizer_config.json"));
    ASSERT_EQ(tokenizer.side_files().size(), 1u);
    EXPECT_EQ(tokenizer.side_files()[0].first, "tokenizer_config.json");
  }
  folder.config = nullptr;
  folder.tokenizer["pre_tokenizer"]["add_prefix_space"] = true;
  const Tokenizer by_default = folder.load();
  EXPECT_EQ(encode(by_default, "ab"), (Ids{'a', 'b'}));
  EXPECT_TRUE(noted(by_default, "add_prefix_space false"));
  folder.config = {{"tokenizer_class", "TokenizersBackend"}};
  EXPECT_EQ(encode(folder.load(), "ab"), (Ids{' ', 'a', 'b'}));
}

TEST(Reference, WhatIsNotFollowedIsRefused) {
  Folder folder;
  for (const Json& config :
       {Json{{"tokenizer_class", ""}},
        Json{{"tokenizer_class", "PreTrainedTokenizerFast"},
             {"model_specific_special_tokens", {{"image_token", "<image>"}}}}}) {
    folder.config = config;
    EXPECT_EQ(folder.refusal().id(), ErrorId::TK008) << config;
  }
  folder.config = {{"model_specific_special_tokens", Json::object()}};
  EXPECT_EQ(encode(folder.load(), "ab"), (Ids{'a', 'b'}));
}

TEST(Reference, AClassFillsInWhatTheFileLacksAndIsRefusedWhereTheyDiffer) {
  Folder folder;
  folder.tokenizer["normalizer"] = nullptr;
  const Tokenizer filled = folder.load();
  EXPECT_EQ(encode(filled, "e\u0301"), (Ids{0xc3, 0xa9}));
  EXPECT_TRUE(noted(filled, "normalizer NFC, which tokenizer.json lacks"));
  EXPECT_TRUE(noted(filled, "model type 'olmoe'"));
  folder.config = {{"tokenizer_class", "GPT2Tokenizer"}};
  EXPECT_EQ(encode(folder.load(), "e\u0301"), (Ids{'e', 0xcc, 0x81}));

  folder.config = {{"tokenizer_class", "GPTNeoXTokenizer"}};
  folder.tokenizer["normalizer"] = {{"type", "Lowercase"}};
  const Error error = folder.refusal();
  EXPECT_EQ(error.id(), ErrorId::TK008);
  EXPECT_NE(error.parts().found.find("Lowercase"), std::string::npos);
  EXPECT_NE(error.parts().expected.find("NFC"), std::string::npos);
  folder.config = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  EXPECT_EQ(encode(folder.load(), "AB"), (Ids{'a', 'b'}));

  folder.config = nullptr;
  folder.tokenizer["normalizer"] = {{"type", "Nmt"}};
  EXPECT_EQ(folder.refusal().id(), ErrorId::TK003) << "unsupported whatever the class";
  folder.tokenizer["normalizer"] = {{"type", "NFC"}};
  folder.tokenizer["model"]["ignore_merges"] = true;
  EXPECT_EQ(folder.refusal().id(), ErrorId::TK008);
}

TEST(Reference, ClassesThatAreNotKnownAreRefusedByName) {
  Folder folder;
  folder.config = {{"tokenizer_class", "Qwen2Tokenizer"}};
  const Error error = folder.refusal();
  EXPECT_EQ(error.id(), ErrorId::TK008);
  EXPECT_NE(error.parts().found.find("Qwen2Tokenizer"), std::string::npos);
  EXPECT_NE(error.parts().hint.find("PreTrainedTokenizerFast"), std::string::npos);
  folder.config = {{"auto_map", {{"AutoTokenizer", {"a.B", nullptr}}}}};
  EXPECT_EQ(folder.refusal().id(), ErrorId::TK008);
  folder.config = {{"fast_tokenizer_files", {"tokenizer.4.0.0.json"}}};
  EXPECT_EQ(folder.refusal().id(), ErrorId::TK008);
}

TEST(Reference, TheClassMayBeNamedByTheModelsConfig) {
  Folder folder;
  folder.tokenizer["normalizer"] = {{"type", "Lowercase"}};
  const Tokenizer tokenizer = folder.load("PreTrainedTokenizerFast");
  EXPECT_EQ(encode(tokenizer, "A"), (Ids{'a'}));
}

TEST(Reference, TokensThatTheConfigNamesAreCutOutOfTheText) {
  Folder folder;
  folder.config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                   {"eos_token", "<e>"},
                   {"bos_token", {{"__type", "AddedToken"}, {"content", "<b>"}, {"lstrip", true}}},
                   {"image_token", "<i>"},
                   {"pad_token", nullptr},
                   {"additional_special_tokens", {"<x>"}}};
  const Tokenizer tokenizer = folder.load();
  // transformers numbers them in this order: bos, eos, the model's own, those without a name.
  EXPECT_EQ(encode(tokenizer, "a<e> <b><i><x>"), (Ids{'a', 257, 256, 258, 259}));
  EXPECT_TRUE(noted(tokenizer, "'<b>', '<e>', '<i>', '<x>' added"));
  EXPECT_EQ(tokenizer.largest_id(), 255);
}

TEST(Reference, AddedTokensDecoderDecidesAboutFlags) {
  Folder folder;
  folder.tokenizer["added_tokens"] = Json::array({stored_token(256, "<s>")});
  folder.config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                   {"added_tokens_decoder", {{"256", token("<s>", true, true)}}}};
  const Tokenizer tokenizer = folder.load();
  EXPECT_EQ(encode(tokenizer, "a  <s>"), (Ids{'a', 256}));
  EXPECT_TRUE(noted(tokenizer, "'<s>' with other flags"));
  // A class that builds its tokenizer takes the decoder's tokens alone, and its own defaults.
  folder.config = {{"tokenizer_class", "GPTNeoXTokenizer"},
                   {"added_tokens_decoder", Json::object()}};
  const Tokenizer built = folder.load();
  EXPECT_EQ(encode(built, "<s>"), (Ids{'<', 's', '>'}));
  EXPECT_TRUE(noted(built, "'<s>' of tokenizer.json not used"));
  EXPECT_EQ(encode(built, "<|endoftext|><|padding|>"), (Ids{256, 257}));
}

TEST(Reference, OlderFilesCountWhereTheConfigHasNoDecoder) {
  Folder folder;
  folder.config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"eos_token", "<e>"}};
  folder.special_tokens_map = {{"eos_token", "<f>"}, {"pad_token", token("<p>", true, true)}};
  folder.added_tokens = {{"<n>", 256}};
  EXPECT_EQ(encode(folder.load(), "<e><f> <p><n>"), (Ids{'<', 'e', '>', 257, 258, 256}));
  folder.config["added_tokens_decoder"] = Json::object();
  EXPECT_EQ(encode(folder.load(), "<e><f>"), (Ids{256, '<', 'f', '>'}));
}

TEST(Reference, SplitSpecialTokensTreatsThemAsText) {
  Folder folder;
  folder.tokenizer["added_tokens"] = Json::array({stored_token(256, "<s>")});
  folder.config = {{"split_special_tokens", true}};
  const Tokenizer tokenizer = folder.load();
  EXPECT_EQ(encode(tokenizer, "<s>"), (Ids{'<', 's', '>'}));
  EXPECT_TRUE(noted(tokenizer, "split_special_tokens"));
}

TEST(Reference, SpecialTokensAroundATextAreTheClasssBusiness) {
  Folder folder;
  folder.tokenizer["post_processor"] = {
      {"type", "BertProcessing"}, {"sep", {"b", 98}}, {"cls", {"a", 97}}};
  folder.config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"add_bos_token", true}};
  EXPECT_EQ(encode(folder.load(), "x"), (Ids{97, 'x', 98}));
  EXPECT_TRUE(folder.load().notes().empty());
  folder.config["add_eos_token"] = false;
  EXPECT_TRUE(noted(folder.load(), "add_eos_token false of tokenizer_config.json has no effect"));
  folder.config["tokenizer_class"] = "GPTNeoXTokenizer";
  EXPECT_EQ(encode(folder.load(), "x"), (Ids{'x'}));
  EXPECT_TRUE(noted(folder.load(), "no special tokens are put around a text"));
  EXPECT_TRUE(noted(folder.load(), "add_bos_token true"));
}

TEST(Reference, MalformedFilesAreRefusedByName) {
  Folder folder;
  for (const Json& config :
       {Json::array(), Json{{"eos_token", {{"content", "<e>"}}}}, Json{{"eos_token", 7}},
        Json{{"added_tokens_decoder", {{"x", {}}}}}, Json{{"added_tokens_decoder", {{"3", "y"}}}},
        Json{{"tokenizer_class", 7}}, Json{{"extra_special_tokens", 7}}}) {
    folder.config = config;
    const Error error = folder.refusal();
    EXPECT_EQ(error.id(), ErrorId::TK007) << config << error.what();
    EXPECT_NE(error.parts().file.find("tokenizer_config.json"), std::string::npos);
  }
  const ScratchFolder scratch;
  ModelTokenizer model{.tokenizer_json = scratch.write("tokenizer.json", byte_tokenizer_json()),
                       .config = std::nullopt,
                       .special_tokens_map = std::nullopt,
                       .added_tokens = scratch.write("added_tokens.json", "{\"a\": 1, \"a\": 2}"),
                       .model_type = "olmoe",
                       .tokenizer_class = ""};
  const Error error = error_of([&] { Tokenizer::load_for_model(model, UnknownPatterns::refuse); });
  EXPECT_EQ(error.id(), ErrorId::TK007);
  EXPECT_NE(error.parts().file.find("added_tokens.json"), std::string::npos);
}

}  // namespace
}  // namespace rg::text
