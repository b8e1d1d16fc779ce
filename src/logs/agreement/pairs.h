// Rows of two logs that are the same token at the same place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "logs/agreement/side.h"
#include "logs/record.h"

namespace rg::logs {

struct Pairs {
  std::vector<int> layers;          // of both logs, ascending
  std::vector<uint32_t> a, b;       // (pairs) rows of either log
  std::vector<uint32_t> first;      // pairs of sequence s: first[s] to first[s + 1] - 1
  std::vector<int32_t> position;    // (pairs) ascending within a sequence
  uint64_t only_a = 0, only_b = 0;  // rows without a partner
  std::vector<std::string> notes = {};

  size_t count() const noexcept { return a.size(); }
  size_t sequences() const noexcept { return first.size() - 1; }
};

// Sequences are paired by number, or, where both logs have token ids and these differ then, by
// equal token ids. Rows are paired by position; their token ids must be equal. Where one of the
// logs has none, every sequence must have as many rows in both. LG008 with both values otherwise,
// and for different numbers of experts or no common layer.
Pairs align(const Side& a, const Side& b);

}  // namespace rg::logs
