// Windows that share a mixer's call: none changes another's bits, wherever it stands.
#include <gtest/gtest.h>

#include <algorithm>

#include "family_golden.h"
#include "model/blocks/joined_products.h"

namespace rg::stream {
namespace {

constexpr uint32_t kRows = 256, kIn = 96;

std::vector<float> numbers(size_t count, uint64_t seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(
                    static_cast<int32_t>((i + 1) * (seed * 2654435761u + 40503u) % 2001) - 1000) /
                1000;
  }
  return values;
}

// Products of two windows in one call, by the place of each.
std::vector<float> products(uint32_t out, const std::vector<float>& first,
                            const std::vector<float>& second) {
  const model::CallShape shape = {.rows = kRows, .sequences = 2, .joined = 2 * kRows};
  const model::JoinedProducts joined(
      kIn, out, {.width = kIn, .compute = kernels::Compute::f32, .shapes = {&shape, 1}});
  const std::vector<float> raw = numbers(size_t{kIn} * out, 7);
  Buffer<std::byte> memory(joined.packed_bytes());
  const kernels::PackedWeights weights = joined.pack(raw.data(), memory.data());
  kernels::Scratch scratch;
  scratch.reserve(joined.product_scratch_bytes());
  std::vector<float> in = first, result(size_t{2} * kRows * out);
  in.insert(in.end(), second.begin(), second.end());
  joined.run({.shape = shape,
              .sequences = 2,
              .length = kRows,
              .mask = model::Mask::causal,
              .in = nullptr,
              .out = nullptr,
              .scratch = nullptr,
              .products = &scratch},
             in.data(), weights, result.data());
  scratch.throw_if_failed();
  return result;
}

TEST(JoinedProducts, AWindowMayStandInEitherPlace) {
  limit_isa_once();
  const std::vector<float> a = numbers(size_t{kRows} * kIn, 1), b = numbers(size_t{kRows} * kIn, 2);
  for (const uint32_t out : {64u, 512u, 832u, 864u, 896u, 2048u}) {
    const std::vector<float> ab = products(out, a, b), ba = products(out, b, a);
    const auto half = static_cast<ptrdiff_t>(size_t{kRows} * out);
    EXPECT_TRUE(std::equal(ab.begin(), ab.begin() + half, ba.begin() + half)) << out;
    EXPECT_TRUE(std::equal(ba.begin(), ba.begin() + half, ab.begin() + half)) << out;
    EXPECT_FALSE(std::equal(ab.begin(), ab.begin() + half, ba.begin())) << out;
  }
}

void expect_filled_tile(uint32_t rows, kernels::Compute compute) {
  const std::vector<uint32_t> heights = kernels::tile_heights(UINT32_MAX, compute);
  const uint32_t least = heights.front();
  const auto shape = model::CallShape::filling_a_tile(rows, compute);
  EXPECT_EQ(shape.rows, rows);
  EXPECT_GE(shape.joined, shape.sequences * rows);
  if (shape.sequences > 1) {
    EXPECT_GE(shape.joined, least);
    EXPECT_LT(shape.joined, shape.sequences * rows + 32);
    EXPECT_LT((shape.sequences - 1) * rows, least);
    EXPECT_NE(std::find(heights.begin(), heights.end(), shape.joined), heights.end()) << rows;
    return;
  }
  EXPECT_EQ(shape.joined, rows);
  // Alone either as tall as a tile, or because no tile holds enough of them.
  const uint32_t enough = (least + rows - 1) / rows * rows;
  EXPECT_TRUE(rows >= least || enough > heights.back() - heights.back() % 32) << rows;
}

TEST(CallShape, FillsTheLowestTileIfOneHoldsThem) {
  limit_isa_once();
  for (const uint32_t rows : {32u, 33u, 64u, 100u, 128u, 200u, 255u, 256u, 383u, 384u, 4096u}) {
    expect_filled_tile(rows, kernels::Compute::f32);
    if (kernels::cpu_has_bf16()) expect_filled_tile(rows, kernels::Compute::bf16);
  }
}

// Every mixer, in windows of 40 tokens: the last of 13 as if it were alone.
class Neighbours : public testing::TestWithParam<FamilyShape> {};

TEST_P(Neighbours, ChangeNoBit) {
  if (!is_known(GetParam().family) || GetParam().has_several_gates()) return;
  constexpr size_t kWindows = 13, kTokens = 40;
  const FamilyGolden golden(GetParam());
  const model::Model& model = golden.model();
  tap::SequenceSet all = {.name = "windows",
                          .lengths = std::vector<uint32_t>(kWindows, kTokens),
                          .ids = {},
                          .causal = true};
  for (size_t i = 0; i < kWindows * kTokens; ++i) {
    all.ids.push_back(static_cast<int32_t>((i * 7 + i / kTokens) % model.vocabulary));
  }
  tap::SequenceSet last = all;
  last.lengths.resize(1);
  last.ids.assign(all.ids.end() - kTokens, all.ids.end());
  const Record together = run_recorded(golden.checkpoint(), model, all, {});
  const Record alone = run_recorded(golden.checkpoint(), model, last, {});
  ASSERT_EQ(alone.logits.size(), kTokens * model.vocabulary);
  EXPECT_TRUE(std::equal(alone.logits.begin(), alone.logits.end(),
                         together.logits.end() - static_cast<ptrdiff_t>(alone.logits.size())));
}

INSTANTIATE_TEST_SUITE_P(All, Neighbours, testing::ValuesIn(family_shapes()),
                         [](const auto& tested) { return tested.param.identifier(); });

}  // namespace
}  // namespace rg::stream
