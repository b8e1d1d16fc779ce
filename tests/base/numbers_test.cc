#include "base/numbers.h"

#include <gtest/gtest.h>

namespace rg {
namespace {

TEST(Numbers, BytesKeepThreeDigits) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(1'470'000'000), "1.47 GB");
  EXPECT_EQ(format_bytes(52'600'000), "52.6 MB");
  EXPECT_EQ(format_bytes(517'000'000), "517 MB");
  EXPECT_EQ(format_bytes(999'999), "1.00 MB");
}

TEST(Numbers, CountsAndTimes) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1'000), "1,000");
  EXPECT_EQ(format_count(12'345'678), "12,345,678");
  EXPECT_EQ(counted(0, "window"), "0 windows");
  EXPECT_EQ(counted(1, "window"), "1 window");
  EXPECT_EQ(counted(2000, "window"), "2,000 windows");
  EXPECT_EQ(format_seconds(0.44), "0.4 s");
  EXPECT_EQ(format_seconds(59.4), "59 s");
  EXPECT_EQ(format_seconds(192), "3 min 12 s");
  EXPECT_EQ(format_seconds(7500), "2 h 05 min");
  EXPECT_EQ(format_seconds(-1), "?");
}

}  // namespace
}  // namespace rg
