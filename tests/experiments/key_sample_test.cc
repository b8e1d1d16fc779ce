// Sampled positions, and the record of their keys.
#include "experiments/key_sample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "experiments/key_sample_record.h"

namespace rg::experiments::testing {
namespace {

TEST(KeySample, IsAFunctionOfSeedSetAndWindow) {
  const auto drawn = sampled_key_positions(7, 1, 3, 256, 40);
  EXPECT_EQ(drawn.size(), 40u);
  EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
  EXPECT_EQ(std::set<uint32_t>(drawn.begin(), drawn.end()).size(), 40u);
  EXPECT_LT(drawn.back(), 256u);
  EXPECT_EQ(drawn, sampled_key_positions(7, 1, 3, 256, 40));
  EXPECT_NE(drawn, sampled_key_positions(8, 1, 3, 256, 40));
  EXPECT_NE(drawn, sampled_key_positions(7, 0, 3, 256, 40));
  EXPECT_NE(drawn, sampled_key_positions(7, 1, 4, 256, 40));
  EXPECT_EQ(sampled_key_positions(7, 1, 3, 4, 9), (std::vector<uint32_t>{0, 1, 2, 3}));
  EXPECT_TRUE(sampled_key_positions(7, 1, 3, 4, 0).empty());
}

TEST(KeySample, DrawsEveryPositionAlike) {
  std::vector<int> count(16);
  for (uint32_t window = 0; window < 4000; ++window) {
    for (const uint32_t position : sampled_key_positions(1, 0, window, 16, 4)) ++count[position];
  }
  for (const int times : count) EXPECT_NEAR(times, 1000, 140);  // five standard deviations
}

// Keys whose value says where they come from.
float value_of(size_t set, size_t row, size_t head, size_t column) {
  return static_cast<float>(100000 * set + 100 * row + 10 * head + column);
}

TEST(KeySampleRecord, KeepsTheSampledRowsHeadByHead) {
  constexpr uint32_t kHeads = 2, kWidth = 3;
  tap::SequenceSet windows = {
      .name = "windows", .lengths = {9, 9, 9, 9}, .ids = {}, .causal = true};
  tap::SequenceSet prompts = {.name = "prompts", .lengths = {2, 5}, .ids = {}, .causal = true};
  tap::SequenceSet strange = {.name = "strange", .lengths = {9}, .ids = {}, .causal = true};
  const tap::SequenceSet* sets[] = {&windows, &prompts};
  KeySampleRecord record(sets, 11, 4, &tap::KeySteps::normed);
  EXPECT_EQ(record.rows(), 4u * 4 + 2 + 4);
  EXPECT_FALSE(record.holds_a_layer());

  tap::KeyView view{};
  view.kv_heads = kHeads;
  view.key_width = kWidth;
  record.begin(view);
  const auto show = [&](const tap::SequenceSet& set, size_t index, size_t first, size_t count) {
    size_t first_row = 0, rows = 0;
    for (size_t s = 0; s < first; ++s) first_row += set.lengths[s];
    for (size_t s = first; s < first + count; ++s) rows += set.lengths[s];
    std::vector<float> keys, other(rows * kHeads * kWidth, -1);
    for (size_t row = first_row; row < first_row + rows; ++row) {
      for (size_t h = 0; h < kHeads; ++h) {
        for (size_t i = 0; i < kWidth; ++i) keys.push_back(value_of(index, row, h, i));
      }
    }
    tap::KeyBlock block{};
    block.set = &set;
    block.first_sequence = first;
    block.sequences = count;
    block.first_row = first_row;
    block.rows = rows;
    block.keys = {other.data(), keys.data(), other.data(), other.data()};
    record.add(block);
  };
  show(windows, 0, 2, 2);
  show(prompts, 1, 0, 2);
  show(strange, 2, 0, 1);
  show(windows, 0, 0, 2);
  EXPECT_TRUE(record.holds_a_layer());
  for (size_t row = 0; row < record.rows(); ++row) {
    const KeySampleRecord::Place place = record.place(row);
    for (uint32_t h = 0; h < kHeads; ++h) {
      for (size_t i = 0; i < kWidth; ++i) {
        EXPECT_EQ(record.keys(h)[row * kWidth + i], value_of(place.set, place.row, h, i));
      }
    }
  }
  // The rows are those of the function, in order.
  size_t row = 0;
  for (uint32_t w = 0; w < 4; ++w) {
    for (const uint32_t position : sampled_key_positions(11, 0, w, 9, 4)) {
      EXPECT_EQ(record.place(row++).row, w * 9 + position);
    }
  }
  EXPECT_EQ(record.index_bytes(),
            record.rows() * sizeof(KeySampleRecord::Place) + (5 + 3) * sizeof(size_t));
  record.release();
  EXPECT_FALSE(record.holds_a_layer());
}

}  // namespace
}  // namespace rg::experiments::testing
