#ifdef _OPENMP
#include "base/parallel.h"

#include <omp.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/float_mode.h"

namespace rg {
namespace {

// libgomp exits with code 1 when it can't start a thread. So the additional threads of a region of
// this size are started here first, all at once; a failure is a std::system_error. libgomp keeps
// the threads of the calling thread's last region, so a series of regions of one size is probed
// once. The stacks stay cached for libgomp's own threads.
void check_that_threads_start(int threads) {
  thread_local int kept = 1;
  if (threads > kept) {
    std::atomic<bool> over{false};
    std::vector<std::jthread> probes;
    struct End {
      std::atomic<bool>& over;
      ~End() {
        over = true;
        over.notify_all();
      }
    } end{over};  // before the probes are joined, also if one of them did not start
    probes.reserve(static_cast<size_t>(threads - kept));
    for (int probe = kept; probe < threads; ++probe) {
      probes.emplace_back([&over] { over.wait(false); });
    }
  }
  if (threads > 1) kept = threads;
}

}  // namespace

void parallel_for(size_t items, int threads, const std::function<void(size_t, int)>& body) {
  check_that_threads_start(threads);
  std::atomic<size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
#pragma omp parallel num_threads(threads)
  {
    // OpenMP doesn't count a team of one as parallel: without this a product called on it would use
    // all processors, and with AVX2 its bits would differ. Ends with the region.
    omp_set_num_threads(1);
    const int worker = omp_get_thread_num();
    const auto guarded = [&](const auto& work) {
      try {
        work();
      } catch (...) {
        next = items;
        const std::scoped_lock lock(failure_mutex);
        if (!failure) failure = std::current_exception();
      }
    };
    guarded([] { check_float_mode(); });
    for (size_t item = next++; item < items; item = next++) guarded([&] { body(item, worker); });
  }
  if (failure) std::rethrow_exception(failure);
}

void keep_products_on_this_thread() { omp_set_num_threads(1); }

}  // namespace rg
#endif
