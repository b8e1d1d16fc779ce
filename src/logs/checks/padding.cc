// L9: padding tokens at the ends of sequences, recorded as expert 0 or as experts 0..k-1.
#include <fmt/format.h>

#include <algorithm>

#include "logs/checks/all.h"

namespace rg::logs {
namespace {

bool counts_up(std::span<const int32_t> ids) noexcept {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] != static_cast<int32_t>(i)) return false;
  }
  return true;
}

// In every layer that has the row.
bool is_padding(const Record& record, uint32_t row, bool zeros) {
  bool any = false;
  for (const LayerLog& log : record.layers) {
    const std::span<const int32_t> ids = record.ids(log, row);
    if (!recorded(ids)) continue;
    any = true;
    if (zeros ? !all_zero(ids) : !counts_up(ids)) return false;
  }
  return any;
}

// Chance of such a row from the layers' expert counts, which include it: an upper bound.
double chance_of(const CheckInput& input, bool zeros, uint64_t padding_rows) {
  const Record& record = input.record;
  if (zeros && record.k > 1) return 0;  // no router chooses an expert twice
  double chance = 1;
  for (size_t at = 0; at < record.layers.size(); ++at) {
    const std::vector<uint64_t>& counts = input.census.counts[at];
    const double rows =
        static_cast<double>(input.census.rows[at]) - static_cast<double>(padding_rows);
    if (rows <= 0) continue;
    for (uint32_t i = 0; i < record.k; ++i) {
      const double count = i < counts.size() ? static_cast<double>(counts[i]) : 0.0;
      const double others = std::max(count - static_cast<double>(padding_rows), 0.0);
      // Of the k places any order has the same experts; the writer's order is one of them.
      chance *= std::min(1.0, (others + 1) / (rows + 1));
    }
  }
  return chance;
}

}  // namespace

std::vector<uint32_t> padding_rows(const CheckInput& input, bool zeros) {
  const Record& record = input.record;
  std::vector<uint32_t> found;
  const SequenceRows groups = rows_by_sequence(record);
  for (size_t s = 0; s + 1 < groups.first.size(); ++s) {
    const auto rows =
        std::span(groups.order).subspan(groups.first[s], groups.first[s + 1] - groups.first[s]);
    size_t head = 0, tail = 0;
    while (head < rows.size() && is_padding(record, rows[head], zeros)) ++head;
    while (tail < rows.size() - head && is_padding(record, rows[rows.size() - 1 - tail], zeros)) {
      ++tail;
    }
    found.insert(found.end(), rows.begin(), rows.begin() + static_cast<ptrdiff_t>(head));
    found.insert(found.end(), rows.end() - static_cast<ptrdiff_t>(tail), rows.end());
  }
  std::sort(found.begin(), found.end());
  const double expected = chance_of(input, zeros, found.size()) * static_cast<double>(record.rows);
  constexpr size_t kFewest = 2;
  if (found.size() < kFewest || found.size() == record.rows ||
      static_cast<double>(found.size()) <= input.thresholds.padding_factor * expected) {
    found.clear();
  }
  return found;
}

CheckResult check_padding(const CheckInput& input) {
  CheckResult result;
  for (const bool zeros : {true, false}) {
    const std::vector<uint32_t> rows = padding_rows(input, zeros);
    if (rows.empty() || (!zeros && input.record.k == 1)) continue;
    const double expected = chance_of(input, zeros, rows.size()) * input.record.rows;
    Finding finding;
    finding.rows = ranges_of(rows);
    finding.removable = true;
    finding.found = fmt::format(
        "{} rows at ends of sequences are {} at every layer, where {:.2g} "
        "are expected",
        rows.size(),
        zeros ? std::string("expert 0")
              : fmt::format("experts 0 to {}, in order", input.record.k - 1),
        expected);
    finding.evidence = {
        {"rows", rows.size()}, {"expected", expected}, {"pattern", zeros ? "zeros" : "ascending"}};
    finding.consequence =
        "The first experts get loads of tokens that don't exist: entropy too low, overlap of "
        "neighbours too high.";
    finding.repair = "Leave the rows out.";
    result.findings.push_back(std::move(finding));
  }
  return result;
}

}  // namespace rg::logs
