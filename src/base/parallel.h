// Work over threads: items are handed out in ascending order; each runs on one thread.
#pragma once

#include <cstddef>
#include <functional>

namespace rg {

// Calls body(item, worker) for every item in [0, items), worker in [0, threads). Items are taken
// in ascending order, one at a time. The first exception is rethrown after all workers stopped;
// items not yet started are then skipped. Inside, oneDNN products run on the calling thread.
// std::system_error, before the first item, if that many threads can't be started; RT070 if a
// worker flushes denormals.
void parallel_for(size_t items, int threads, const std::function<void(size_t, int)>& body);

// For a thread started elsewhere (read-ahead): products and reorders called on it stay on it.
void keep_products_on_this_thread();

}  // namespace rg
