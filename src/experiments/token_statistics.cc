#include "experiments/token_statistics.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/parallel.h"
#include "base/random.h"

namespace rg::experiments {
namespace {

constexpr uint32_t kFrequent = 20;

double pairs(double n) { return n * (n - 1) / 2; }

// Counts of (label, expert), kept so that some of them can be left out again.
struct Table {
  std::vector<uint32_t> counts;  // (labels, E)
  std::vector<uint32_t> labels, experts;
};

}  // namespace

TokenStatistics::TokenStatistics(const Setting& setting, const TokenIndex& tokens)
    : setting_(setting),
      index_(tokens),
      experts_(setting.spec.experts),
      k_(setting.spec.top_k),
      positions_(setting.seq_len - 1),
      windows_(setting.windows->sequences()),
      tokens_(windows_ * positions_),
      occurrences_(tokens.distinct(), 0),
      first_of_id_(tokens.distinct() + 1, 0),
      tokens_by_id_(tokens_),
      logs_(tokens_ * k_) {
  by_id_ = {std::vector<uint32_t>(tokens_), tokens.distinct()};
  by_position_ = {std::vector<uint32_t>(tokens_), positions_};
  for (size_t j = 0; j < tokens_; ++j) {
    by_id_.of_token[j] = tokens.of_row(j / positions_ * setting.seq_len + j % positions_);
    by_position_.of_token[j] = static_cast<uint32_t>(j % positions_);
    ++occurrences_[by_id_.of_token[j]];
  }
  by_id_shuffled_ = by_id_;
  by_position_shuffled_ = by_position_;
  const auto n = static_cast<uint32_t>(tokens_);
  const auto order = draw_subset(n, n, setting.seed, Purpose::token_shuffle, 0, 0);
  for (size_t j = 0; j < tokens_; ++j) {
    by_id_shuffled_.of_token[j] = by_id_.of_token[order[j]];
    by_position_shuffled_.of_token[j] = by_position_.of_token[order[j]];
  }
  for (uint32_t x = 0; x < tokens.distinct(); ++x) {
    first_of_id_[x + 1] = first_of_id_[x] + occurrences_[x];
    if (occurrences_[x] >= kFrequent) {
      ++frequent_ids_;
      frequent_occurrences_ += occurrences_[x];
    }
  }
  std::vector<uint32_t> next(first_of_id_.begin(), first_of_id_.end() - 1);
  for (uint32_t j = 0; j < n; ++j) tokens_by_id_[next[by_id_.of_token[j]]++] = j;

  const stats::Documents documents(setting.window_document, 1, 0);
  documents_ = documents.count();
  for (const uint32_t document : documents.of_window()) fits_.push_back(document % 2 == 0);
}

uint64_t TokenStatistics::bytes() const {
  return tokens_ * (5 * 4 + k_ * 8) +
         static_cast<uint64_t>(setting_.threads) * index_.distinct() * experts_ * 2 * 4;
}

const int32_t* TokenStatistics::set_of(std::span<const int32_t> selected, size_t token) const {
  return selected.data() + (token / positions_ * setting_.seq_len + token % positions_) * k_;
}

TokenStatisticsRow TokenStatistics::measure(std::span<const int32_t> selected, int threads) const {
  TokenStatisticsRow row;
  parallel_for(5, threads, [&](size_t job, int) {
    switch (job) {
      case 0:
        return measure_labels(selected, by_id_, row.mi_token, &row);
      case 1:
        return measure_labels(selected, by_id_shuffled_, row.mi_token_shuffled, nullptr);
      case 2:
        return measure_predictor(selected, row.predictor);
      case 3:
        return measure_labels(selected, by_position_, row.mi_position, nullptr);
      default:
        return measure_labels(selected, by_position_shuffled_, row.mi_position_shuffled, nullptr);
    }
  });
  return row;
}

// Mutual information of (label, selected expert), and for token ids the mean overlaps. Counts are
// integers and x ln x comes from a table, so leaving a block out updates only the affected terms.
void TokenStatistics::measure_labels(std::span<const int32_t> selected, const Labels& labels,
                                     JackknifeValue& information,
                                     TokenStatisticsRow* overlaps) const {
  std::vector<uint32_t> counts(size_t{labels.count} * experts_, 0), block(counts.size(), 0);
  std::vector<uint32_t> of_label(labels.count, 0), block_label(labels.count, 0);
  std::vector<uint64_t> of_expert(experts_, 0), frequent_expert(experts_, 0);
  for (size_t j = 0; j < tokens_; ++j) {
    const uint32_t label = labels.of_token[j];
    ++of_label[label];
    const int32_t* set = set_of(selected, j);
    for (uint32_t i = 0; i < k_; ++i) {
      const auto e = static_cast<size_t>(set[i]);
      ++counts[label * size_t{experts_} + e];
      ++of_expert[e];
      if (overlaps != nullptr) {
        frequent_expert[e] += occurrences_[label] >= kFrequent;
      }
    }
  }
  double joint = 0, marginal = 0;
  std::vector<double> same(labels.count, 0.0);  // pairs of selections that agree, per label
  for (uint32_t label = 0; label < labels.count; ++label) {
    for (uint32_t e = 0; e < experts_; ++e) {
      const uint32_t c = counts[label * size_t{experts_} + e];
      joint += logs_(c);
      same[label] += pairs(c);
    }
    marginal += logs_(uint64_t{k_} * of_label[label]);
  }
  const auto finish_information = [&](double joint_sum, double label_sum,
                                      std::span<const uint64_t> experts, uint64_t total) {
    double expert_sum = 0;
    for (const uint64_t count : experts) expert_sum += logs_(count);
    const auto n = static_cast<double>(total);
    return total == 0 ? kNaN : (joint_sum + logs_(total) - label_sum - expert_sum) / n;
  };
  const auto finish_overlaps =
      [&](std::span<const double> agreeing, std::span<const uint32_t> number,
          std::span<const uint64_t> experts, double& within, double& between) {
        double weighted = 0, tokens = 0, inside = 0, inside_pairs = 0, all = 0, members = 0;
        for (uint32_t label = 0; label < labels.count; ++label) {
          if (occurrences_[label] < kFrequent) continue;
          const auto n = static_cast<double>(number[label]);
          members += n;
          inside += agreeing[label];
          inside_pairs += pairs(n);
          if (n < 2) continue;
          weighted += n * (agreeing[label] / (k_ * pairs(n)));
          tokens += n;
        }
        for (const uint64_t count : experts) all += pairs(static_cast<double>(count));
        const double outside_pairs = pairs(members) - inside_pairs;
        within = tokens > 0 ? weighted / tokens : kNaN;
        between = outside_pairs > 0 ? (all - inside) / (k_ * outside_pairs) : kNaN;
      };
  information.value = finish_information(joint, marginal, of_expert, uint64_t{k_} * tokens_);
  if (overlaps != nullptr) {
    finish_overlaps(same, of_label, frequent_expert, overlaps->within.value,
                    overlaps->between.value);
  }

  std::vector<size_t> touched;
  std::vector<uint32_t> touched_labels;
  for (size_t b = 0; b < stats::kJackknifeBlocks; ++b) {
    const size_t first = stats::block_begin(b, windows_) * positions_;
    const size_t end = stats::block_begin(b + 1, windows_) * positions_;
    std::vector<uint64_t> experts = of_expert, frequent = frequent_expert;
    touched.clear();
    touched_labels.clear();
    for (size_t j = first; j < end; ++j) {
      const uint32_t label = labels.of_token[j];
      if (block_label[label]++ == 0) touched_labels.push_back(label);
      const int32_t* set = set_of(selected, j);
      for (uint32_t i = 0; i < k_; ++i) {
        const auto e = static_cast<size_t>(set[i]);
        const size_t at = label * size_t{experts_} + e;
        if (block[at]++ == 0) touched.push_back(at);
        --experts[e];
        if (overlaps != nullptr) frequent[e] -= occurrences_[label] >= kFrequent;
      }
    }
    double joint_left = joint, marginal_left = marginal;
    std::vector<double> same_left = same;
    std::vector<uint32_t> label_left = of_label;
    for (const size_t at : touched) {
      const uint32_t left = counts[at] - block[at];
      joint_left += logs_(left) - logs_(counts[at]);
      same_left[at / experts_] += pairs(left) - pairs(counts[at]);
      block[at] = 0;
    }
    for (const uint32_t label : touched_labels) {
      label_left[label] -= block_label[label];
      marginal_left +=
          logs_(uint64_t{k_} * label_left[label]) - logs_(uint64_t{k_} * of_label[label]);
      block_label[label] = 0;
    }
    information.leave_one_out[b] = finish_information(joint_left, marginal_left, experts,
                                                      uint64_t{k_} * (tokens_ - (end - first)));
    if (overlaps != nullptr) {
      finish_overlaps(same_left, label_left, frequent, overlaps->within.leave_one_out[b],
                      overlaps->between.leave_one_out[b]);
    }
  }
}

// Each id's most frequent set in the fitting documents, compared with its sets in the others.
void TokenStatistics::measure_predictor(std::span<const int32_t> selected,
                                        JackknifeValue& out) const {
  if (!has_predictor()) return;
  constexpr size_t kWhole = stats::kJackknifeBlocks;  // index of "nothing left out"
  std::vector<uint32_t> block_of_window(windows_);
  for (size_t b = 0; b < stats::kJackknifeBlocks; ++b) {
    for (size_t w = stats::block_begin(b, windows_); w < stats::block_begin(b + 1, windows_); ++w) {
      block_of_window[w] = static_cast<uint32_t>(b);
    }
  }
  std::array<uint64_t, kWhole + 1> hits{}, tested{};
  std::vector<uint32_t> fitting;
  std::vector<std::array<uint32_t, kWhole + 1>> tests(experts_);
  using Counts = std::array<uint32_t, kWhole + 1>;
  std::vector<std::pair<const int32_t*, Counts>> sets;
  const auto less = [&](const int32_t* a, const int32_t* b) {
    return std::lexicographical_compare(a, a + k_, b, b + k_);
  };
  for (uint32_t x = 0; x < index_.distinct(); ++x) {
    if (occurrences_[x] < kFrequent) continue;
    fitting.clear();
    for (auto& row : tests) row.fill(0);
    Counts test_tokens{};
    for (uint32_t i = first_of_id_[x]; i < first_of_id_[x + 1]; ++i) {
      const uint32_t token = tokens_by_id_[i];
      const size_t window = token / positions_;
      if (fits_[window]) {
        fitting.push_back(token);
        continue;
      }
      const uint32_t b = block_of_window[window];
      ++test_tokens[kWhole];
      ++test_tokens[b];
      for (uint32_t j = 0; j < k_; ++j) {
        Counts& row = tests[static_cast<size_t>(set_of(selected, token)[j])];
        ++row[kWhole];
        ++row[b];
      }
    }
    std::sort(fitting.begin(), fitting.end(), [&](uint32_t a, uint32_t b) {
      const int32_t *set_a = set_of(selected, a), *set_b = set_of(selected, b);
      return less(set_a, set_b) || (!less(set_b, set_a) && a < b);
    });
    sets.clear();
    for (const uint32_t token : fitting) {
      const int32_t* set = set_of(selected, token);
      if (sets.empty() || less(sets.back().first, set)) sets.push_back({set, Counts{}});
      ++sets.back().second[kWhole];
      ++sets.back().second[block_of_window[token / positions_]];
    }
    // The whole, then the whole without one block, whose counts are subtracted.
    for (size_t b = 0; b <= kWhole; ++b) {
      const auto left = [&](const Counts& counts) {
        return b == kWhole ? counts[kWhole] : counts[kWhole] - counts[b];
      };
      const int32_t* best = nullptr;
      uint32_t most = 0;
      for (const auto& [set, counts] : sets) {
        if (left(counts) > most) {
          most = left(counts);
          best = set;
        }
      }
      if (best == nullptr) continue;
      tested[b] += left(test_tokens);
      for (uint32_t j = 0; j < k_; ++j) hits[b] += left(tests[static_cast<size_t>(best[j])]);
    }
  }
  const auto share = [&](size_t b) {
    return tested[b] == 0 ? kNaN
                          : static_cast<double>(hits[b]) / static_cast<double>(k_ * tested[b]);
  };
  out.value = share(kWhole);
  for (size_t b = 0; b < kWhole; ++b) out.leave_one_out[b] = share(b);
}

}  // namespace rg::experiments
