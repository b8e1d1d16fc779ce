// Exact integers against numbers worked out by hand.
#include "exact/integers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace rg::exact {
namespace {

Integers matrix_of(const std::vector<std::vector<int64_t>>& rows) {
  Integers out(rows.size(), rows.front().size());
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < rows[i].size(); ++j) out.set(i, j, rows[i][j]);
  }
  return out;
}

TEST(Integers, ScaledNumbersAreExact) {
  Integers out(1, 4);
  out.set_scaled(0, 0, -0.75, -2);
  out.set_scaled(0, 1, 0x1.8p100, -60);
  out.set_scaled(0, 2, std::numeric_limits<double>::denorm_min(), -1074);
  out.set_scaled(0, 3, -0.0, 5);
  EXPECT_EQ(out.hex(0, 0), "-3");
  EXPECT_EQ(out.hex(0, 1), "18" + std::string(39, '0'));
  EXPECT_EQ(out.bits(0, 1), 161u);
  EXPECT_EQ(out.hex(0, 2), "1");
  EXPECT_EQ(out.hex(0, 3), "0");
  EXPECT_THROW(out.set_scaled(0, 0, 0.75, -1), Error);
  EXPECT_THROW(out.set_scaled(0, 0, std::numeric_limits<double>::infinity(), 0), Error);
}

TEST(Integers, TheCommonExponentIsTheLargest) {
  EXPECT_EQ(common_exponent(std::vector{6.0, -20.0}), 1);
  EXPECT_EQ(common_exponent(std::vector{0.0, 0.75}), -2);
  EXPECT_EQ(common_exponent(std::vector{-0x1p-1074, 1e300}), -1074);
  EXPECT_EQ(common_exponent(std::vector{0.0}), 0);
}

TEST(Integers, HexadecimalGoesBothWays) {
  Integers out(1, 1);
  const std::string digits = "-123456789abcdef0123456789abcdef";
  ASSERT_TRUE(out.set_hex(0, 0, digits));
  EXPECT_EQ(out.hex(0, 0), digits);
  for (const char* text : {"", "-", "-0", "00", "0x1", "A", "1 ", "+1"}) {
    EXPECT_FALSE(out.set_hex(0, 0, text)) << text;
  }
}

TEST(Integers, SystemsAreSolvedInLowestTerms) {
  const auto solved = solve(matrix_of({{2, 1}, {1, 3}}), matrix_of({{4, 5}, {7, 0}}));
  ASSERT_TRUE(solved);  // x = (1, 2) and (3, -1)
  EXPECT_EQ(solved->denominator.hex(0, 0), "1");
  EXPECT_EQ(solved->numerators.hex(0, 0), "1");
  EXPECT_EQ(solved->numerators.hex(1, 1), "-1");
  const auto thirds = solve(matrix_of({{-3, 0}, {0, 6}}), matrix_of({{1}, {2}}));
  ASSERT_TRUE(thirds);  // (-1, 1) / 3
  EXPECT_EQ(thirds->denominator.hex(0, 0), "3");
  EXPECT_EQ(thirds->numerators.hex(0, 0), "-1");
  EXPECT_EQ(thirds->numerators.hex(1, 0), "1");
  EXPECT_FALSE(solve(matrix_of({{1, 2}, {2, 4}}), matrix_of({{1}, {2}})));
  EXPECT_THROW(solve(matrix_of({{1, 2}}), matrix_of({{1}})), Error);
}

TEST(Integers, ProductsAndOrder) {
  Integers out = product(matrix_of({{1, -2}, {3, 4}}), matrix_of({{5}, {6}}));
  EXPECT_EQ(out.hex(0, 0), "-7");
  EXPECT_EQ(out.hex(1, 0), "27");
  EXPECT_EQ(out.sign(0, 0), -1);
  out.negate();
  EXPECT_EQ(out.sign(0, 0), 1);
  EXPECT_FALSE(out.zero());
  EXPECT_TRUE(Integers(2, 3).zero());
  EXPECT_THROW(product(out, out), Error);
}

TEST(Integers, SumsAndSquares) {
  EXPECT_EQ(sum(matrix_of({{1, -2}}), matrix_of({{3, 4}})).hex(0, 1), "2");
  EXPECT_EQ(times_power_of_two(matrix_of({{-3}}), 9).hex(0, 0), "-600");
  EXPECT_EQ(sum_of_squares(matrix_of({{-3}, {4}})).hex(0, 0), "19");
}

TEST(Integers, RootsAreComparedExactly) {
  const RootSums sums{.p = matrix_of({{99}, {0}, {3}, {0}, {-99}}),
                      .q = matrix_of({{0}, {140}, {0}, {3}, {280}}),
                      .a = matrix_of({{2}}),
                      .b = matrix_of({{1}})};
  EXPECT_EQ(sums.compare(0, 1), 1);  // 140.007 and 140
  EXPECT_EQ(sums.compare(1, 0), -1);
  EXPECT_EQ(sums.compare(4, 1), -1);  // 139.993 and 140
  EXPECT_EQ(sums.compare(0, 4), 1);
  EXPECT_EQ(sums.compare(2, 3), 1);
  EXPECT_EQ(sums.compare(1, 1), 0);
  EXPECT_NEAR(sums.ratio(0, 3, 2, 3), (99 * std::sqrt(2.0) - 3) / (3 * std::sqrt(2.0) - 3), 1e-13);
  const RootSums equal{.p = matrix_of({{3}, {0}}),
                       .q = matrix_of({{0}, {1}}),
                       .a = matrix_of({{2}}),
                       .b = matrix_of({{18}})};
  EXPECT_EQ(equal.compare(0, 1), 0);
}

TEST(Integers, IndependentRowsAndColumns) {
  const Integers matrix = matrix_of({{0, 0, 0, 0}, {0, 2, 4, 1}, {0, 4, 8, 2}, {0, 1, 2, 5}});
  const Independent found = independent_modulo(matrix, 2305843009213693951);
  EXPECT_EQ(found.columns, (std::vector<uint32_t>{1, 3}));
  EXPECT_EQ(found.rows, (std::vector<uint32_t>{1, 3}));
  EXPECT_EQ(independent_modulo(matrix, 3).columns, (std::vector<uint32_t>{1}));  // 2 5 - 1 = 9
  EXPECT_TRUE(independent_modulo(Integers(2, 2), 3).columns.empty());
}

}  // namespace
}  // namespace rg::exact
