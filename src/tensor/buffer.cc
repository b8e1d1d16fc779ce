#include "tensor/buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace rg {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kWorthHugePages = 2 * kHugePage;

}  // namespace

void* allocate_aligned(size_t bytes) {
  const size_t alignment = bytes >= kWorthHugePages ? kHugePage : kCacheLine;
  const size_t rounded = std::max(alignment, (bytes + alignment - 1) / alignment * alignment);
  void* memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);  // a hint; may fail
  return memory;
}

}  // namespace rg
