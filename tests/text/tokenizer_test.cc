// The promises of the tokenizer's interface; row K4.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/sha256.h"
#include "text/support.h"

namespace rg::text {
namespace {

TEST(Tokenizer, IdsMustHaveARowInTheEmbedding) {
  Tokenizer tokenizer = byte_tokenizer();  // ids 0 to 255
  EXPECT_NO_THROW(tokenizer.limit_ids(256));
  EXPECT_TRUE(tokenizer.notes().empty());
  const Error error = error_of([&] { tokenizer.limit_ids(255); });
  EXPECT_EQ(error.id(), ErrorId::TK010);
  EXPECT_NE(std::string(error.what()).find("255"), std::string::npos);
}

// transformers stores a pad_token that nobody trained; the model works as long as no text has it.
TEST(Tokenizer, AnAddedTokenBeyondTheEmbeddingIsRefusedOnlyInAText) {
  const std::string json =
      replaced(byte_tokenizer_json(), R"("added_tokens":[])",
               R"("added_tokens":[{"id":256,"content":"<pad>","single_word":false,"lstrip":false,)"
               R"("rstrip":false,"normalized":false,"special":true}])");
  Tokenizer tokenizer = Tokenizer::parse(json, "t.json", UnknownPatterns::refuse);
  tokenizer.limit_ids(256);
  ASSERT_EQ(tokenizer.notes().size(), 1u);
  EXPECT_NE(tokenizer.notes()[0].find("<pad>"), std::string::npos);
  EXPECT_EQ(tokenizer.encode_ids("ab", SpecialTokens::add).size(), 2u);
  const Error error = error_of([&] { tokenizer.encode_ids("a<pad>", SpecialTokens::add); });
  EXPECT_EQ(error.id(), ErrorId::TK010);
  EXPECT_NE(error.parts().found.find("'<pad>', token 256"), std::string::npos);
  EXPECT_EQ(error.parts().file, "t.json");
  const std::string around =
      replaced(json, R"("post_processor":null)",
               R"("post_processor":{"type":"BertProcessing","sep":["<pad>",256],"cls":["a",97]})");
  Tokenizer adding = Tokenizer::parse(around, "t.json", UnknownPatterns::refuse);
  EXPECT_EQ(error_of([&] { adding.limit_ids(256); }).id(), ErrorId::TK010);
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  const Tokenizer tokenizer = byte_tokenizer();
  for (const std::string_view bad :
       {"ab\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82"}) {
    const Error error = error_of([&] { tokenizer.encode(bad, SpecialTokens::add); });
    EXPECT_EQ(error.id(), ErrorId::CO003);
    EXPECT_EQ(error_of([&] { tokenizer.encode_ids(bad, SpecialTokens::add); }).id(),
              ErrorId::CO003);
  }
}

// Tokens that are white space and take white space look at each run once, not once per match.
TEST(Tokenizer, FindsWhiteSpaceTokensInALongRunInLinearTime) {
  for (const auto* flags : {R"("lstrip":true,"rstrip":false)", R"("lstrip":false,"rstrip":true)"}) {
    const Tokenizer tokenizer = Tokenizer::parse(
        replaced(byte_tokenizer_json(), R"("added_tokens":[])",
                 std::string(R"("added_tokens":[{"id":256,"content":"\n","single_word":false,)") +
                     flags + R"(,"normalized":false,"special":false}])"),
        "tokenizer.json", UnknownPatterns::refuse);
    const auto ids =
        tokenizer.encode_ids("a" + std::string(2'000'000, '\n') + "b", SpecialTokens::add);
    ASSERT_EQ(ids.size(), 2'000'002u);
    EXPECT_EQ(ids.front(), 'a');
    EXPECT_EQ(ids[1'000'000], 256);
    EXPECT_EQ(ids.back(), 'b');
  }
}

TEST(Tokenizer, LeavesOutSpecialTokensOnRequest) {
  const Tokenizer tokenizer = golden_tokenizer("deepseek");
  const auto with = tokenizer.encode_ids("abc", SpecialTokens::add);
  const auto without = tokenizer.encode_ids("abc", SpecialTokens::leave_out);
  ASSERT_EQ(with.size(), without.size() + 2);
  EXPECT_EQ(tokenizer.token_bytes(with.front()), "<｜begin▁of▁sentence｜>");
  EXPECT_EQ(tokenizer.token_bytes(with.back()), "<｜end▁of▁sentence｜>");
  EXPECT_EQ(std::vector<int32_t>(with.begin() + 1, with.end() - 1), without);
  EXPECT_EQ(tokenizer.encode("", SpecialTokens::leave_out).ids.size(), 0u);
}

TEST(Tokenizer, TokenBytesSpellTheText) {
  const Tokenizer tokenizer = golden_tokenizer("o200k");
  const std::string text = "Hello, 世界! 👍🏽 don't\n\n  x";
  std::string spelled;
  for (const int32_t id : tokenizer.encode_ids(text, SpecialTokens::add))
    spelled += tokenizer.token_bytes(id);
  EXPECT_EQ(spelled, text);
  EXPECT_EQ(tokenizer.token_bytes(-1), "");
  EXPECT_EQ(tokenizer.token_bytes(tokenizer.largest_id() + 1), "");
}

TEST(Tokenizer, KnowsItsFile) {
  const ScratchFolder folder;
  const std::string text = byte_tokenizer_json();
  const auto path = folder.write("tokenizer.json", text);
  const Tokenizer tokenizer = Tokenizer::load(path, UnknownPatterns::refuse);
  EXPECT_EQ(tokenizer.sha256(), sha256_hex(text));
  EXPECT_EQ(tokenizer.file(), path.string());
  EXPECT_EQ(tokenizer.largest_id(), 255);
  EXPECT_EQ(tokenizer.vocabulary_size(), 256u);
}

TEST(Tokenizer, ServesManyThreadsAndManyTokenizersAtOnce) {
  const Tokenizer a = golden_tokenizer("qwen"), b = golden_tokenizer("llama");
  const std::string text = "Hello world, the same words for both: Hello world 123456";
  const auto from_a = a.encode_ids(text, SpecialTokens::add),
             from_b = b.encode_ids(text, SpecialTokens::add);
  ASSERT_NE(from_a, from_b);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        wrong += a.encode_ids(text, SpecialTokens::add) != from_a;
        wrong += b.encode_ids(text, SpecialTokens::add) != from_b;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace rg::text
