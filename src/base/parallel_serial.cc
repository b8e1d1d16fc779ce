// The parsers-only build (fuzzers) has no OpenMP: the same contract on one thread.
#ifndef _OPENMP
#include "base/float_mode.h"
#include "base/parallel.h"

namespace rg {

void parallel_for(size_t items, int, const std::function<void(size_t, int)>& body) {
  check_float_mode();
  for (size_t item = 0; item < items; ++item) body(item, 0);
}

void keep_products_on_this_thread() {}

}  // namespace rg
#endif
