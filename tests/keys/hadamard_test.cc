// Hadamard matrices of the orders that head widths ask for, and refusals by name.
#include "keys/hadamard.h"

#include <gtest/gtest.h>

#include "keys/draws.h"
#include "theorems/draws.h"

namespace rg::keys {
namespace {

TEST(Hadamard, OrthogonalWithEntriesOfOneSize) {
  for (const uint32_t order :
       {1u,  2u,  4u,  8u,  12u, 20u,  24u,  28u,  36u,  40u,  48u,  56u, 60u,
        64u, 72u, 76u, 80u, 96u, 112u, 128u, 144u, 160u, 192u, 256u, 576u}) {
    ASSERT_TRUE(hadamard_name(order).has_value()) << order;
    const linear::Matrix h = hadamard_matrix(order);
    ASSERT_EQ(h.rows(), order);
    const linear::Matrix gram = h * h.transpose();
    EXPECT_LE((gram - linear::Matrix::Identity(order, order)).cwiseAbs().maxCoeff(), 1e-12)
        << order;
    EXPECT_LE((h.cwiseAbs2().array() - 1.0 / order).abs().maxCoeff(), 1e-15) << order;
  }
}

TEST(Hadamard, SylvestersIsTheTheorems) {
  EXPECT_LE((hadamard_matrix(32) - linear::Matrix(theorems::hadamard(32))).norm(), 1e-14);
}

TEST(Hadamard, NamesSayHow) {
  EXPECT_EQ(hadamard_name(128), "sylvester 128");
  EXPECT_EQ(hadamard_name(12), "paley-1 12");
  EXPECT_EQ(hadamard_name(28), "paley-2 28");
  EXPECT_EQ(hadamard_name(36), "paley-2 36");
  EXPECT_EQ(hadamard_name(576), "sylvester 16 x paley-2 36");
  EXPECT_EQ(hadamard_name(96), "sylvester 8 x paley-1 12");
}

TEST(Hadamard, RefusedByName) {
  for (const uint32_t order : {0u, 3u, 6u, 50u, 92u, 116u}) {
    EXPECT_FALSE(hadamard_name(order).has_value()) << order;
  }
  EXPECT_EQ(why_no_hadamard(6),
            "no Hadamard matrix of order 6: orders are 1, 2 and multiples of 4");
  EXPECT_NE(why_no_hadamard(92).find("order 92 by Sylvester's and Paley's"), std::string::npos);
  EXPECT_ANY_THROW(hadamard_matrix(92));
}

TEST(Draws, RotationIsOrthogonalPinnedAndOfItsPlace) {
  const Place place{.seed = 7, .layer = 3, .head = 2};
  const linear::Matrix rotation = random_rotation(24, place, 1);
  EXPECT_LE((rotation * rotation.transpose() - linear::Matrix::Identity(24, 24)).norm(), 1e-12);
  EXPECT_EQ(rotation, random_rotation(24, place, 1));
  EXPECT_GT((rotation - random_rotation(24, place, 2)).norm(), 1);
  EXPECT_GT((rotation - random_rotation(24, {.seed = 7, .layer = 2, .head = 2}, 1)).norm(), 1);
  EXPECT_GT((rotation - random_rotation(24, {.seed = 8, .layer = 3, .head = 2}, 1)).norm(), 1);
}

TEST(Draws, RotationsAreUniform) {
  // E R_00^2 = 1/d and E R_00 = 0; without the sign rule the first entry is never positive.
  double mean = 0, square = 0;
  constexpr uint32_t kDraws = 2000;
  for (uint32_t i = 0; i < kDraws; ++i) {
    const double entry = random_rotation(4, {.seed = 1}, i)(0, 0);
    mean += entry / kDraws;
    square += entry * entry / kDraws;
  }
  EXPECT_NEAR(mean, 0, 5 * 0.5 / std::sqrt(kDraws));
  EXPECT_NEAR(square, 0.25, 5 * 0.25 / std::sqrt(kDraws));
}

TEST(Draws, SignsAreBalancedAndNormalsStandard) {
  const std::vector<double> signs = random_signs(4000, {.seed = 3}, 0);
  double sum = 0;
  for (const double sign : signs) {
    EXPECT_EQ(std::abs(sign), 1);
    sum += sign;
  }
  EXPECT_LE(std::abs(sum), 5 * std::sqrt(4000.0));
  EXPECT_NE(signs, random_signs(4000, {.seed = 3}, 1));
  double mean = 0, square = 0;
  for (uint32_t i = 0; i < 20000; ++i) {
    const double x = normal_draw(i, {.seed = 3}, Draw::noise_fit, 0);
    mean += x / 20000;
    square += x * x / 20000;
  }
  EXPECT_NEAR(mean, 0, 5 / std::sqrt(20000.0));
  EXPECT_NEAR(square, 1, 5 * std::sqrt(2 / 20000.0));
}

}  // namespace
}  // namespace rg::keys
