#include "base/parallel.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "base/float_mode.h"
#include "support/caught.h"
#include "support/refused_calls.h"

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

#ifdef _OPENMP
// libgomp itself would end the program with code 1, that of a failed claim.
TEST(ParallelFor, ThreadsThatCannotStartAreAnError) {
  const int code = test::in_child([] {
    // As where `ulimit -u` is reached.
    if (!test::refuse_call(SYS_clone3, EAGAIN) || !test::refuse_call(SYS_clone, EAGAIN)) return 3;
    try {
      parallel_for(10, 64, [](size_t, int) {});  // more than any test before
    } catch (const std::system_error& error) {
      return error.code() == std::errc::resource_unavailable_try_again ? 42 : 2;
    }
    return 1;
  });
  EXPECT_EQ(code, 42);
}
#endif

TEST(ParallelFor, TeamsOfChangingSizes) {
  for (const int threads : {2, 5, 3, 1, 8, 2}) {
    std::atomic<int> runs{0};
    parallel_for(100, threads, [&](size_t, int) { ++runs; });
    EXPECT_EQ(runs, 100);
  }
}

#if defined(__SSE__)
// As a library built with -ffast-math leaves it.
TEST(ParallelFor, RefusesToWorkWithoutDenormals) {
  EXPECT_TRUE(keeps_denormals());
  parallel_for(4, 2, [](size_t, int) {});  // a thread inherits the mode of who starts it
  const unsigned before = _mm_getcsr();
  for (const unsigned bit : {0x8000u, 0x0040u}) {
    _mm_setcsr(before | bit);
    const auto check = test::caught([] { check_float_mode(); });
    const auto region = test::caught([] { parallel_for(4, 2, [](size_t, int) {}); });
    _mm_setcsr(before);
    EXPECT_EQ(check.id, ErrorId::RT070);
    EXPECT_EQ(region.id, ErrorId::RT070);
    EXPECT_TRUE(region.says("denormals")) << region.line;
  }
  EXPECT_FALSE(test::caught([] { parallel_for(4, 2, [](size_t, int) {}); }).id);
}
#endif

}  // namespace
}  // namespace rg
