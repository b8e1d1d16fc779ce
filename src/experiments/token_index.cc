#include "experiments/token_index.h"

#include <algorithm>

namespace rg::experiments {

TokenIndex::TokenIndex(const tap::SequenceSet& set) : ids_(set.ids) {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  ids_.shrink_to_fit();  // it held every row's
  occurrences_.assign(ids_.size(), 0);
  of_row_.reserve(set.ids.size());
  for (const int32_t id : set.ids) {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    of_row_.push_back(static_cast<uint32_t>(at - ids_.begin()));
    ++occurrences_[of_row_.back()];
  }
}

}  // namespace rg::experiments
