// L8: rows belong to the tokens before or after. At the first layer the choice depends on the token
// most of all, so the mutual information of both is largest where they belong together.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/random.h"
#include "logs/checks/all.h"
#include "stats/pinned_math.h"

namespace rg::logs {
namespace {

constexpr double kBit = 0.693147180559945309417;  // nats
constexpr size_t kMostPairs = 500'000;
constexpr uint64_t kShiftSeed = 0;

struct Pairs {
  std::vector<uint32_t> tokens, choices;
};

double entropy_of_sorted(const std::vector<uint64_t>& values) {
  double sum = 0;
  const auto total = static_cast<double>(values.size());
  for (size_t at = 0; at < values.size();) {
    size_t end = at;
    while (end < values.size() && values[end] == values[at]) ++end;
    sum -= stats::x_log_x(static_cast<double>(end - at) / total);
    at = end;
  }
  return sum / kBit;
}

double entropy_of(std::vector<uint64_t> values) {
  std::sort(values.begin(), values.end());
  return entropy_of_sorted(values);
}

double joint_information(const Pairs& pairs) {  // bits
  std::vector<uint64_t> both(pairs.tokens.size());
  for (size_t i = 0; i < both.size(); ++i) {
    both[i] = uint64_t{pairs.tokens[i]} << 32 | pairs.choices[i];
  }
  const std::vector<uint64_t> tokens(pairs.tokens.begin(), pairs.tokens.end());
  const std::vector<uint64_t> choices(pairs.choices.begin(), pairs.choices.end());
  return entropy_of(tokens) + entropy_of(choices) - entropy_of(std::move(both));
}

struct Information {
  double raw, beyond_chance;  // bits
};

// The information, and that less what chance gives to a table of this size: that of shuffled
// choices.
Information information(Pairs pairs) {
  const double raw = joint_information(pairs);
  for (size_t i = 0; i + 1 < pairs.choices.size(); ++i) {
    const auto left = static_cast<uint32_t>(pairs.choices.size() - i);
    const uint32_t other =
        draw_below(left, kShiftSeed, Purpose::token_shuffle, {.i = static_cast<uint32_t>(i)});
    std::swap(pairs.choices[i], pairs.choices[i + other]);
  }
  return {raw, raw - joint_information(pairs)};
}

// The column with the first choice: of the largest weight where weights are known.
uint32_t first_choice(const Record& record, const LayerLog& log, uint32_t row) {
  const std::span<const int32_t> ids = record.ids(log, row);
  if (log.weights.empty()) return static_cast<uint32_t>(ids[0]);
  const float* weights = log.weights.data() + size_t{row} * record.k;
  return static_cast<uint32_t>(
      ids[static_cast<size_t>(std::max_element(weights, weights + record.k) - weights)]);
}

// Choices with the token `shift` rows later in the same sequence.
Pairs pairs_at(const Record& record, const LayerLog& log, const SequenceRows& groups, int shift) {
  Pairs pairs;
  for (size_t s = 0; s + 1 < groups.first.size(); ++s) {
    const auto first = static_cast<int64_t>(groups.first[s]);
    const auto last = static_cast<int64_t>(groups.first[s + 1]);
    // The same choices at every shift: those that have two neighbours on both sides.
    for (int64_t i = first + 2; i + 2 < last && pairs.tokens.size() < kMostPairs; ++i) {
      const uint32_t row = groups.order[static_cast<size_t>(i)];
      if (!recorded(record.ids(log, row))) continue;
      const uint32_t other = groups.order[static_cast<size_t>(i + shift)];
      pairs.tokens.push_back(static_cast<uint32_t>(record.tokens[other]));
      pairs.choices.push_back(first_choice(record, log, row));
    }
  }
  return pairs;
}

const LayerLog* first_learned_layer(const CheckInput& input) {
  for (const LayerLog& log : input.record.layers) {
    const bool hash =
        input.model && std::find(input.model->hash_layers.begin(), input.model->hash_layers.end(),
                                 log.layer) != input.model->hash_layers.end();
    if (!hash) return &log;
  }
  return nullptr;
}

}  // namespace

CheckResult check_shift(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  if (record.tokens.empty()) {
    result.not_checked = "needs token ids: --tokens";
    return result;
  }
  const LayerLog* log = first_learned_layer(input);
  if (log == nullptr) {
    result.not_checked = "no layer with a learned gate";
    return result;
  }
  if (log->weights.empty() && sorted_ids(input, *log).sorted) {
    result.not_checked = "the order of the ids is lost (L5), so the first choice isn't known";
    return result;
  }
  const SequenceRows groups = rows_by_sequence(record);
  const size_t pairs = pairs_at(record, *log, groups, 0).tokens.size();
  if (static_cast<double>(pairs) < input.thresholds.shift_rows) {
    result.not_checked = fmt::format("fewer than {} rows", input.thresholds.shift_rows);
    return result;
  }
  Json bits = Json::object(), raw = Json::object();
  double best = 0, here = 0;
  int best_shift = 0;
  for (int shift = -2; shift <= 2; ++shift) {
    const Information value = information(pairs_at(record, *log, groups, shift));
    const std::string key = fmt::format("{:+d}", shift);
    bits[key] = value.beyond_chance;
    raw[key] = value.raw;
    if (shift == 0) here = value.beyond_chance;
    if (shift == -2 || value.beyond_chance > best) {
      best = value.beyond_chance;
      best_shift = shift;
    }
  }
  if (best_shift == 0 || best - here <= input.thresholds.shift_margin) {
    result.notes.push_back(fmt::format(
        "Layer {}: token and first choice share {:.2f} bits, {:.2f} more than shuffled ones; at "
        "shifts -1 and +1 {:.2f} and {:.2f}.",
        log->layer, raw["+0"].get<double>(), here, bits["-1"].get<double>(),
        bits["+1"].get<double>()));
    return result;
  }
  Finding finding;
  finding.layers = {log->layer};
  finding.found = fmt::format(
      "the choice at layer {} goes with the token {} {} ({:.2f} bits), not with its own ({:.2f})",
      log->layer, std::abs(best_shift) == 1 ? "one row" : "two rows",
      best_shift < 0 ? "before" : "after", best, here);
  finding.evidence = {{"information_bits", bits},
                      {"raw_information_bits", raw},
                      {"shift", best_shift},
                      {"rows", pairs}};
  finding.consequence =
      "Counts and overlap stay right; whatever joins choices with tokens, texts "
      "or losses is wrong.";
  finding.repair = fmt::format("Move the token ids by {} row{} within each sequence.",
                               std::abs(best_shift), std::abs(best_shift) == 1 ? "" : "s");
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace rg::logs
