// Counts what operator new hands out, and refuses what goes beyond a limit. It replaces the
// operators: include it in one file of a program.
#pragma once

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

namespace rg::test {

struct CountedMemory {
  static inline std::atomic<size_t> live = 0, peak = 0;  // bytes
  static inline std::atomic<size_t> limit = std::numeric_limits<size_t>::max();

  // The most that was live at once while `body` ran, beyond what was live before; std::bad_alloc
  // instead of more than `most` bytes of it.
  template <typename Body>
  static size_t peak_of(size_t most, Body&& body) {
    const size_t before = live;
    peak = before;
    limit = before + most;
    struct Unlimited {
      ~Unlimited() { limit = std::numeric_limits<size_t>::max(); }
    } unlimited;
    body();
    return peak - before;
  }
};

}  // namespace rg::test

void* operator new(size_t bytes) {
  using Memory = rg::test::CountedMemory;
  if (bytes > Memory::limit || Memory::live > Memory::limit - bytes) throw std::bad_alloc();
  void* pointer = std::malloc(bytes == 0 ? 1 : bytes);
  if (pointer == nullptr) throw std::bad_alloc();
  const size_t now = Memory::live += malloc_usable_size(pointer);
  if (now > Memory::peak) Memory::peak = now;
  return pointer;
}
void operator delete(void* pointer) noexcept {
  if (pointer != nullptr) rg::test::CountedMemory::live -= malloc_usable_size(pointer);
  std::free(pointer);
}

// Those that call them by default, but not under AddressSanitizer, which has its own.
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new[](size_t bytes) { return operator new(bytes); }
void operator delete(void* pointer, size_t) noexcept { operator delete(pointer); }
void operator delete(void* pointer, const std::nothrow_t&) noexcept { operator delete(pointer); }
void operator delete[](void* pointer) noexcept { operator delete(pointer); }
void operator delete[](void* pointer, size_t) noexcept { operator delete(pointer); }
