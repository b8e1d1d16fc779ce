// Row K1: patterns mean to PCRE2 what they mean to Oniguruma, which Hugging Face runs.
#include "text/regex.h"

#include <gtest/gtest.h>

#include <random>

#include "text/oniguruma_oracle.h"
#include "text/patterns.h"
#include "text/support.h"
#include "text/unicode.h"

namespace rg::text {
namespace {

Regex compile(std::string_view pattern) {
  std::string reason;
  const auto translated = translate_oniguruma(pattern, reason);
  EXPECT_TRUE(translated.has_value()) << pattern << ": " << reason;
  auto regex = Regex::compile(translated.value_or("x"), reason);
  EXPECT_TRUE(regex.has_value()) << pattern << ": " << reason;
  return std::move(*regex);
}

std::vector<Range> all_matches(const Regex& regex, std::string_view text) {
  RegexScratch scratch;
  std::vector<Range> matches;
  Range match{};
  for (size_t at = 0;
       at < text.size() && regex.find(text, at, scratch, match) == MatchOutcome::found;
       at = match.end) {
    matches.push_back(match);
  }
  return matches;
}

std::string shown(const std::vector<Range>& matches) {
  std::string text;
  for (const Range match : matches)
    text += std::to_string(match.begin) + "-" + std::to_string(match.end) + " ";
  return text;
}

// 32 random bits at a time.
struct Random {
  explicit Random(unsigned seed) : engine(seed) {}
  uint32_t operator()() { return static_cast<uint32_t>(engine()); }
  std::mt19937 engine;
};

bool surrogate(char32_t c) { return c >= 0xd800 && c <= 0xdfff; }

// Random texts: pieces on which the patterns' alternatives compete, and any character at all.
std::string random_text(Random& random) {
  static const std::vector<std::string> pieces = {
      " ",       "  ",     "\n",     "\r\n",    "\t",      "a",      "B",        "é",
      "e\u0301", "'s",     "'LL",    "'\u017f", "'\u212a", "7",      "42",       "\u0663",
      "½",       "日",     "ア",     "の",      "$",       "_",      "/",        "-",
      "!?",      "\u00a0", "\u3000", "\u180e",  "\u0085",  "\u2028", "👩\u200d👩", "Ǆ",
      "ǅ",       "ʰ",      "\u0301", "क्ष",      "ABC",     "def",    "x1",       "%$"};
  std::string text;
  for (uint32_t i = 1 + random() % 14; i > 0; --i) {
    if (random() % 4 != 0) {
      text += pieces[random() % pieces.size()];
      continue;
    }
    const char32_t c = 1 + random() % (random() % 2 ? 0x3100 : 0x10fffe);
    if (!surrogate(c)) append_utf8(text, c);
  }
  return text;
}

class Tested : public testing::TestWithParam<size_t> {};

TEST_P(Tested, SplitsAsOnigurumaDoes) {
  const std::string_view pattern = tested_patterns()[GetParam()].pattern;
  const Regex regex = compile(pattern);
  const OnigurumaOracle oracle(pattern);
  Random random{30};
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(shown(all_matches(regex, text)), shown(oracle.all_matches(text))) << text;
  }
}

// Every character between letters, spaces and digits: classes and versions of Unicode. Beyond the
// assigned planes only some.
void expect_same_for_every_character(std::string_view pattern) {
  const Regex regex = compile(pattern);
  const OnigurumaOracle oracle(pattern);
  std::string text;
  for (char32_t c = 1; c<0x110000; c += c> 0x32000 && (c < 0xe0000 || c > 0xe0200) ? 61 : 1) {
    if (surrogate(c)) continue;
    append_utf8(text, c);
    text += c % 3 == 0 ? "a" : c % 3 == 1 ? " " : "1";
    if (c % 64 != 0) continue;
    ASSERT_EQ(shown(all_matches(regex, text)), shown(oracle.all_matches(text)))
        << pattern << " up to character " << static_cast<uint32_t>(c);
    text.clear();
  }
}

TEST_P(Tested, ReadsEveryCharacterAsOnigurumaDoes) {
  expect_same_for_every_character(tested_patterns()[GetParam()].pattern);
}

INSTANTIATE_TEST_SUITE_P(Patterns, Tested, testing::Range<size_t>(0, tested_patterns().size()));

TEST(Translation, OfWordAndSpaceClassesMeansTheSame) {
  for (const std::string_view pattern :
       {R"(\w+)", R"(\W+)", R"([\w-]+)", R"(\s)", R"(\S+)", R"([^\s\w]+)", R"(^\d+$)",
        R"((?<=a)b|(?<!a)c)", R"((?>a+)b)"}) {
    const Regex regex = compile(pattern);
    const OnigurumaOracle oracle(pattern);
    Random random{31};
    for (int i = 0; i < 500; ++i) {
      const std::string text = random_text(random) + "abc\n12\nc";
      ASSERT_EQ(shown(all_matches(regex, text)), shown(oracle.all_matches(text)))
          << pattern << " on " << text;
    }
  }
}

TEST(Translation, OfWordClassHoldsForEveryCharacter) { expect_same_for_every_character(R"(\w)"); }

TEST(Translation, RefusesWhatTheTwoReadDifferently) {
  for (const std::string_view pattern : {R"([a[bc]])",
                                         R"([a-z&&[^aeiou]])",
                                         R"([[:alpha:]])",
                                         R"(\h+)",
                                         R"(\bword\b)",
                                         R"(\Aa)",
                                         R"(a\z)",
                                         R"(\v)",
                                         R"(\R)",
                                         R"(\X)",
                                         R"((a)\1)",
                                         R"(\x41)",
                                         R"(\u0041)",
                                         R"([^\S\n])",
                                         R"([\W])",
                                         R"(a{,3})",
                                         R"(a{1,3}+)",
                                         R"((?m:a.b))",
                                         R"((?<name>a))",
                                         R"((*SKIP)a)",
                                         R"((?#note)a)",
                                         R"(\pL)",
                                         "\\",
                                         R"([]a])",
                                         R"(\Q.\E)"}) {
    std::string reason;
    EXPECT_FALSE(translate_oniguruma(pattern, reason).has_value()) << pattern;
    EXPECT_NE(reason, "") << pattern;
  }
}

TEST(Regex, JitIsUsed) { EXPECT_TRUE(compile(gpt2_pattern()).jit()); }

TEST(Regex, GivesUpWhereBacktrackingHasNoEnd) {
  const Regex regex = compile("(a+)+$");
  RegexScratch scratch;
  Range match{};
  EXPECT_EQ(regex.find(std::string(40, 'a') + "b", 0, scratch, match), MatchOutcome::gave_up);
  EXPECT_EQ(regex.find("aaa", 0, scratch, match), MatchOutcome::found)
      << "the scratch stays usable";
  EXPECT_EQ(match.end, 3u);
}

TEST(Regex, ReportsSyntaxErrors) {
  std::string reason;
  EXPECT_FALSE(Regex::compile("(a", reason).has_value());
  EXPECT_NE(reason.find("at byte 2"), std::string::npos) << reason;
}

TEST(Regex, WhiteSpaceClassIsTheProperty) {
  const Regex space = compile(R"(\s)");
  RegexScratch scratch;
  Range match{};
  for (char32_t c = 1; c < 0x110000; ++c) {
    if (surrogate(c)) continue;
    std::string text;
    append_utf8(text, c);
    ASSERT_EQ(space.find(text, 0, scratch, match) == MatchOutcome::found, is_white_space(c))
        << static_cast<uint32_t>(c);
  }
}

}  // namespace
}  // namespace rg::text
