#include "stream/expert_schedule.h"

#include <algorithm>
#include <thread>

namespace rg::stream {

ExpertSchedule::ExpertSchedule(uint32_t experts, uint32_t top_k, uint32_t ranks,
                               std::span<const int32_t> ranked, std::span<const float> weights,
                               std::span<const OutputWish> wishes)
    : begin_(experts + 1, 0) {
  const size_t rows = ranked.size() / ranks;
  const auto routed_of = [&](size_t row) { return ranked.subspan(row * ranks, top_k); };
  const auto is_routed = [&](const OutputWish& wish) {
    const auto routed = routed_of(wish.row);
    return std::find(routed.begin(), routed.end(), wish.expert) != routed.end();
  };

  for (size_t row = 0; row < rows; ++row) {
    for (const int32_t expert : routed_of(row)) ++begin_[static_cast<size_t>(expert) + 1];
  }
  for (const OutputWish& wish : wishes) {
    if (!is_routed(wish)) ++begin_[static_cast<size_t>(wish.expert) + 1];
  }
  for (size_t e = 0; e < experts; ++e) begin_[e + 1] += begin_[e];
  assignments_.resize(begin_.back());
  routed_ = rows * top_k;

  std::vector<uint64_t> next(begin_.begin(), begin_.end() - 1);
  std::vector<uint64_t> place(routed_);  // of (row, rank) in assignments_
  for (size_t row = 0; row < rows; ++row) {
    const auto routed = routed_of(row);
    const int32_t lowest = *std::min_element(routed.begin(), routed.end());
    for (size_t rank = 0; rank < top_k; ++rank) {
      const int32_t expert = routed[rank];
      const uint64_t at = next[static_cast<size_t>(expert)]++;
      place[row * top_k + rank] = at;
      assignments_[at] = {.row = static_cast<uint32_t>(row),
                          .slot = -1,
                          .weight = weights[row * top_k + rank],
                          .added = true,
                          .first = expert == lowest};
    }
  }
  for (const OutputWish& wish : wishes) {
    const auto routed = routed_of(wish.row);
    const auto found = std::find(routed.begin(), routed.end(), wish.expert);
    if (found != routed.end()) {
      const auto rank = static_cast<size_t>(found - routed.begin());
      assignments_[place[wish.row * size_t{top_k} + rank]].slot = wish.slot;
    } else {
      assignments_[next[static_cast<size_t>(wish.expert)]++] = {
          .row = wish.row, .slot = wish.slot, .weight = 0.0f, .added = false, .first = false};
    }
  }
}

AscendingCommit::AscendingCommit(const std::vector<uint32_t>& tiles_of_expert)
    : left_(std::make_unique<std::atomic<uint32_t>[]>(tiles_of_expert.size())),
      experts_(static_cast<uint32_t>(tiles_of_expert.size())) {
  for (uint32_t e = 0; e < experts_; ++e) left_[e] = tiles_of_expert[e];
  advance();
}

bool AscendingCommit::wait_for_turn(uint32_t expert) const noexcept {
  while (frontier_ < expert) {
    if (aborted_) return false;
    std::this_thread::yield();
  }
  return true;
}

void AscendingCommit::done(uint32_t expert) noexcept {
  if (--left_[expert] == 0) advance();
}

void AscendingCommit::advance() noexcept {
  uint32_t at = frontier_;
  while (at < experts_ && left_[at] == 0) {
    if (frontier_.compare_exchange_weak(at, at + 1)) ++at;
  }
}

}  // namespace rg::stream
