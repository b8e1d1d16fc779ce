// Normalisation keeps track of where every character came from; and its known answers.
#include "text/normalizer.h"

#include <gtest/gtest.h>

#include "text/byte_alphabet.h"
#include "text/unicode.h"

namespace rg::text {
namespace {

AlignedText apply(std::vector<NormalizerStep> steps, std::string_view text) {
  return Normalizer(std::move(steps)).apply(AlignedText(text, 0, Origins::kept));
}

// The input bytes behind the one place of `part` in the result.
std::string source_of(const AlignedText& normal, std::string_view part, std::string_view input) {
  const size_t at = normal.text().find(part);
  EXPECT_NE(at, std::string_view::npos);
  const Range range = normal.source(at, at + part.size());
  return std::string(input.substr(range.begin, range.end - range.begin));
}

TEST(Normalizer, ComposesDecomposesAndFolds) {
  EXPECT_EQ(apply({UnicodeForm::nfc}, "cafe\u0301 \u212b").text(), "café \u00c5");
  EXPECT_EQ(apply({UnicodeForm::nfd}, "é한").text(), "e\u0301\u1112\u1161\u11ab");
  EXPECT_EQ(apply({UnicodeForm::nfkc}, "ﬁⅧ\uff76\uff9e").text(), "fiVIII\u30ac");
  EXPECT_EQ(apply({UnicodeForm::nfkd}, "½\u1e9b\u0323").text(), "1\u20442s\u0323\u0307");
  EXPECT_EQ(apply({Lowercase{}}, "AÉΣİ").text(), "aéσi\u0307");
  EXPECT_EQ(apply({Strip{true, true}}, " \u3000 a b\u00a0\n").text(), "a b");
  EXPECT_EQ(apply({Strip{true, false}}, "  ").text(), "");
  EXPECT_EQ(apply({Replace{"ab", "X"}}, "abcabab").text(), "XcXX");
}

TEST(Normalizer, LeavesCharactersNewerThanTheReferenceAlone) {
  // U+1DFA has combining class 218 since Unicode 14; the reference orders by Unicode 9.
  EXPECT_EQ(apply({UnicodeForm::nfd}, "a\u0301\u1dfa").text(), "a\u0301\u1dfa");
  EXPECT_EQ(apply({UnicodeForm::nfd}, "\U00011938").text(), "\U00011938");
  EXPECT_EQ(apply({UnicodeForm::nfkc}, "\u32ff").text(), "\u32ff");
}

TEST(Normalizer, MapsEachCharacterToTheInputThatItCameFrom) {
  const std::string_view input = "xe\u0301y \u1112\u1161\u11ab ﬁ z";
  const AlignedText normal = apply({UnicodeForm::nfkc}, input);
  EXPECT_EQ(normal.text(), "xéy 한 fi z");
  EXPECT_EQ(source_of(normal, "é", input), "e\u0301");
  EXPECT_EQ(source_of(normal, "x", input), "x");
  EXPECT_EQ(source_of(normal, "한", input), "\u1112\u1161\u11ab");
  EXPECT_EQ(source_of(normal, "i", input), "ﬁ");
  EXPECT_EQ(source_of(normal, "fi z", input), "ﬁ z");
  EXPECT_EQ(source_of(normal, "y 한", input), "y \u1112\u1161\u11ab");
}

TEST(Normalizer, ComposesAlignmentsOverSteps) {
  const std::string_view input = "  ÉCOLE\u0301 un|";
  const AlignedText normal =
      apply({UnicodeForm::nfc, Lowercase{}, Strip{true, true}, Replace{"un|", "re~~"}}, input);
  EXPECT_EQ(normal.text(), "écolé re~~");
  EXPECT_EQ(source_of(normal, "éc", input), "ÉC");
  EXPECT_EQ(source_of(normal, "lé", input), "LE\u0301");
  EXPECT_EQ(source_of(normal, "~", input), "un|");
}

TEST(Normalizer, PlacesAreThoseOfTheInputEvenInTheMiddle) {
  const AlignedText normal =
      Normalizer({UnicodeForm::nfc}).apply(AlignedText("ae\u0301", 100, Origins::kept));
  EXPECT_EQ(normal.text(), "aé");
  EXPECT_EQ(normal.source(1, 3).begin, 101u);
  EXPECT_EQ(normal.source(1, 3).end, 104u);
  EXPECT_EQ(normal.source(0, 0).begin, 100u);
}

TEST(Normalizer, AnUnchangedTextIsWidenedToWholeCharacters) {
  const AlignedText text("a日b", 10, Origins::kept);
  EXPECT_EQ(text.source(2, 3).begin, 11u);
  EXPECT_EQ(text.source(2, 3).end, 14u);
}

TEST(Normalizer, OrdersAMillionMarks) {
  std::string text = "a";
  for (int i = 0; i < 250'000; ++i) text += "\u0345\u0323\u0334";
  const AlignedText normal = apply({UnicodeForm::nfd}, text);
  ASSERT_EQ(normal.text().size(), text.size());
  EXPECT_EQ(normal.text().substr(0, 5), "a\u0334\u0334");
  EXPECT_TRUE(normal.text().ends_with("\u0345\u0345"));
}

TEST(ByteAlphabet, IsABijection) {
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t letter = letter_of_byte(static_cast<uint8_t>(byte));
    EXPECT_EQ(byte_of_letter(letter), static_cast<uint8_t>(byte));
    EXPECT_EQ(bytes_of_token(token_of_byte(static_cast<uint8_t>(byte))),
              std::string(1, static_cast<char>(byte)));
  }
  EXPECT_EQ(letter_of_byte(' '), U'\u0120');
  EXPECT_EQ(letter_of_byte('\n'), U'\u010a');
  EXPECT_EQ(letter_of_byte(0xad), U'\u0143');
  EXPECT_EQ(byte_of_letter(U' '), std::nullopt);
  EXPECT_EQ(byte_of_letter(U'\u0144'), std::nullopt);
  EXPECT_EQ(bytes_of_token("a b"), std::nullopt);
  EXPECT_EQ(bytes_of_token("\xff"), std::nullopt);
}

TEST(Unicode, WhiteSpaceHasTwentyFiveMembers) {
  int members = 0;
  for (char32_t c = 0; c < 0x110000; ++c) members += is_white_space(c);
  EXPECT_EQ(members, 25);
  EXPECT_FALSE(is_white_space(0x180e));
}

}  // namespace
}  // namespace rg::text
