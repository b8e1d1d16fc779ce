#include "stats/information.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rg::stats {
namespace {

TEST(Information, EntropyOfAUniformTableIsTheLogOfItsSize) {
  EXPECT_NEAR(entropy(std::vector<uint64_t>{5, 5, 5, 5, 0}), std::log(4.0), 1e-15);
  EXPECT_EQ(entropy(std::vector<uint64_t>{0, 9}), 0.0);
  EXPECT_EQ(entropy({}), 0.0);
}

TEST(Information, MutualInformationOfIndependentAndEqualVariables) {
  EXPECT_NEAR(mutual_information(std::vector<uint64_t>{2, 4, 3, 6}, 2, 2), 0.0, 1e-15);
  EXPECT_NEAR(mutual_information(std::vector<uint64_t>{5, 0, 0, 5}, 2, 2), std::log(2.0), 1e-15);
}

TEST(Information, CountLogs) {
  const CountLogs f(1000);
  EXPECT_EQ(f(0), 0.0);
  EXPECT_EQ(f(1), 0.0);
  EXPECT_NEAR(f(1000), 1000 * std::log(1000.0), 1e-12 * 1000 * std::log(1000.0));
}

}  // namespace
}  // namespace rg::stats
