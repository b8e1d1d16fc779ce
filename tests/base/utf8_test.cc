#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace rg {
namespace {

std::string encode(uint32_t c) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, EveryCodePointDecodes) {
  for (uint32_t c = 0; c <= 0x10ffff; ++c) {
    const std::string bytes = encode(c);
    const Utf8Step step = decode_utf8(bytes, 0);
    const bool surrogate = c >= 0xd800 && c <= 0xdfff;
    ASSERT_EQ(step.valid, !surrogate) << c;
    if (surrogate) {
      ASSERT_EQ(step.bytes, 1u);
      continue;
    }
    ASSERT_EQ(step.code_point, static_cast<char32_t>(c));
    ASSERT_EQ(step.bytes, bytes.size());
  }
}

TEST(Utf8, RefusesWhatUnicodeDoes) {
  for (const std::string bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x80\x80", "\xe0\x9f\xbf",
        "\xe1\x80", "\xe1\x80 ", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff"}) {
    EXPECT_FALSE(decode_utf8(bad, 0).valid) << bad;
    EXPECT_EQ(decode_utf8(bad, 0).bytes, 1u);
    EXPECT_EQ(find_invalid_utf8("é" + bad), 2u);
  }
}

// Two- to four-byte sequences of all edge bytes, against the table of well-formed sequences in the
// Unicode standard (table 3-7).
TEST(Utf8, AgreesWithTheTableOfWellFormedSequences) {
  const auto in = [](uint8_t byte, uint8_t low, uint8_t high) {
    return byte >= low && byte <= high;
  };
  const auto well_formed = [&](const std::string& s) -> size_t {
    const auto b = [&](size_t i) { return i < s.size() ? static_cast<uint8_t>(s[i]) : uint8_t{0}; };
    if (b(0) < 0x80) return 1;
    if (in(b(0), 0xc2, 0xdf)) return in(b(1), 0x80, 0xbf) ? 2 : 0;
    const bool third = in(b(2), 0x80, 0xbf), fourth = in(b(3), 0x80, 0xbf);
    if (b(0) == 0xe0) return in(b(1), 0xa0, 0xbf) && third ? 3 : 0;
    if (b(0) == 0xed) return in(b(1), 0x80, 0x9f) && third ? 3 : 0;
    if (in(b(0), 0xe1, 0xef)) return in(b(1), 0x80, 0xbf) && third ? 3 : 0;
    if (b(0) == 0xf0) return in(b(1), 0x90, 0xbf) && third && fourth ? 4 : 0;
    if (in(b(0), 0xf1, 0xf3)) return in(b(1), 0x80, 0xbf) && third && fourth ? 4 : 0;
    if (b(0) == 0xf4) return in(b(1), 0x80, 0x8f) && third && fourth ? 4 : 0;
    return 0;
  };
  const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xff};
  for (int first = 0x80; first < 0x100; ++first) {
    for (const uint8_t second : edges) {
      for (const uint8_t third : edges) {
        for (const uint8_t fourth : edges) {
          const std::string s = {static_cast<char>(first), static_cast<char>(second),
                                 static_cast<char>(third), static_cast<char>(fourth)};
          const size_t expected = well_formed(s);
          const Utf8Step step = decode_utf8(s, 0);
          ASSERT_EQ(step.valid, expected != 0) << first << ' ' << int{second} << ' ' << int{third};
          ASSERT_EQ(step.bytes, expected == 0 ? 1 : expected);
        }
      }
    }
  }
}

TEST(Utf8, FindsNothingInGoodText) {
  EXPECT_FALSE(find_invalid_utf8(""));
  EXPECT_FALSE(find_invalid_utf8("ascii é 漢字 😀"));
}

}  // namespace
}  // namespace rg
