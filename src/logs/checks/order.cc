// L5: the columns of a row are no longer in the order of the ranking.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "base/parallel.h"
#include "logs/checks/all.h"

namespace rg::logs {
namespace {

uint64_t hash_of(std::span<const int32_t> ids) noexcept {
  uint64_t hash = 0x9e3779b97f4a7c15u;
  for (const int32_t id : ids) {
    hash = (hash ^ static_cast<uint32_t>(id)) * 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 31;
  }
  return hash;
}

// Rows whose known weights go up somewhere, beyond rounding.
std::vector<uint32_t> rising_rows(const Record& record, const LayerLog& log) {
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < record.rows; ++row) {
    if (!recorded(record.ids(log, row))) continue;
    const float* weights = log.weights.data() + size_t{row} * record.k;
    bool rising = false;
    for (uint32_t i = 1; i < record.k; ++i) {
      rising |= weights[i] > weights[i - 1] + record.weight_epsilon * std::abs(weights[i - 1]);
    }
    if (rising) rows.push_back(row);
  }
  return rows;
}

// Whether weights of this gate go down with the rank.
bool weights_follow_rank(const Record& record, const std::optional<ModelFacts>& model) {
  const auto arch = record.stated.find("arch");
  if (!model && arch != record.stated.end() && arch->second.starts_with("gemma4")) {
    return false;  // a scale per expert
  }
  return !model ||
         (!model->gate.selection_bias && !model->gate.per_expert_scale &&
          !model->gate.ids_from_table && model->gate.weigh.value != gate::Weigh::sparsemixer);
}

CheckResult by_weights(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  std::vector<std::vector<uint32_t>> rows(record.layers.size());
  parallel_for(rows.size(), input.threads, [&](size_t at, int) {
    if (!record.layers[at].weights.empty()) rows[at] = rising_rows(record, record.layers[at]);
  });
  Finding finding;
  uint64_t rising = 0, known = 0;
  for (size_t at = 0; at < rows.size(); ++at) {
    if (!record.layers[at].weights.empty()) known += input.census.rows[at];
    rising += rows[at].size();
    if (rows[at].empty()) continue;
    finding.layers.push_back(record.layers[at].layer);
    finding.rows = merged(std::move(finding.rows), ranges_of(rows[at]));
  }
  if (rising == 0) return result;
  finding.severity = input.model ? Severity::fault : Severity::suspect;
  finding.found = fmt::format(
      "weights go up within {} of {} choices: columns aren't in the order "
      "of rank{}",
      rising, known, input.model ? "" : " (or the gate adds a bias to its scores)");
  finding.evidence = {{"choices", known}, {"not_descending", rising}};
  finding.consequence =
      "Counts, entropy and overlap of sets stay right; the first choice and "
      "whatever looks at the k-th are wrong.";
  finding.repair = "Sort each row by its weights.";
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace

SortedIds sorted_ids(const CheckInput& input, const LayerLog& log) {
  const Record& record = input.record;
  SortedIds result;
  constexpr size_t kEnough = 4096;  // distinct rows: beyond, chance is nothing
  std::unordered_set<uint64_t> distinct;
  for (uint32_t row = 0; row < record.rows; ++row) {
    const std::span<const int32_t> ids = record.ids(log, row);
    if (!recorded(ids)) continue;
    ++result.rows;
    const bool ascending = std::is_sorted(ids.begin(), ids.end());
    result.ascending += ascending ? 1u : 0u;
    if (distinct.size() < kEnough) distinct.insert(hash_of(ids));
    if (result.rows - result.ascending > record.rows / 10 + 10) break;  // far from sorted
  }
  result.distinct = distinct.size();
  if (record.k < 2 || result.rows == 0) return result;
  const double chance_log = -std::lgamma(record.k + 1.0) * static_cast<double>(result.distinct);
  result.sorted = static_cast<double>(result.ascending) >
                      input.thresholds.order_share * static_cast<double>(result.rows) &&
                  chance_log < std::log(input.thresholds.order_chance);
  return result;
}

CheckResult check_order(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  if (record.k < 2) {
    result.not_checked = "k is 1";
    return result;
  }
  if (record.has_weights() && weights_follow_rank(record, input.model)) return by_weights(input);
  std::vector<SortedIds> orders(record.layers.size());
  parallel_for(orders.size(), input.threads,
               [&](size_t at, int) { orders[at] = sorted_ids(input, record.layers[at]); });
  Finding finding;
  uint64_t rows = 0, ascending = 0;
  for (size_t at = 0; at < orders.size(); ++at) {
    if (!orders[at].sorted) continue;
    finding.layers.push_back(record.layers[at].layer);
    rows += orders[at].rows;
    ascending += orders[at].ascending;
  }
  if (finding.layers.empty()) return result;
  finding.found = fmt::format(
      "ids ascend in {} of {} choices (1 in {:.0f} would by chance): they "
      "were sorted",
      ascending, rows, std::tgamma(record.k + 1.0));
  finding.evidence = {
      {"choices", rows}, {"ascending", ascending}, {"by_chance", 1 / std::tgamma(record.k + 1.0)}};
  finding.consequence =
      "Counts, entropy and overlap of sets stay right; the first choice and "
      "whatever looks at the k-th can't be computed.";
  finding.repair = "Record weights or logits too; with the ids alone the order can't be restored.";
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace rg::logs
