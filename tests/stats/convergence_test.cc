#include "stats/convergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <mutex>
#include <set>

#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::stats {
namespace {

std::vector<double> shifted_normals(size_t n, double shift) {
  std::vector<double> x(n);
  for (uint32_t i = 0; i < n; ++i) {
    const double u = (draw_word(123, Purpose::audit, {i, 0, 0}, 0) + 0.5) / 4294967296.0;
    x[i] = normal_quantile(u) + shift;
  }
  return x;
}

Judge mean_is_below_zero(const std::vector<double>& x) {
  return [&x](std::span<const uint32_t> members, const CountTable& table) {
    std::vector<double> values;
    gather(x, members, values);
    return interval_below(mean_replicates(table, values).values, 0) ? 1 : 0;
  };
}

TEST(Convergence, GridGrowsByTheSquareRootOfTwo) {
  EXPECT_EQ(window_grid(400), (std::vector<size_t>{50, 71, 100, 141, 200, 283, 400}));
  EXPECT_EQ(window_grid(199), (std::vector<size_t>{50, 71, 100, 141}));
  EXPECT_TRUE(window_grid(49).empty());
}

TEST(Convergence, AStrongEffectSettlesAtOnceAndAWeakOneDoesNot) {
  const auto strong = shifted_normals(200, -1.0), weak = shifted_normals(200, -0.16);
  const auto settled = judge_convergence(200, 7, 2, 1, mean_is_below_zero(strong), 14.0);
  EXPECT_EQ(settled.settled_at, 50u);
  EXPECT_TRUE(settled.settled);
  EXPECT_NEAR(*settled.replication, 1.0, 1e-12);
  EXPECT_EQ(*settled.n_for_90, std::ceil(200 * (3.242 / 14) * (3.242 / 14)));
  const auto unsettled = judge_convergence(200, 7, 2, 1, mean_is_below_zero(weak), 2.2);
  EXPECT_LT(unsettled.grid.front().agreement, 0.9);
  EXPECT_FALSE(unsettled.settled);
}

TEST(Convergence, SettlingBeyondHalfTheWindowsIsMechanical) {
  const std::vector<double> x = shifted_normals(200, 0);
  // A judge that agrees from 141 windows on.
  const Judge late = [](std::span<const uint32_t> members, const CountTable&) {
    return members.size() >= 141 ? 1 : 0;
  };
  const auto result = judge_convergence(200, 7, 1, 1, late, std::nullopt);
  EXPECT_EQ(result.settled_at, 141u);
  EXPECT_FALSE(result.settled);
  EXPECT_FALSE(result.replication.has_value());
}

TEST(Convergence, SubsetsAreSortedDistinctAndIndependentOfThreads) {
  const auto x = shifted_normals(150, -0.2);
  std::mutex mutex;
  std::set<std::vector<uint32_t>> seen;
  const Judge spy = [&](std::span<const uint32_t> members, const CountTable& table) {
    EXPECT_EQ(members.size(), table.units());
    EXPECT_TRUE(std::is_sorted(members.begin(), members.end()));
    EXPECT_EQ(std::set<uint32_t>(members.begin(), members.end()).size(), members.size());
    const std::lock_guard lock(mutex);
    seen.emplace(members.begin(), members.end());
    return mean_is_below_zero(x)(members, table);
  };
  const auto one = judge_convergence(150, 3, 1, 1, spy, 1.0);
  const auto three = judge_convergence(150, 3, 3, 1, spy, 1.0);
  ASSERT_EQ(one.grid.size(), three.grid.size());
  for (size_t i = 0; i < one.grid.size(); ++i) {
    EXPECT_EQ(one.grid[i].agreement, three.grid[i].agreement);
  }
  EXPECT_EQ(seen.size(), 200u * window_grid(150).size());
}

TEST(Convergence, SmallestZTakesTheWeakestCriterion) {
  const std::vector<Criterion> two = {{0.5, 0.1}, {0.3, 0.2}};
  EXPECT_EQ(smallest_z(two), 0.3 / 0.2);
  EXPECT_FALSE(smallest_z(std::vector<Criterion>{{0.5, 0.0}}).has_value());
  EXPECT_FALSE(smallest_z({}).has_value());
  EXPECT_FALSE(
      judge_convergence(10, 1, 1, 0, {}, smallest_z(std::vector<Criterion>{{-1, 0.5}})).n_for_90);
}

TEST(Convergence, CountsOfWindowsBeyondExactDoublesAreLeftOut) {
  const auto n_for_90 = [](double z) { return judge_convergence(10, 1, 1, 0, {}, z).n_for_90; };
  EXPECT_EQ(n_for_90(3.242), 10.0);
  EXPECT_EQ(n_for_90(1.0), 106.0);              // ceil(10 * 10.51)
  EXPECT_LT(n_for_90(1.1e-7).value(), 9e15);    // 8.7e15
  EXPECT_FALSE(n_for_90(1.07e-7).has_value());  // 9.2e15
  EXPECT_FALSE(n_for_90(1e-300).has_value());
}

}  // namespace
}  // namespace rg::stats
