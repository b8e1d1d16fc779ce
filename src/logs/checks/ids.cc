// L1 and L2: what no choice of a router can be.
#include <fmt/format.h>

#include <algorithm>

#include "base/parallel.h"
#include "logs/checks/all.h"

namespace rg::logs {
namespace {

// Rows with something wrong, per place of a layer.
using RowsByLayer = std::vector<std::vector<uint32_t>>;

// The layers concerned and the union of their rows.
void name_places(const Record& record, const RowsByLayer& rows, Finding& finding) {
  std::vector<uint32_t> all;
  for (size_t at = 0; at < rows.size(); ++at) {
    if (rows[at].empty()) continue;
    finding.layers.push_back(record.layers[at].layer);
    std::vector<uint32_t> both;
    std::set_union(all.begin(), all.end(), rows[at].begin(), rows[at].end(),
                   std::back_inserter(both));
    all = std::move(both);
  }
  finding.rows = ranges_of(all);
  finding.removable = count_rows(finding.rows) < record.rows;
}

bool has_twice(std::span<const int32_t> ids) noexcept {
  for (size_t i = 1; i < ids.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (ids[i] == ids[j]) return true;
    }
  }
  return false;
}

}  // namespace

CheckResult check_id_range(const CheckInput& input) {
  const Record& record = input.record;
  const uint32_t experts = input.census.experts_known ? input.census.experts : 1u << 20;
  RowsByLayer rows(record.layers.size());
  std::vector<int32_t> least(rows.size(), 0), most(rows.size(), 0);
  parallel_for(rows.size(), input.threads, [&](size_t at, int) {
    const LayerLog& log = record.layers[at];
    for (uint32_t row = 0; row < record.rows; ++row) {
      const std::span<const int32_t> ids = record.ids(log, row);
      bool outside = false;
      for (const int32_t id : ids) outside |= static_cast<uint32_t>(id) >= experts;
      if (!outside || !recorded(ids)) continue;
      rows[at].push_back(row);
      const auto [low, high] = std::minmax_element(ids.begin(), ids.end());
      least[at] = std::min(least[at], *low);
      most[at] = std::max(most[at], *high);
    }
  });
  CheckResult result;
  Finding finding;
  name_places(record, rows, finding);
  if (finding.rows.empty()) {
    if (!input.census.experts_known) {
      result.notes.push_back("The number of experts isn't known: ids are bounded below only.");
    }
    return result;
  }
  const int32_t smallest = *std::min_element(least.begin(), least.end());
  const int32_t largest = *std::max_element(most.begin(), most.end());
  const auto stored = record.stated.find("ids_storage");
  const bool wrapped = smallest < kAbsent && stored != record.stated.end();
  finding.found = fmt::format(
      "{} rows hold ids from {} to {}{}{}", count_rows(finding.rows), smallest, largest,
      input.census.experts_known ? fmt::format(", where experts are 0 to {}", experts - 1) : "",
      wrapped ? ": ids over 127 wrapped in int8" : "");
  finding.evidence = {{"experts", nullptr}, {"smallest", smallest}, {"largest", largest}};
  if (input.census.experts_known) finding.evidence["experts"] = experts;
  finding.consequence =
      "Counts miss these choices or give them to experts that don't exist; entropy and overlap are "
      "off by their share.";
  finding.repair = wrapped ? "Add 256 to negative ids, or record ids in 16 bits."
                           : "Leave the rows out, after finding out why the writer made them.";
  result.findings.push_back(std::move(finding));
  return result;
}

CheckResult check_id_twice(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  if (record.k < 2) {
    result.not_checked = "k is 1";
    return result;
  }
  // Rows of zeros are padding (L9) or an empty layer (L11) where those checks name them.
  const bool padded = !padding_rows(input, true).empty();
  const std::vector<int> empty = empty_layers(input);
  RowsByLayer rows(record.layers.size());
  parallel_for(rows.size(), input.threads, [&](size_t at, int) {
    const LayerLog& log = record.layers[at];
    if (std::find(empty.begin(), empty.end(), log.layer) != empty.end()) return;
    for (uint32_t row = 0; row < record.rows; ++row) {
      const std::span<const int32_t> ids = record.ids(log, row);
      if (!has_twice(ids) || !recorded(ids) || (padded && all_zero(ids))) continue;
      rows[at].push_back(row);
    }
  });
  Finding finding;
  name_places(record, rows, finding);
  if (finding.rows.empty()) return result;
  const uint64_t count = count_rows(finding.rows);
  const uint32_t first = finding.rows.front().first;
  finding.found = fmt::format("{} rows choose an expert twice, the first is row {}", count, first);
  finding.evidence = {{"rows", count}, {"first_row", first}};
  finding.consequence =
      "An expert is counted twice for one token: loads are too large there, sets smaller than k, "
      "and overlap is undefined.";
  finding.repair = "Leave the rows out; a choice has k distinct experts.";
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace rg::logs
