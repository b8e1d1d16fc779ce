#include "base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace rg {
namespace {

TEST(ParallelFor, RunsEveryItemOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    std::vector<std::atomic<int>> runs(1000);
    parallel_for(runs.size(), threads, [&](size_t item, int worker) {
      EXPECT_GE(worker, 0);
      EXPECT_LT(worker, threads);
      ++runs[item];
    });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST(ParallelFor, OneThreadGoesInOrder) {
  std::vector<size_t> order;
  parallel_for(100, 1, [&](size_t item, int) { order.push_back(item); });
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
  EXPECT_EQ(order.size(), 100u);
}

TEST(ParallelFor, EachWorkerSeesItsItemsAscending) {
  std::mutex mutex;
  std::vector<std::vector<size_t>> seen(4);
  parallel_for(500, 4, [&](size_t item, int worker) {
    const std::scoped_lock lock(mutex);
    seen[static_cast<size_t>(worker)].push_back(item);
  });
  for (const auto& items : seen) EXPECT_TRUE(std::is_sorted(items.begin(), items.end()));
}

TEST(ParallelFor, NothingToDo) {
  parallel_for(0, 3, [](size_t, int) { FAIL(); });
}

TEST(ParallelFor, RethrowsAndSkipsTheRest) {
  for (const int threads : {1, 3}) {
    std::atomic<size_t> started{0};
    try {
      parallel_for(10'000, threads, [&](size_t item, int) {
        ++started;
        if (item == 5) throw std::runtime_error("item 5");
      });
      FAIL() << "nothing thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "item 5");
    }
    EXPECT_LT(started, 10'000u);
    EXPECT_GE(started, 6u);
  }
}

}  // namespace
}  // namespace rg
