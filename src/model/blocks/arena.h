// Buffers cut one after another from one piece of memory. Made without memory it only counts.
#pragma once

#include <cstddef>

namespace rg::model {

class Arena {
 public:
  Arena() = default;  // counts
  explicit Arena(std::byte* memory) : memory_(memory) {}

  // 64-byte aligned if the memory is. Null while counting.
  template <typename T>
  T* take(size_t count) {
    std::byte* const at = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += (count * sizeof(T) + 63) / 64 * 64;
    return reinterpret_cast<T*>(at);
  }
  size_t used() const { return used_; }

 private:
  std::byte* memory_ = nullptr;
  size_t used_ = 0;
};

}  // namespace rg::model
