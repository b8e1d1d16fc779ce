// L6: rows of a start-up, profiling or warm-up pass, which engines run on one dummy token: a run of
// identical rows that is too long for the log's own share of equal neighbours.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "logs/checks/all.h"

namespace rg::logs {
namespace {

struct Run {
  uint32_t first, rows;
  double limit;  // rows that it would need to have at most
};

// For each row, whether all layers choose as for the row before.
std::vector<uint8_t> equal_to_before(const CheckInput& input) {
  const Record& record = input.record;
  constexpr size_t kPiece = 1 << 16;
  std::vector<uint8_t> equal(record.rows, 0);
  parallel_for((record.rows + kPiece - 1) / kPiece, input.threads, [&](size_t piece, int) {
    const uint32_t begin = static_cast<uint32_t>(std::max<size_t>(piece * kPiece, 1));
    const uint32_t end = static_cast<uint32_t>(std::min<size_t>((piece + 1) * kPiece, record.rows));
    for (uint32_t row = begin; row < end; ++row) equal[row] = 1;
    for (const LayerLog& log : record.layers) {
      for (uint32_t row = begin; row < end; ++row) {
        if (equal[row] == 0) continue;
        const int32_t* ids = log.ids.data() + size_t{row} * record.k;
        equal[row] = std::equal(ids, ids + record.k, ids - record.k) ? 1 : 0;
      }
    }
    for (uint32_t row = begin; row < end; ++row) {
      if (equal[row] != 0 && !recorded(record.ids(record.layers[0], row))) {
        const bool any =
            std::any_of(record.layers.begin(), record.layers.end(),
                        [&](const LayerLog& log) { return recorded(record.ids(log, row)); });
        equal[row] = any ? 1 : 0;
      }
    }
  });
  return equal;
}

// The runs that are too long, longest first. `equal[row]`: as the row before.
std::vector<Run> long_runs(const std::vector<uint8_t>& equal, const Thresholds& thresholds) {
  std::vector<Run> runs;
  uint64_t equal_pairs = 0;
  for (uint32_t row = 1; row < equal.size(); ++row) {
    if (equal[row] == 0) continue;
    if (equal[row - 1] == 0 || row == 1) runs.push_back({row - 1, 1, 0});
    ++runs.back().rows;
    ++equal_pairs;
  }
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.rows > b.rows; });
  uint64_t pairs = equal.size() < 2 ? 0 : equal.size() - 1;
  const double chance = std::log(thresholds.run_chance / static_cast<double>(equal.size()));
  std::vector<Run> found;
  for (Run& run : runs) {
    pairs -= run.rows - 1;
    equal_pairs -= run.rows - 1;
    const double share =
        pairs == 0 ? 0 : static_cast<double>(equal_pairs) / static_cast<double>(pairs);
    // Repetition in text comes in runs ("======"), so the share alone would allow too little: on
    // 100,000 tokens of code the longest natural run has 7 rows at one layer, 4 at eight.
    run.limit =
        std::max(chance / std::log(std::max(share, thresholds.run_floor)), thresholds.run_rows);
    if (!(static_cast<double>(run.rows) > run.limit)) break;
    found.push_back(run);
  }
  return found;
}

std::string_view place_of(const std::vector<RowRange>& rows, uint32_t all) {
  if (rows.front().first == 0) return "at the start";
  return rows.back().last + 1 == all ? "at the end" : "inside";
}

Finding finding_of(const std::vector<Run>& runs, uint32_t rows, std::string_view what) {
  Finding finding;
  std::vector<RowRange> ranges;
  for (const Run& run : runs) ranges.push_back({run.first, run.first + run.rows - 1});
  finding.rows = merged(std::move(ranges), {});
  finding.severity = Severity::suspect;
  for (const Run& run : runs) {
    // Twice the limit: no accident of repetitive text.
    if (static_cast<double>(run.rows) > 2 * run.limit) finding.severity = Severity::fault;
  }
  const uint64_t count = count_rows(finding.rows);
  const double share = static_cast<double>(count) / rows;
  finding.removable = count < rows;
  finding.found = fmt::format(
      "{} rows ({:.1f} %) {} in {} {}, the longest of {} (at most {:.1f} "
      "by the log's own repetition)",
      count, 100 * share, place_of(finding.rows, rows),
      finding.rows.size() == 1 ? "a run of" : "runs of", what, runs.front().rows,
      runs.front().limit);
  finding.evidence = {{"rows", count},
                      {"share", share},
                      {"runs", runs.size()},
                      {"longest", runs.front().rows},
                      {"limit", runs.front().limit},
                      {"first_row", finding.rows.front().first},
                      {"place", place_of(finding.rows, rows)}};
  finding.consequence =
      "One token's experts get the loads of them all: entropy too low, the busiest expert and the "
      "overlap of neighbours too high.";
  finding.repair = "Leave the rows out, or start recording after the engine is warm.";
  return finding;
}

}  // namespace

CheckResult check_start_up(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  // Padding repeats itself too, and has a check of its own (L9).
  std::vector<uint32_t> padding = padding_rows(input, true);
  const std::vector<uint32_t> more = padding_rows(input, false);
  padding.insert(padding.end(), more.begin(), more.end());
  std::vector<uint8_t> same = equal_to_before(input);
  for (const uint32_t row : padding) same[row] = 0;
  const std::vector<Run> runs = long_runs(same, input.thresholds);
  if (!runs.empty()) {
    result.findings.push_back(finding_of(runs, record.rows, "identical rows"));
    return result;
  }
  if (record.tokens.empty()) return result;
  std::vector<uint8_t> equal(record.rows, 0);
  for (size_t row = 1; row < equal.size(); ++row) {
    equal[row] = record.tokens[row] == record.tokens[row - 1] ? 1 : 0;
  }
  for (const uint32_t row : padding) equal[row] = 0;
  const std::vector<Run> token_runs = long_runs(equal, input.thresholds);
  if (!token_runs.empty()) {
    result.findings.push_back(finding_of(token_runs, record.rows, "one token id"));
  }
  return result;
}

}  // namespace rg::logs
