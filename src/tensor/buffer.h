// Owned, aligned, uninitialised memory: allocated once, reused, never grown. Large buffers use huge
// pages if the system grants them: first touch and random access are much faster.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

namespace rg {

// At least 64-byte aligned, to be freed by std::free; std::bad_alloc if there is none.
void* allocate_aligned(size_t bytes);

template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t count) : count_(count) {
    data_.reset(static_cast<T*>(allocate_aligned(count * sizeof(T))));
  }

  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  size_t size() const noexcept { return count_; }
  size_t bytes() const noexcept { return count_ * sizeof(T); }
  std::span<T> span() noexcept { return {data(), count_}; }
  std::span<const T> span() const noexcept { return {data(), count_}; }
  T& operator[](size_t i) noexcept { return data_[i]; }
  const T& operator[](size_t i) const noexcept { return data_[i]; }

 private:
  struct Free {
    void operator()(T* pointer) const noexcept { std::free(pointer); }
  };
  std::unique_ptr<T[], Free> data_;
  size_t count_ = 0;
};

}  // namespace rg
