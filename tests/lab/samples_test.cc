#include "lab/samples.h"

#include <gtest/gtest.h>

#include "lab/token_rows.h"
#include "support/caught.h"
#include "support/kept_progress.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

struct SampleFiles {
  test::TempFolder model, texts;
  Subject subject = open_with_tokenizer(write_model(model, tiny_model(1)));

  TextSettings settings(uint32_t windows, uint32_t seq_len) const {
    TextSettings settings;
    for (const char* name : {"a", "b"}) {
      const auto path = texts.path() / name / "text.txt";
      std::string text;
      for (int i = 0; i < 200; ++i) text += std::string(name) + std::to_string(i) + " and so on. ";
      test::put_file(path, text);
      settings.domains.push_back({.name = name, .path = path.parent_path()});
    }
    settings.windows.windows = windows;
    settings.windows.seq_len = seq_len;
    return settings;
  }
};

TEST(Samples, HaveOneSetPerDomain) {
  const SampleFiles files;
  Samples samples(files.subject, files.settings(5, 16), {});
  test::KeptProgress progress;
  samples.read({}, {}, progress);
  EXPECT_EQ(progress.steps, (std::vector<std::string>{"reading a", "reading b"}));
  ASSERT_EQ(samples.sets().size(), 2u);
  EXPECT_EQ(samples.sets()[1]->name, "domain:b");
  EXPECT_EQ(samples.sets()[1]->ids, samples.domains()[1].ids);
  EXPECT_EQ(samples.sets()[1]->lengths, std::vector<uint32_t>(5, 16));
  EXPECT_EQ(samples.identity()[0].at("ids_sha256"), samples.domains()[0].ids_sha256);
  // Both domains are one document.
  EXPECT_NE(notes_of(samples.domains()[0]).back().find("from one document"), std::string::npos);
}

TEST(Samples, OfAPlanAreAssumed) {
  const SampleFiles files;
  TextSettings settings = files.settings(5, 16);
  settings.domains.clear();
  Samples samples(files.subject, settings, {.names = {"attention_router"}, .parameters = {}});
  samples.assume();
  ASSERT_EQ(samples.sets().size(), 3u);  // of "text", and the prompts twice
  EXPECT_EQ(samples.sets()[0]->rows(), 5u * 16);
  EXPECT_FALSE(samples.sets()[2]->causal);
  EXPECT_EQ(samples.assumed().size(), 2u);
}

TEST(Samples, AreRefusedByASubjectWithTooFewPositions) {
  const SampleFiles files;
  const test::TempFolder folder;
  const Subject small = open_with_tokenizer(write_model(folder, tiny_model(1, 16)));
  const auto refusal = [&](uint32_t seq_len, const ExperimentSettings& experiments) {
    const Samples samples(files.subject, files.settings(5, seq_len), experiments);
    EXPECT_NO_THROW(samples.check_fit(files.subject));
    return test::caught([&] { samples.check_fit(small); });
  };
  EXPECT_EQ(refusal(16, {}).id, std::nullopt);
  EXPECT_EQ(refusal(17, {}).id, ErrorId::CF017);
  const std::string twenty = "one two three four five six seven eight nine ten one two three four";
  const auto prompts = [&](const std::string& text) {
    return ExperimentSettings{.names = {"attention_router"}, .parameters = {{"prompts", {text}}}};
  };
  const auto long_prompt = refusal(16, prompts(twenty + ' ' + twenty));
  EXPECT_EQ(long_prompt.id, ErrorId::CF017);
  EXPECT_TRUE(long_prompt.says("prompt \"one two"));
}

TEST(Samples, OfATokenFileAreItsRows) {
  const SampleFiles files;
  const auto file = files.texts / "ids.json";
  test::put_file(file, "[[1,2,3],[4,5,6]]");
  const Samples samples(files.subject, file);
  ASSERT_EQ(samples.sets().size(), 1u);
  EXPECT_EQ(samples.sets()[0]->ids, (std::vector<int32_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(samples.sets()[0]->lengths, (std::vector<uint32_t>{3, 3}));

  const auto refusal = [&](const std::string& content) {
    test::put_file(file, content);
    return test::caught([&] { read_token_rows(file, 10); }).id;
  };
  EXPECT_EQ(refusal("[[9]]"), std::nullopt);
  EXPECT_EQ(refusal("[[10]]"), ErrorId::TK010);
  EXPECT_EQ(refusal("[[-1]]"), ErrorId::TK010);
  for (const char* content : {"{}", "[]", "[[]]", "[[1,2],[3]]", "[[1],2]", "[[1.0]]"}) {
    EXPECT_EQ(refusal(content), ErrorId::CO007) << content;
  }
  std::string row = "[[1";
  for (int i = 0; i < 64; ++i) row += ",1";
  test::put_file(file, row + "]]");
  const auto too_long =
      test::caught([&] { Samples(files.subject, file).check_fit(files.subject); });
  EXPECT_EQ(too_long.id, ErrorId::CF017);
  EXPECT_TRUE(too_long.says("window 0 of"));
}

}  // namespace
}  // namespace rg::lab
