// The rigorous bounds hold, against 64-bit mantissas and worst cases, and aren't far from them.
#include <gtest/gtest.h>

#include "certificates/bounded_logits.h"
#include "certificates/enclosure.h"
#include "certificates/top_sets.h"
#include "questions.h"

namespace rg::certificates {
namespace {

using Wide = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

Column direction(Eigen::Index width, uint32_t purpose) {
  Column out(width);
  for (Eigen::Index i = 0; i < width; ++i) out(i) = normal(static_cast<uint32_t>(i), purpose, 50);
  return out;
}

// Logits in extended precision; of x alone, or after attention.
Wide logits_of(const Layer& layer, const Column& x) {
  const Wide router = folded(layer.question().router).cast<long double>();
  const Wide wide = x.cast<long double>();
  Wide out = router * wide;
  if (const auto place = layer.place()) {
    const Wide values = repeated(folded(place->values), *place).cast<long double>();
    const Wide output = folded(place->output).cast<long double>();
    const auto width = static_cast<long double>(x.size());
    out += router * (output * (values * wide)) /
           std::sqrt(wide.squaredNorm() / width + static_cast<long double>(place->epsilon));
  }
  return out;
}

BoundedLogits bounded(const Layer& layer, const Column& x, double distance) {
  const Matrix router = folded(layer.question().router);
  const auto place = layer.place();
  return place ? bounded_logits(router, *place, x, distance) : bounded_logits(router, x, distance);
}

TEST(Bounds, RoundingOfLogitsIsBounded) {
  for (const Layer& layer : {random_layer(4, 300, 40, 2, 3), serial_layer(4, 100, 40, 2, 3)}) {
    const Column x = direction(layer.width, 1) / 3;
    const BoundedLogits found = bounded(layer, x, 0);
    const Wide exact = logits_of(layer, x);
    for (Eigen::Index i = 0; i < exact.rows(); ++i) {
      EXPECT_LE(std::abs(static_cast<double>(found.values(i) - exact(i))), found.errors(i));
      EXPECT_LT(found.errors(i), 1e-10);
    }
  }
}

TEST(Bounds, LogitsOfEveryNeighbourAreBounded) {
  for (const Layer& layer : {random_layer(4, 12, 6, 2, 3), serial_layer(4, 12, 6, 2, 3)}) {
    const Column x = direction(12, 1);
    const double distance = 1e-3;
    const BoundedLogits found = bounded(layer, x, distance);
    for (Eigen::Index i = 0; i < 6; ++i) {
      // The neighbour that changes this logit most, about.
      Column slope(12);
      for (Eigen::Index j = 0; j < 12; ++j) {
        const Column step = Column::Unit(12, j) * 1e-6;
        slope(j) = static_cast<double>(logits_of(layer, x + step)(i) - logits_of(layer, x)(i));
      }
      const Column worst = x + slope.normalized() * distance;
      const double change = static_cast<double>(logits_of(layer, worst)(i) - found.values(i));
      EXPECT_LE(std::abs(change), found.errors(i));
      EXPECT_GT(std::abs(change), found.errors(i) / 40);
    }
  }
}

TEST(Bounds, AnUnknownLengthBoundsNothing) {
  const Layer layer = serial_layer(4, 12, 6, 2, 3);
  const BoundedLogits found = bounded(layer, direction(12, 1) * 1e-9, 1);
  EXPECT_EQ(found.errors.minCoeff(), std::numeric_limits<double>::infinity());
  EXPECT_FALSE(top_set(found, 1, 2).slack > 0);
}

TEST(Bounds, DistanceToTheKernel) {
  const Layer layer = random_layer(6, 30, 6, 2, 3);
  const Matrix keys = scaled_rows(folded(layer.question().keys)).matrix;
  const Matrix inverse = approximate_inverse(keys);
  const auto enclosure = Enclosure::of(keys, inverse);
  ASSERT_TRUE(enclosure);
  EXPECT_GT(enclosure->defect(), (Matrix::Identity(6, 6) - keys * keys.transpose() * inverse)
                                     .cwiseAbs()
                                     .rowwise()
                                     .sum()
                                     .maxCoeff());
  EXPECT_LT(enclosure->defect(), 1e-10);
  for (uint32_t i = 0; i < 6; ++i) {
    // Of a vector in the row space the nearest one of the kernel is 0.
    const Column seen = keys.transpose() * direction(6, i);
    EXPECT_GE(enclosure->distance_to_kernel(seen), seen.norm());
    EXPECT_LE(enclosure->distance_to_kernel(seen), 10 * seen.norm());
    const Column hidden = kernel_part(keys, inverse, direction(30, i));
    EXPECT_LT(enclosure->distance_to_kernel(hidden), 1e-12);
    EXPECT_GT(enclosure->distance_to_kernel(hidden), 1e-16);
    EXPECT_GE(enclosure->distance(hidden + seen, hidden), seen.norm());
  }
  // 4095 squares of 2^-54 beside a 1, most of which a sum in fp64 loses.
  Matrix lost = Matrix::Constant(1, 4096, 0x1p-27);
  lost(0, 0) = 1;
  EXPECT_GE(Enclosure::of(lost, Matrix::Ones(1, 1))->defect(), 4095 * 0x1p-54);
  // An inverse that is off by more than half proves nothing.
  EXPECT_FALSE(Enclosure::of(keys, 1.6 * inverse));
  EXPECT_FALSE(Enclosure::of(keys, Matrix::Zero(6, 6)));
}

TEST(Bounds, SlackIsTheWorstPair) {
  const BoundedLogits logits{.values = Column{{3, 1, 2, 2}}, .errors = Column{{0.125, 0, 0.25, 0}}};
  const TopSet first = top_set(logits, 1, 1), last = top_set(logits, -1, 1);
  EXPECT_EQ(first.set, std::vector<uint32_t>{0});
  EXPECT_NEAR(first.slack, 1 - 0.125 - 0.25, 1e-8);
  EXPECT_EQ(last.set, std::vector<uint32_t>{1});
  EXPECT_NEAR(last.slack, 1 - 0.25, 1e-8);
  EXPECT_LT(top_set(logits, 1, 2).slack, 0);  // 2 and 3 are tied; the lower index is taken
  EXPECT_EQ(top_set(logits, 1, 2).set, (std::vector<uint32_t>{0, 2}));
}

}  // namespace
}  // namespace rg::certificates
