#include "lab/subject.h"

#include <gtest/gtest.h>

#include "support/caught.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

TEST(Subject, IsOpenedWithoutReadingAWeight) {
  const test::TempFolder folder;
  const Subject subject = open_with_tokenizer(write_model(folder, tiny_model(1)));
  EXPECT_EQ(subject.model().family, "olmoe");
  EXPECT_EQ(subject.checkpoint().bytes_read(), 0u);
  EXPECT_FALSE(subject.from_config());
  EXPECT_EQ(subject.name(), folder.path().filename().string());
  const auto hashes = subject.input_sha256();
  ASSERT_EQ(hashes.size(), 2u);
  EXPECT_EQ(hashes[0].first, "config.json");
  EXPECT_EQ(hashes[1], std::pair(std::string("tokenizer.json"), subject.tokenizer()->sha256()));
  EXPECT_EQ(subject.identity().at("shards").size(), 1u);
}

TEST(Subject, OpensWithoutATokenizerUntilOneIsNeeded) {
  const test::TempFolder folder;
  test::write_olmoe(folder.path(), tiny_model(1));
  Subject subject = Subject::open(folder.path().string());
  EXPECT_EQ(subject.tokenizer(), nullptr);
  EXPECT_EQ(test::caught([&] { subject.open_tokenizer(false); }).id, ErrorId::TK002);
  EXPECT_EQ(subject.input_sha256().size(), 1u);
}

TEST(Subject, KnowsItsLayersAndPositions) {
  const test::TempFolder folder;
  const Subject subject = open_with_tokenizer(write_model(folder, tiny_model(1)));
  EXPECT_EQ(subject.measured_layers(std::nullopt), (std::vector<int>{0, 1}));
  EXPECT_EQ(subject.measured_layers(std::vector<int>{1}), std::vector<int>{1});
  EXPECT_EQ(test::caught([&] { subject.measured_layers(std::vector<int>{2}); }).id, ErrorId::US001);
  EXPECT_NO_THROW(subject.check_sequence_length(64, "--seq-len", ""));
  EXPECT_EQ(test::caught([&] { subject.check_sequence_length(65, "--seq-len", ""); }).id,
            ErrorId::CF017);
}

// The other model is a copy, but for what `change` does to its folder.
template <typename Change>
bool reads_like_a_changed_copy(Change change) {
  const test::TempFolder a, b;
  const Subject subject = open_with_tokenizer(write_model(a, tiny_model(1)));
  const std::string other = write_model(b, tiny_model(2));
  change(b);
  const Subject changed = open_with_tokenizer(other);
  EXPECT_EQ(subject.reads_like(changed), changed.reads_like(subject));
  return subject.reads_like(changed);
}

void replace_once(const std::filesystem::path& file, const std::string& old,
                  const std::string& now) {
  std::string text = test::get_file(file);
  const size_t at = text.find(old);
  ASSERT_NE(at, std::string::npos);
  test::put_file(file, text.replace(at, old.size(), now));
}

TEST(Subject, ReadsLikeAnotherOnlyIfEveryIdIsTheSame) {
  EXPECT_TRUE(reads_like_a_changed_copy([](const test::TempFolder&) {}));
  EXPECT_FALSE(reads_like_a_changed_copy([](const test::TempFolder& folder) {  // a space more
    test::put_file(folder / "tokenizer.json", test::get_file(folder / "tokenizer.json") + ' ');
  }));
  EXPECT_FALSE(reads_like_a_changed_copy([](const test::TempFolder& folder) {
    test::write_olmoe(folder.path(), [] {
      test::TinyOlmoe tiny = tiny_model(2);
      tiny.vocabulary += 8;  // texts with such ids are refused by one of the two
      return tiny;
    }());
  }));
  EXPECT_FALSE(reads_like_a_changed_copy([](const test::TempFolder& folder) {
    replace_once(folder / "config.json", "{", R"({"tokenizer_class": "GPTNeoXTokenizerFast",)");
  }));
  const test::TempFolder folder;
  const Subject without = Subject::open(write_model(folder, tiny_model(1)));
  EXPECT_FALSE(without.reads_like(without));
}

}  // namespace
}  // namespace rg::lab
