#include "base/random.h"

#include <Random123/philox.h>

#include <numeric>
#include <utility>

namespace rg {

uint32_t draw_word(uint64_t seed, Purpose purpose, Counter counter, uint32_t attempt) {
  using Philox = r123::Philox4x32_R<10>;
  const Philox::key_type key = {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}};
  const uint32_t last = static_cast<uint32_t>(purpose) + (attempt << 16);
  const Philox::ctr_type at = {{counter.i, counter.j, counter.layer, last}};
  return Philox()(at, key)[0];
}

uint32_t draw_below(uint32_t n, uint64_t seed, Purpose purpose, Counter counter) {
  const uint32_t reject_below = (0u - n) % n;  // (2^32 - n) mod n
  for (uint32_t attempt = 0;; ++attempt) {
    const uint64_t m = uint64_t{draw_word(seed, purpose, counter, attempt)} * n;
    if (static_cast<uint32_t>(m) >= reject_below) return static_cast<uint32_t>(m >> 32);
  }
}

std::vector<uint32_t> draw_subset(uint32_t n, uint32_t count, uint64_t seed, Purpose purpose,
                                  uint32_t j, uint32_t layer) {
  std::vector<uint32_t> members(n);
  std::iota(members.begin(), members.end(), 0u);
  for (uint32_t step = 0; step < count; ++step) {
    const uint32_t offset = draw_below(n - step, seed, purpose, {step, j, layer});
    std::swap(members[step], members[step + offset]);
  }
  members.resize(count);
  return members;
}

}  // namespace rg
