// L11 and L12: layers and loads that repeat each other.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "logs/checks/all.h"

namespace rg::logs {
namespace {

constexpr uint32_t kFewestRows = 16;

struct Same {
  size_t a, b;  // places
  double share;
};

double equal_share(const Record& record, const LayerLog& a, const LayerLog& b, uint32_t step) {
  uint64_t equal = 0, compared = 0;
  for (uint64_t row = 0; row < record.rows; row += step) {
    const std::span<const int32_t> left = record.ids(a, row), right = record.ids(b, row);
    if (!recorded(left) || !recorded(right)) continue;
    ++compared;
    equal += std::equal(left.begin(), left.end(), right.begin()) ? 1u : 0u;
  }
  return compared == 0 ? 0 : static_cast<double>(equal) / static_cast<double>(compared);
}

// Pairs of layers with the same ids, the empty ones left out.
std::vector<Same> same_layers(const CheckInput& input, const std::vector<int>& empty) {
  const Record& record = input.record;
  std::vector<std::vector<Same>> found(record.layers.size());
  const uint32_t step = std::max(record.rows / 1024, 1u);
  const auto is_empty = [&](size_t at) {
    return std::find(empty.begin(), empty.end(), record.layers[at].layer) != empty.end();
  };
  parallel_for(record.layers.size(), input.threads, [&](size_t a, int) {
    if (is_empty(a)) return;
    for (size_t b = a + 1; b < record.layers.size(); ++b) {
      if (is_empty(b)) continue;
      const LayerLog &left = record.layers[a], &right = record.layers[b];
      if (equal_share(record, left, right, step) < input.thresholds.same_share - 0.05) continue;
      const double share =
          step == 1 ? equal_share(record, left, right, 1) : equal_share(record, left, right, 1);
      if (share >= input.thresholds.same_share) found[a].push_back({a, b, share});
    }
  });
  std::vector<Same> all;
  for (const auto& pairs : found) all.insert(all.end(), pairs.begin(), pairs.end());
  return all;
}

}  // namespace

std::vector<int> empty_layers(const CheckInput& input) {
  const Record& record = input.record;
  std::vector<int> empty;
  for (size_t at = 0; at < record.layers.size(); ++at) {
    const LayerLog& log = record.layers[at];
    const std::vector<uint64_t>& counts = input.census.counts[at];
    const uint64_t recorded_ids = input.census.rows[at] * record.k;
    if (input.census.rows[at] < kFewestRows && record.rows >= kFewestRows) {
      if (input.census.rows[at] == 0) empty.push_back(log.layer);
      continue;
    }
    if (!counts.empty() && recorded_ids > 0 && counts[0] == recorded_ids) {
      empty.push_back(log.layer);
    }
  }
  return empty;
}

CheckResult check_layers(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  if (record.rows < kFewestRows) {
    result.not_checked = fmt::format("fewer than {} rows", kFewestRows);
    return result;
  }
  const std::vector<int> empty = empty_layers(input);
  if (!empty.empty()) {
    Finding finding;
    finding.layers = empty;
    finding.found =
        fmt::format("{}: expert 0 in every row: nothing was recorded there", layers_text(empty));
    finding.evidence = {{"layers", empty}};
    finding.consequence =
        "Entropy and overlap of these layers are no measurement, and means over "
        "layers are wrong.";
    finding.repair =
        "Layers without a gate have places of zeros in some engines: name the others "
        "by --layers, or give --model.";
    result.findings.push_back(std::move(finding));
  }
  const std::vector<Same> same = same_layers(input, empty);
  if (same.empty()) return result;
  Finding finding;
  Json pairs = Json::array();
  for (const Same& each : same) {
    const int a = record.layers[each.a].layer, b = record.layers[each.b].layer;
    finding.layers.push_back(a);
    finding.layers.push_back(b);
    pairs.push_back({{"layers", {a, b}}, {"share", each.share}});
  }
  std::sort(finding.layers.begin(), finding.layers.end());
  finding.layers.erase(std::unique(finding.layers.begin(), finding.layers.end()),
                       finding.layers.end());
  const Same& first = same.front();
  finding.found = fmt::format(
      "layers {} and {} have the same ids in {:.1f} % of rows{}", record.layers[first.a].layer,
      record.layers[first.b].layer, 100 * first.share,
      same.size() == 1 ? std::string() : fmt::format(", and {} more pairs", same.size() - 1));
  finding.evidence = {{"pairs", pairs}};
  finding.consequence =
      "One layer's routing is counted twice, another's is missing: per-layer "
      "numbers and overlap between layers are wrong.";
  finding.repair =
      "Find out which layer the rows belong to; a counter of calls was probably one "
      "off.";
  result.findings.push_back(std::move(finding));
  return result;
}

CheckResult check_loads(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  if (record.rows < input.thresholds.divisor_rows) {
    result.not_checked = fmt::format("fewer than {} rows", input.thresholds.divisor_rows);
    return result;
  }
  uint64_t divisor = 0, numbers = 0;
  bool even = true;  // all counts of a layer equal: that is L10
  for (const std::vector<uint64_t>& counts : input.census.counts) {
    uint64_t layer_count = 0;
    for (const uint64_t count : counts) {
      if (count == 0) continue;
      divisor = std::gcd(divisor, count);
      ++numbers;
      if (layer_count == 0) layer_count = count;
      even = even && count == layer_count;
    }
  }
  if (divisor <= 1 || even) return result;
  // Chance that so many numbers are all multiples of it.
  const double chance = std::pow(static_cast<double>(divisor), -static_cast<double>(numbers));
  constexpr double kLikely = 1e-6, kSure = 1e-9;
  if (chance > kLikely) return result;
  Finding finding;
  finding.severity = chance <= kSure ? Severity::fault : Severity::suspect;
  finding.found = fmt::format(
      "all {} expert counts are multiples of {}: every row is there {} "
      "times",
      numbers, divisor, divisor);
  finding.evidence = {{"divisor", divisor}, {"counts", numbers}, {"chance", chance}};
  finding.consequence = fmt::format(
      "Loads are {} times too large and tests too sure of themselves; entropy and shares stay "
      "right. Overlap of neighbours is right only if the copies don't lie next to each other.",
      divisor);
  finding.repair = "Keep one data-parallel rank's rows.";
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace rg::logs
