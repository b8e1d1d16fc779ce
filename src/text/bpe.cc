#include "text/bpe.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace rg::text {
namespace {

constexpr int32_t kDead = -2;

// The work on one word; symbols are named by the place of their first byte.
class WordMerger {
 public:
  WordMerger(const MergeTable& merges, BpeScratch& scratch, uint32_t bytes)
      : merges_(merges), s_(scratch), end_(bytes) {}

  void run() {
    s_.heap.clear();
    s_.heap.reserve(end_);
    for (uint32_t at = 0; at < end_; at = s_.next[at]) {
      if (const auto candidate = candidate_at(at)) s_.heap.push_back(*candidate);
    }
    std::make_heap(s_.heap.begin(), s_.heap.end(), std::greater<>{});
    s_.heap_steps += s_.heap.size();
    while (!s_.heap.empty()) {
      std::pop_heap(s_.heap.begin(), s_.heap.end(), std::greater<>{});
      const uint64_t best = s_.heap.back();
      s_.heap.pop_back();
      ++s_.heap_steps;
      apply(static_cast<uint32_t>(best >> 32), static_cast<uint32_t>(best));
    }
  }

 private:
  std::optional<uint64_t> candidate_at(uint32_t left) const {
    const uint32_t right = s_.next[left];
    if (right == end_) return std::nullopt;
    const uint32_t rank = merges_.rank(s_.ids[left], s_.ids[right]);
    if (rank == MergeTable::kNone) return std::nullopt;
    return uint64_t{rank} << 32 | left;
  }

  void propose(uint32_t left) {
    const auto candidate = candidate_at(left);
    if (!candidate) return;
    s_.heap.push_back(*candidate);
    std::push_heap(s_.heap.begin(), s_.heap.end(), std::greater<>{});
    ++s_.heap_steps;
  }

  // A candidate is stale when either of its symbols has changed since it was proposed.
  void apply(uint32_t rank, uint32_t left) {
    const Merge& merge = merges_[rank];
    if (s_.ids[left] != merge.left) return;
    const uint32_t right = s_.next[left];
    if (right == end_ || s_.ids[right] != merge.right) return;
    const uint32_t after = s_.next[right];
    s_.ids[left] = merge.result;
    s_.ids[right] = kDead;
    s_.next[left] = after;
    if (after != end_) s_.previous[after] = left;
    propose(left);
    if (left != 0) propose(s_.previous[left]);
  }

  const MergeTable& merges_;
  BpeScratch& s_;
  const uint32_t end_;
};

// One symbol per byte; unknown bytes become the unknown id, a run of them one symbol if fused.
void split_into_symbols(const BytePairModel& model, std::string_view word, BpeScratch& s) {
  const auto bytes = static_cast<uint32_t>(word.size());
  s.ids.resize(bytes);
  s.next.resize(bytes);
  s.previous.resize(bytes);
  bool last_unknown = false;
  uint32_t last = 0;
  for (uint32_t at = 0; at < bytes; ++at) {
    const int32_t id = model.byte_ids[static_cast<uint8_t>(word[at])];
    const bool unknown = id == BytePairModel::kNoId;
    if (unknown && last_unknown && model.fuse_unknown) {
      s.ids[at] = kDead;
      s.next[last] = at + 1;
      continue;
    }
    s.ids[at] = unknown ? model.unknown_id : id;
    s.next[at] = at + 1;
    s.previous[at] = last;
    last = at;
    last_unknown = unknown;
  }
}

}  // namespace

MergeTable::MergeTable(std::vector<Merge> merges, size_t ids)
    : merges_(std::move(merges)),
      first_(ids + 1, 0),
      rights_(merges_.size()),
      ranks_(merges_.size()) {
  for (const Merge& merge : merges_) ++first_[static_cast<size_t>(merge.left) + 1];
  for (size_t id = 0; id < ids; ++id) first_[id + 1] += first_[id];
  for (uint32_t rank = 0; rank < merges_.size(); ++rank) ranks_[rank] = rank;
  std::sort(ranks_.begin(), ranks_.end(), [&](uint32_t a, uint32_t b) {
    const Merge &x = merges_[a], &y = merges_[b];
    return std::tie(x.left, x.right, a) < std::tie(y.left, y.right, b);
  });
  for (size_t i = 0; i < ranks_.size(); ++i) rights_[i] = merges_[ranks_[i]].right;
}

std::optional<uint32_t> MergeTable::duplicate() const {
  for (size_t i = 1; i < ranks_.size(); ++i) {
    const Merge &before = merges_[ranks_[i - 1]], &here = merges_[ranks_[i]];
    if (before.left == here.left && before.right == here.right) return ranks_[i];
  }
  return std::nullopt;
}

uint32_t MergeTable::rank(int32_t left, int32_t right) const noexcept {
  const auto begin = rights_.begin() + first_[static_cast<size_t>(left)];
  const auto end = rights_.begin() + first_[static_cast<size_t>(left) + 1];
  const auto found = std::lower_bound(begin, end, right);
  if (found == end || *found != right) return kNone;
  return ranks_[static_cast<size_t>(found - rights_.begin())];
}

void BytePairModel::encode(std::string_view word, BpeScratch& s, BpeOutput& output) const {
  if (const auto whole = whole_words.find(word); whole != whole_words.end()) {
    output.ids.push_back(whole->second);
    output.lengths.push_back(static_cast<uint32_t>(word.size()));
    return;
  }
  const auto bytes = static_cast<uint32_t>(word.size());
  split_into_symbols(*this, word, s);
  WordMerger(merges, s, bytes).run();
  for (uint32_t at = 0; at < bytes; at = s.next[at]) {
    output.ids.push_back(s.ids[at]);
    output.lengths.push_back(s.next[at] - at);
  }
}

}  // namespace rg::text
