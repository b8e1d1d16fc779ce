// The one source of randomness: Philox4x32-10 (Salmon et al. 2011, through Random123), counter
// based, so that every draw is a pure function of (seed, what it is for) and never of the order
// in which threads ask. Key = (low, high 32 bits of the seed); counter = (i, j, layer,
// purpose + 2^16 * attempt); the first output word is used.
#pragma once

#include <cstdint>
#include <vector>

namespace rg {

enum class Purpose : uint32_t {
  bootstrap = 1,          // i = draw, j = replicate, layer 0
  random_expert = 2,      // i = position + 2^20 * draw, j = window
  unselected_expert = 3,  // the same, over ranks > k+1
  window_choice = 4,      // i = step of the partial Fisher-Yates shuffle, j = domain
  sampled_positions = 5,  // i = step, j = window
  audit = 6,
  convergence_subset = 7,  // i = step, j = subset
  other_update = 8,        // i = position, j = window
  token_shuffle = 9,       // i = step
  random_direction = 10,   // signs
  drawn_experts = 11,      // i = step
  theorem_check = 12,      // i, j = number of the draw, layer = hash of the entry's id
  key_positions = 13,      // i = step, j = window, layer = index of its set
  gauge = 14,              // i = entry, j = kind * 2^16 + number, layer = layer * 2^12 + head
  readout = 15,            // i = entry or step, j = number or row, layer = layer * 16 + kind
};

struct Counter {
  uint32_t i = 0;
  uint32_t j = 0;
  uint32_t layer = 0;
};

// First output word of Philox at this counter; attempt 0 unless rejected.
uint32_t draw_word(uint64_t seed, Purpose purpose, Counter counter, uint32_t attempt);

// Uniform integer in [0, n), n >= 1, by Lemire's multiply-and-reject: m = word * n (64 bit);
// rejected (attempt + 1) if the low half is below (2^32 - n) mod n; else the high half.
uint32_t draw_below(uint32_t n, uint64_t seed, Purpose purpose, Counter counter);

// `count` distinct members of 0..n-1 by a partial Fisher-Yates shuffle: step s swaps position s
// with s + draw_below(n - s, i = s). Returned in the order drawn. count <= n.
std::vector<uint32_t> draw_subset(uint32_t n, uint32_t count, uint64_t seed, Purpose purpose,
                                  uint32_t j, uint32_t layer);

}  // namespace rg
