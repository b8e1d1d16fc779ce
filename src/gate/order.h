// The total order that every ranking of the gate follows: score descending, index ascending;
// -0 equals +0, NaN comes last. A score and its index become one integer, so no comparison ends in
// a tie or depends on the processor's denormal mode.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace rg::gate {

// Larger key: ranks earlier. NaN gives 0, below -inf.
inline uint64_t order_key(float score, uint32_t index) noexcept {
  constexpr uint32_t kSign = 0x80000000u, kInfinity = 0x7f800000u;
  uint32_t bits = std::bit_cast<uint32_t>(score);
  if (bits == kSign) bits = 0;
  uint32_t ascending = (bits & kSign) != 0 ? ~bits : bits | kSign;
  if ((bits & ~kSign) > kInfinity) ascending = 0;
  return uint64_t{ascending} << 32 | (0xffffffffu - index);
}

inline uint32_t key_index(uint64_t key) noexcept {
  return 0xffffffffu - static_cast<uint32_t>(key & 0xffffffffu);
}

// The `room` largest keys offered so far, in descending order, in the caller's memory.
class TopKeys {
 public:
  TopKeys(uint64_t* keys, size_t room) noexcept : keys_(keys), room_(room) {}

  void offer(uint64_t key) noexcept {
    if (kept_ == room_) {
      if (room_ == 0 || key < keys_[room_ - 1]) return;
    } else {
      ++kept_;
    }
    size_t at = kept_ - 1;
    for (; at > 0 && keys_[at - 1] < key; --at) keys_[at] = keys_[at - 1];
    keys_[at] = key;
  }

  size_t kept() const noexcept { return kept_; }
  uint32_t index(size_t rank) const noexcept { return key_index(keys_[rank]); }

 private:
  uint64_t* keys_;
  size_t room_;
  size_t kept_ = 0;
};

}  // namespace rg::gate
