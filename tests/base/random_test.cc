#include "base/random.h"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace rg {
namespace {

// Known answers of Random123's distribution for philox4x32-10: counter, key, output.
TEST(Philox, KnownAnswers) {
  using Philox = r123::Philox4x32_R<10>;
  const Philox::ctr_type zero = Philox()({{0, 0, 0, 0}}, {{0, 0}});
  EXPECT_EQ(zero[0], 0x6627e8d5u);
  EXPECT_EQ(zero[1], 0xe169c58du);
  EXPECT_EQ(zero[2], 0xbc57ac4cu);
  EXPECT_EQ(zero[3], 0x9b00dbd8u);
  const uint32_t ones = 0xffffffffu;
  const Philox::ctr_type full = Philox()({{ones, ones, ones, ones}}, {{ones, ones}});
  EXPECT_EQ(full[0], 0x408f276du);
  EXPECT_EQ(full[1], 0x41c83b0eu);
  EXPECT_EQ(full[2], 0xa20bc7c6u);
  EXPECT_EQ(full[3], 0x6d5451fdu);
  const Philox::ctr_type pi = Philox()({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
                                       {{0xa4093822u, 0x299f31d0u}});
  EXPECT_EQ(pi[0], 0xd16cfe09u);
  EXPECT_EQ(pi[1], 0x94fdcceb);
  EXPECT_EQ(pi[2], 0x5001e420u);
  EXPECT_EQ(pi[3], 0x24126ea1u);
}

TEST(DrawWord, LaysOutKeyAndCounter) {
  // Key = halves of the seed, counter = (i, j, layer, purpose + attempt 2^16).
  const uint64_t seed = 0x299f31d0a4093822u;
  const Counter at = {0x243f6a88u, 0x85a308d3u, 0x13198a2eu};
  const auto purpose = static_cast<Purpose>(0x7344u);
  EXPECT_EQ(draw_word(seed, purpose, at, 0x0370u), 0xd16cfe09u);
}

TEST(DrawWord, EveryPartOfTheCounterMatters) {
  const std::set<uint32_t> words = {
      draw_word(1, Purpose::bootstrap, {1, 2, 3}, 0),
      draw_word(2, Purpose::bootstrap, {1, 2, 3}, 0),
      draw_word(1, Purpose::audit, {1, 2, 3}, 0),
      draw_word(1, Purpose::bootstrap, {2, 2, 3}, 0),
      draw_word(1, Purpose::bootstrap, {1, 3, 3}, 0),
      draw_word(1, Purpose::bootstrap, {1, 2, 4}, 0),
      draw_word(1, Purpose::bootstrap, {1, 2, 3}, 1),
      draw_word(uint64_t{1} << 32 | 1, Purpose::bootstrap, {1, 2, 3}, 0)};
  EXPECT_EQ(words.size(), 8u);
}

// Lemire's rule written out in other words: the word's place among 2^32 in n equal parts, refused
// while it lies in the part that would be too long.
uint32_t reference_below(uint32_t n, uint64_t seed, Purpose purpose, Counter counter) {
  const uint64_t all = uint64_t{1} << 32;
  for (uint32_t attempt = 0;; ++attempt) {
    const uint64_t product = uint64_t{draw_word(seed, purpose, counter, attempt)} * n;
    if (product % all >= all % n) return static_cast<uint32_t>(product / all);
  }
}

TEST(DrawBelow, StaysBelowAndFollowsTheRule) {
  for (const uint32_t n : {1u, 2u, 3u, 7u, 64u, 1000u, 0x80000000u, 0x80000001u, 0xffffffffu}) {
    for (uint32_t i = 0; i < 2000; ++i) {
      const Counter at = {i, n, 0};
      const uint32_t drawn = draw_below(n, 9, Purpose::bootstrap, at);
      EXPECT_LT(drawn, n);
      EXPECT_EQ(drawn, reference_below(n, 9, Purpose::bootstrap, at));
    }
  }
}

TEST(DrawBelow, RejectsSometimes) {
  // Just above half of 2^32 nearly every second word is refused.
  const uint32_t n = 0x80000001u;
  int rejected = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    const uint64_t m = uint64_t{draw_word(3, Purpose::bootstrap, {i, 0, 0}, 0)} * n;
    rejected += draw_below(n, 3, Purpose::bootstrap, {i, 0, 0}) != static_cast<uint32_t>(m >> 32);
  }
  EXPECT_GT(rejected, 400);
  EXPECT_LT(rejected, 600);
}

TEST(DrawBelow, IsUniform) {
  constexpr uint32_t kParts = 10, kDraws = 20'000;
  std::vector<int> counts(kParts);
  for (uint32_t i = 0; i < kDraws; ++i) {
    ++counts[draw_below(kParts, 5, Purpose::bootstrap, {i, 0, 0})];
  }
  double chi_square = 0;
  for (const int count : counts) {
    const double expected = double{kDraws} / kParts;
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_square, 27.9);  // 9 degrees of freedom, p = 0.001; the draws are fixed
}

TEST(DrawSubset, IsDistinctCompleteAndPrefixStable) {
  const auto all = draw_subset(50, 50, 7, Purpose::window_choice, 2, 0);
  std::vector<uint32_t> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  for (uint32_t i = 0; i < 50; ++i) EXPECT_EQ(sorted[i], i);
  const auto few = draw_subset(50, 8, 7, Purpose::window_choice, 2, 0);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), all.begin()));
  EXPECT_NE(few, draw_subset(50, 8, 8, Purpose::window_choice, 2, 0));
  EXPECT_NE(few, draw_subset(50, 8, 7, Purpose::window_choice, 3, 0));
  EXPECT_TRUE(draw_subset(5, 0, 7, Purpose::window_choice, 0, 0).empty());
  EXPECT_EQ(draw_subset(1, 1, 7, Purpose::window_choice, 0, 0), std::vector<uint32_t>{0});
}

TEST(DrawSubset, FollowsFisherYates) {
  const uint32_t n = 20, count = 6;
  std::vector<uint32_t> pool(n), expected;
  for (uint32_t i = 0; i < n; ++i) pool[i] = i;
  for (uint32_t step = 0; step < count; ++step) {
    const uint32_t at = step + draw_below(n - step, 11, Purpose::sampled_positions, {step, 4, 9});
    std::swap(pool[step], pool[at]);
    expected.push_back(pool[step]);
  }
  EXPECT_EQ(draw_subset(n, count, 11, Purpose::sampled_positions, 4, 9), expected);
}

}  // namespace
}  // namespace rg
