#ifdef _OPENMP
#include "base/parallel.h"

#include <omp.h>

#include <atomic>
#include <exception>
#include <mutex>

namespace rg {

void parallel_for(size_t items, int threads, const std::function<void(size_t, int)>& body) {
  std::atomic<size_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
#pragma omp parallel num_threads(threads)
  {
    // A team of one doesn't count as parallel: without this a product called on it would take all
    // processors, and with AVX2 its bits would differ. Ends with the region.
    omp_set_num_threads(1);
    const int worker = omp_get_thread_num();
    for (size_t item = next++; item < items; item = next++) {
      try {
        body(item, worker);
      } catch (...) {
        next = items;
        const std::scoped_lock lock(failure_mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void keep_products_on_this_thread() { omp_set_num_threads(1); }

}  // namespace rg
#endif
