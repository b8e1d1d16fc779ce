// Packed products against the fp64 reference, and the property that determinism needs: within the
// tile heights a row's bits depend neither on the number of rows nor on the row's position,
// neighbours or threads.
#include "kernels/product.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/product_reference.h"
#include "kernels/random_values.h"

namespace rg::kernels {
namespace {

std::vector<Compute> compute_types() {
  std::vector<Compute> types = {Compute::f32};
  if (cpu_has_bf16()) types.push_back(Compute::bf16);
  return types;
}

// Values in the compute type, and the same values as floats.
struct Values {
  std::vector<float> wide;
  Buffer<std::byte> stored;
};

Values values(size_t n, Compute compute, uint64_t seed) {
  Values out{random_normal(n, 1.0f, seed), Buffer<std::byte>(n * compute_bytes(compute))};
  for (size_t i = 0; i < n; ++i) {
    if (compute == Compute::bf16) {
      const bf16_t narrow = f32_to_bf16(out.wide[i]);
      out.wide[i] = bf16_to_f32(narrow);
      std::memcpy(out.stored.data() + 2 * i, &narrow, 2);
    } else {
      std::memcpy(out.stored.data() + 4 * i, &out.wide[i], 4);
    }
  }
  return out;
}

struct Packed {
  Buffer<std::byte> memory;
  PackedWeights weights;
};

Packed pack(const WeightProduct& product, const Values& raw) {
  Packed out{Buffer<std::byte>(product.packed_bytes()), {}};
  out.weights = product.pack(raw.stored.data(), out.memory.data());
  return out;
}

struct Shape {
  uint32_t rows, in, out;
};

// Every class of shape: one block of the inner size or several; on AVX2 too few outputs for the
// kernel that copies its inputs, about as many as it needs, and more.
constexpr Shape kWeights[] = {
    {0, 64, 48},   {0, 128, 96},  {0, 100, 7},   {0, 512, 256}, {0, 768, 1536}, {0, 1024, 900},
    {0, 1600, 64}, {0, 64, 3000}, {0, 600, 836}, {0, 600, 838}, {0, 4608, 64},
};
constexpr Shape kSequences[] = {{32, 64, 12}, {256, 96, 288}, {512, 1024, 896}, {1, 16, 5}};

std::vector<Shape> all_shapes(Compute compute) {
  std::vector<Shape> shapes(std::begin(kSequences), std::end(kSequences));
  for (Shape shape : kWeights) {
    const std::vector<uint32_t> heights = tile_heights(shape.out, compute);
    shape.rows = heights.front();
    shapes.push_back(shape);
  }
  return shapes;
}

void expect_close(const std::vector<double>& expected, const float* got, uint32_t in) {
  // Partial sums reach sqrt(in), and each of in additions rounds.
  const double tolerance = std::max(2e-6 * std::sqrt(static_cast<double>(in)), 1.5e-7 * in);
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << i;
  }
}

TEST(WeightProduct, EqualsTheReference) {
  for (const Compute compute : compute_types()) {
    for (const Shape& shape : all_shapes(compute)) {
      const WeightProduct product(shape.rows, shape.in, shape.out, compute);
      const Values a = values(size_t{shape.rows} * shape.in, compute, 1);
      const Values w = values(size_t{shape.out} * shape.in, compute, 2);
      const Packed packed = pack(product, w);
      Scratch scratch;
      scratch.reserve(product.scratch_bytes());
      Buffer<float> c(size_t{shape.rows} * shape.out);
      product.run(a.stored.data(), packed.weights, c.data(), scratch);
      std::vector<double> expected(c.size());
      product_reference(a.wide.data(), w.wide.data(), shape.rows, shape.in, shape.out,
                        expected.data());
      expect_close(expected, c.data(), shape.in);
    }
  }
}

TEST(WeightProduct, OneCopyOfPackedWeightsServesEveryHeight) {
  for (const Compute compute : compute_types()) {
    const WeightProduct tall(256, 96, 80, compute);
    const WeightProduct low(32, tall);
    const Values a = values(size_t{32} * 96, compute, 3);
    const Values w = values(size_t{80} * 96, compute, 4);
    const Packed packed = pack(tall, w);
    Scratch scratch;
    scratch.reserve(low.scratch_bytes());
    Buffer<float> c(size_t{32} * 80);
    low.run(a.stored.data(), packed.weights, c.data(), scratch);
    std::vector<double> expected(c.size());
    product_reference(a.wide.data(), w.wide.data(), 32, 96, 80, expected.data());
    expect_close(expected, c.data(), 96);
  }
}

// The bits of `row` at every place of tiles of this height, by one thread and by three at once.
void expect_same_bits(const WeightProduct& product, const Packed& packed, const Shape& shape,
                      Compute compute, std::vector<float>& reference) {
  const Values row = values(shape.in, compute, 5);
  const Values others = values(size_t{shape.rows} * shape.in, compute, 6);
  const size_t row_bytes = shape.in * compute_bytes(compute);
  for (const uint32_t place : {0u, 1u, shape.rows / 2 + 1, shape.rows - 1}) {
    for (const int threads : {1, 3}) {
      std::vector<int> equal(static_cast<size_t>(threads), 1);
#pragma omp parallel num_threads(threads)
      {
        Buffer<std::byte> tile(others.stored.size());
        if (place % 2 == 0) {
          std::memcpy(tile.data(), others.stored.data(), tile.size());
        } else {
          std::memset(tile.data(), 0, tile.size());
        }
        std::memcpy(tile.data() + place * row_bytes, row.stored.data(), row_bytes);
        Buffer<float> c(size_t{shape.rows} * shape.out);
        Scratch scratch;
        scratch.reserve(product.scratch_bytes());
        product.run(tile.data(), packed.weights, c.data(), scratch);
        const float* out = c.data() + size_t{place} * shape.out;
#pragma omp critical
        {
          if (reference.empty()) reference.assign(out, out + shape.out);
        }
        if (std::memcmp(out, reference.data(), shape.out * sizeof(float)) != 0) {
          equal[static_cast<size_t>(omp_get_thread_num())] = 0;
        }
      }
      for (const int same : equal) {
        EXPECT_EQ(same, 1) << shape.in << " x " << shape.out << ", row " << place << " of "
                           << shape.rows;
      }
    }
  }
}

TEST(WeightProduct, ARowsBitsDependNeitherOnTheTileNorOnItsPlaceNorOnThreads) {
  for (const Compute compute : compute_types()) {
    for (Shape shape : kWeights) {
      const std::vector<uint32_t> heights = tile_heights(shape.out, compute);
      const WeightProduct first(heights.front(), shape.in, shape.out, compute);
      const Packed packed = pack(first, values(size_t{shape.out} * shape.in, compute, 7));
      std::vector<float> reference;
      for (const uint32_t rows : heights) {
        shape.rows = rows;
        expect_same_bits(WeightProduct(rows, first), packed, shape, compute, reference);
      }
    }
  }
}

TEST(WeightProduct, TilesAreNeverTallerThanTheTallest) {
  for (const Compute compute : compute_types()) {
    for (const uint32_t out : {1u, 48u, 836u, 838u, 2048u, 100000u}) {
      const std::vector<uint32_t> heights = tile_heights(out, compute);
      ASSERT_FALSE(heights.empty());
      EXPECT_TRUE(std::is_sorted(heights.begin(), heights.end()));
      EXPECT_LE(heights.back(), tallest_tile(compute));
    }
  }
}

TEST(HeadProduct, ScoresAndValuesEqualTheReference) {
  constexpr uint32_t kHeads = 3, kRows = 40, kHead = 16, kStride = 5 * kHead;
  for (const Compute compute : compute_types()) {
    // Three heads side by side, then one key head, then one value head.
    const Values qkv = values(size_t{kRows} * kStride, compute, 8);
    const HeadProduct scores(kHeads, kRows, kHead, kRows, {kHead, kStride}, {kHead, kStride},
                             HeadProduct::Right::transposed, {kRows * kRows, kRows}, compute);
    Scratch scratch;
    scratch.reserve(scores.scratch_bytes());
    const size_t element = compute_bytes(compute);
    Buffer<float> s(size_t{kHeads} * kRows * kRows);
    scores.run(qkv.stored.data(), qkv.stored.data() + 3 * kHead * element, s.data(), scratch);
    for (uint32_t h = 0; h < kHeads; ++h) {
      for (uint32_t i = 0; i < kRows; ++i) {
        for (uint32_t j = 0; j < kRows; ++j) {
          double expected = 0;
          for (uint32_t c = 0; c < kHead; ++c) {
            expected += double{qkv.wide[i * kStride + h * kHead + c]} *
                        qkv.wide[j * kStride + 3 * kHead + c];
          }
          ASSERT_NEAR(s[(h * kRows + i) * kRows + j], expected, 1e-5 * (1 + std::abs(expected)));
        }
      }
    }
    const Values shares = values(size_t{kHeads} * kRows * kRows, compute, 9);
    const HeadProduct mix(kHeads, kRows, kRows, kHead, {kRows * kRows, kRows}, {kHead, kStride},
                          HeadProduct::Right::plain, {kHead, kHeads * kHead}, compute);
    scratch.reserve(mix.scratch_bytes());
    Buffer<float> context(size_t{kRows} * kHeads * kHead);
    mix.run(shares.stored.data(), qkv.stored.data() + 4 * kHead * element, context.data(), scratch);
    for (uint32_t h = 0; h < kHeads; ++h) {
      for (uint32_t i = 0; i < kRows; ++i) {
        for (uint32_t c = 0; c < kHead; ++c) {
          double expected = 0;
          for (uint32_t j = 0; j < kRows; ++j) {
            expected += double{shares.wide[(h * kRows + i) * kRows + j]} *
                        qkv.wide[j * kStride + 4 * kHead + c];
          }
          ASSERT_NEAR(context[(i * kHeads + h) * kHead + c], expected,
                      1e-5 * (1 + std::abs(expected)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace rg::kernels
