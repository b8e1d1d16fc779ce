#include "logs/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "stats/information.h"

namespace rg::logs {
namespace {

constexpr double kNatsPerBit = 0.693147180559945309417;
constexpr int32_t kLargestCounted = 1 << 14;  // ids beyond are in no model, and aren't counted

uint32_t overlap_of(std::span<const int32_t> a, std::span<const int32_t> b) {
  uint32_t common = 0;
  for (const int32_t id : a) common += std::find(b.begin(), b.end(), id) != b.end() ? 1u : 0u;
  return common;
}

}  // namespace

LayerStatistics layer_statistics(const Record& record, const LayerLog& log,
                                 std::span<const RowRange> without) {
  LayerStatistics result;
  std::vector<uint64_t> counts;
  uint64_t pairs = 0, common = 0;
  size_t range = 0;
  bool before = false;  // whether the row before is one of these
  for (uint32_t row = 0; row < record.rows; ++row) {
    while (range < without.size() && without[range].last < row) ++range;
    const std::span<const int32_t> ids = record.ids(log, row);
    if ((range < without.size() && without[range].first <= row) || !recorded(ids)) {
      before = false;
      continue;
    }
    ++result.rows;
    for (const int32_t id : ids) {
      if (id < 0 || id >= kLargestCounted) continue;
      if (static_cast<size_t>(id) >= counts.size()) counts.resize(static_cast<size_t>(id) + 1, 0);
      ++counts[static_cast<size_t>(id)];
    }
    if (before && record.sequence[row] == record.sequence[row - 1]) {
      ++pairs;
      common += overlap_of(ids, record.ids(log, row - 1));
    }
    before = true;
  }
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  if (total == 0) return result;
  result.entropy = stats::entropy(counts) / kNatsPerBit;
  const size_t experts = std::max<size_t>(record.experts, counts.size());
  result.busiest = static_cast<double>(*std::max_element(counts.begin(), counts.end())) *
                   static_cast<double>(experts) / static_cast<double>(total);
  if (pairs > 0) result.overlap = static_cast<double>(common) / static_cast<double>(pairs);
  return result;
}

Census take_census(const Record& record, uint32_t model_experts, int threads) {
  Census census;
  census.experts = record.experts > 0 ? record.experts : model_experts;
  census.experts_known = census.experts > 0;
  const size_t layers = record.layers.size();
  if (!census.experts_known) {
    std::vector<int32_t> largest(layers, 0);
    parallel_for(layers, threads, [&](size_t at, int) {
      int32_t most = 0;
      for (const int32_t id : record.layers[at].ids) most = std::max(most, id);
      largest[at] = most;
    });
    for (const int32_t id : largest) {
      census.experts =
          std::max(census.experts, static_cast<uint32_t>(std::min(id, kLargestCounted - 1)) + 1);
    }
  }
  census.counts.resize(layers);
  census.rows.resize(layers);
  parallel_for(layers, threads, [&](size_t at, int) {
    const LayerLog& log = record.layers[at];
    std::vector<uint64_t> counts(std::min<size_t>(census.experts, kLargestCounted), 0);
    uint64_t rows = 0;
    for (size_t row = 0; row < record.rows; ++row) {
      const std::span<const int32_t> ids = record.ids(log, row);
      if (!recorded(ids)) continue;
      ++rows;
      for (const int32_t id : ids) {
        if (static_cast<uint32_t>(id) < counts.size()) ++counts[static_cast<uint32_t>(id)];
      }
    }
    census.counts[at] = std::move(counts);
    census.rows[at] = rows;
  });
  return census;
}

}  // namespace rg::logs
