// The rows that each expert of a layer computes, one batch per expert: those routed to it and those
// that an experiment asked for. Also the order in which tiles add to the tokens' sums: ascending
// expert id, whatever the threads do.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace rg::stream {

// One row of one expert's batch.
struct Assignment {
  uint32_t row;  // of the run
  int32_t slot;  // where an experiment wants the unweighted output; -1: nowhere
  float weight;  // of the combination; meaningless unless added
  bool added;    // to the row's sum; else computed for an experiment only
  bool first;    // the first expert of the row: it sets the sum that the others add to
};

// A request of an experiment: keep the output of `expert` for `row` in `slot`.
struct OutputWish {
  uint32_t row;
  int32_t expert;
  int32_t slot;
};

class ExpertSchedule {
 public:
  // ranked (rows, ranks) with the first k of each row routed; weights (rows,k).
  ExpertSchedule(uint32_t experts, uint32_t top_k, uint32_t ranks, std::span<const int32_t> ranked,
                 std::span<const float> weights, std::span<const OutputWish> wishes);

  std::span<const Assignment> of(uint32_t expert) const {
    return std::span(assignments_).subspan(begin_[expert], begin_[expert + 1] - begin_[expert]);
  }
  // At most `count` rows of an expert's batch.
  std::span<const Assignment> tile(uint32_t expert, size_t first, size_t count) const {
    const auto batch = of(expert);
    return batch.subspan(first, std::min(count, batch.size() - first));
  }
  uint64_t routed() const { return routed_; }
  uint64_t extra() const { return assignments_.size() - routed_; }

 private:
  std::vector<uint64_t> begin_;  // (experts + 1)
  std::vector<Assignment> assignments_;
  uint64_t routed_ = 0;
};

// Tiles are handed out expert by expert. A thread computes its tile freely and waits here, before
// it adds to the sums, until every tile of every lower expert has added. The lowest unfinished
// tile never waits, so there is no deadlock.
class AscendingCommit {
 public:
  explicit AscendingCommit(const std::vector<uint32_t>& tiles_of_expert);
  // False if the run was aborted meanwhile.
  bool wait_for_turn(uint32_t expert) const noexcept;
  void done(uint32_t expert) noexcept;
  void abort() noexcept { aborted_ = true; }

 private:
  void advance() noexcept;
  std::unique_ptr<std::atomic<uint32_t>[]> left_;  // tiles not yet added, by expert
  uint32_t experts_;
  std::atomic<uint32_t> frontier_{0};  // every expert below has added all of its tiles
  std::atomic<bool> aborted_{false};
};

}  // namespace rg::stream
