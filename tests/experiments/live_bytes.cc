// A file of its own: where operator delete is inlined next to operator new, GCC takes them for a
// mismatched pair.
#include "experiments/live_bytes.h"

#include "support/counted_memory.h"

namespace rg::experiments::testing {

size_t live_bytes() { return test::CountedMemory::live; }

}  // namespace rg::experiments::testing
