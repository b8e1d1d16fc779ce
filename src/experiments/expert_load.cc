#include "experiments/expert_load.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "base/random.h"
#include "experiments/common.h"
#include "experiments/domain_comparison.h"
#include "experiments/load_record.h"
#include "experiments/token_index.h"
#include "stats/information.h"
#include "stats/pinned_math.h"

namespace rg::experiments {
namespace {

// 1 - C(E-k, k)/C(E, k): probability that two independent uniform k-sets intersect.
double chance_of_meeting(uint32_t experts, uint32_t k) {
  double apart = 1;
  for (uint32_t i = 0; i < k; ++i) {
    const double left = static_cast<double>(experts) - k - i;
    apart *= left <= 0 ? 0.0 : left / static_cast<double>(experts - i);
  }
  return 1 - apart;
}

class ExpertLoad : public ExperimentBase {
 public:
  explicit ExpertLoad(const Setting& setting)
      : ExperimentBase(setting),
        experts_(setting.spec.experts),
        k_(setting.spec.top_k),
        rows_(setting.windows->rows()),
        record_(setting.layers.size(), windows(), experts_, rows_),
        selected_(rows_ * k_),
        tokens_(*setting.windows) {}

  tap::Needs needs() const override {
    tap::Needs needs;
    // The last: counts of every token id by expert, while a layer ends.
    needs.held_bytes = record_.bytes() + selected_.size() * sizeof(int32_t) + tokens_.bytes() +
                       uint64_t{tokens_.distinct()} * experts_ * sizeof(uint32_t);
    return needs;
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void end_layer(const tap::LayerView& view) override;
  record::Contribution reduce() override;

 private:
  void count_tokens(LoadRecord::Layer& layer) const;
  Json layer_summary(size_t slot, const Statistician& statistician, Nulls& nulls) const;
  Json convergence(size_t slot) const;
  Json repetition(const WindowCounts& counts, size_t slot, const Statistician& statistician,
                  Nulls& nulls, const std::string& path) const;

  const uint32_t experts_, k_;
  const size_t rows_;
  LoadRecord record_;
  std::vector<int32_t> selected_;  // (rows, k) of the current layer
  TokenIndex tokens_;
};

void ExpertLoad::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  for_each_sequence(block, [&](const SequenceRows& window) {
    uint64_t top1 = 0, any = 0, nan = 0;
    for (uint32_t t = 0; t < window.length; ++t) {
      int32_t* set = selected_.data() + (window.first_in_set + t) * k_;
      std::copy_n(block.ranked + (window.first + t) * (k_ + 1), k_, set);
      const float* scores = block.scores + (window.first + t) * experts_;
      nan += std::any_of(scores, scores + experts_, [](float s) { return std::isnan(s); });
      if (t == 0) continue;
      const int32_t* last = set - k_;
      top1 += set[0] == last[0];
      any += std::find_first_of(set, set + k_, last, last + k_) != set + k_;
    }
    record_.repeat_top1.at(static_cast<size_t>(slot), window.sequence) = top1;
    record_.repeat_any.at(static_cast<size_t>(slot), window.sequence) = any;
    record_.with_nan.at(static_cast<size_t>(slot), window.sequence) = nan;
  });
}

void ExpertLoad::end_layer(const tap::LayerView& view) {
  const int measured_slot = slot_of(view.layer);
  if (measured_slot < 0) return;
  const auto slot = static_cast<size_t>(measured_slot);
  LoadRecord::Layer& layer = record_.layers[slot];
  for (size_t row = 0; row < rows_; ++row) {
    const int32_t* set = selected_.data() + row * k_;
    const std::span<uint64_t> window = record_.count.at(slot, row / setting_.seq_len);
    ++layer.first_choice[static_cast<size_t>(set[0])];
    for (uint32_t i = 0; i < k_; ++i) {
      const auto a = static_cast<size_t>(set[i]);
      ++window[a];
      ++layer.total[a];
      for (uint32_t j = 0; j < k_; ++j) ++layer.pairs[a * experts_ + static_cast<size_t>(set[j])];
    }
    if (slot > 0) {
      ++layer.transitions[static_cast<size_t>(record_.before[row]) * experts_ +
                          static_cast<size_t>(set[0])];
    }
    record_.before[row] = set[0];
  }
  count_tokens(layer);
}

// Per expert: its most frequent token ids, and how exclusively they go to it.
void ExpertLoad::count_tokens(LoadRecord::Layer& layer) const {
  std::vector<uint32_t> counts(size_t{experts_} * tokens_.distinct(), 0);  // (E, ids)
  for (size_t row = 0; row < rows_; ++row) {
    for (uint32_t i = 0; i < k_; ++i) {
      ++counts[static_cast<size_t>(selected_[row * k_ + i]) * tokens_.distinct() +
               tokens_.of_row(row)];
    }
  }
  std::vector<uint32_t> used;
  for (uint32_t e = 0; e < experts_; ++e) {
    const uint32_t* of_expert = counts.data() + size_t{e} * tokens_.distinct();
    used.clear();
    double own = 0, total = 0;
    for (uint32_t x = 0; x < tokens_.distinct(); ++x) {
      if (of_expert[x] == 0) continue;
      used.push_back(x);
      const auto n = static_cast<double>(of_expert[x]);
      own += n * n / static_cast<double>(tokens_.occurrences(x));
      total += n;
    }
    if (used.empty()) continue;
    layer.specialisation[e] = own / total;
    const size_t kept = std::min(kFrequentTokens, used.size());
    // Indices ascend with ids, so an index breaks a tie as the id does.
    std::partial_sort(used.begin(), used.begin() + static_cast<std::ptrdiff_t>(kept), used.end(),
                      [&](uint32_t a, uint32_t b) {
                        return of_expert[a] != of_expert[b] ? of_expert[a] > of_expert[b] : a < b;
                      });
    for (size_t i = 0; i < kept; ++i) {
      layer.tokens[e * kFrequentTokens + i] = {tokens_.id(used[i]), of_expert[used[i]]};
    }
  }
}

struct Load {
  std::vector<uint32_t> cold, workhorses;
  double entropy, max_over_mean;
};

// From counts over `tokens` positions, compared as integers: 100 c < N and E c >= 2 k N.
Load load_of(std::span<const uint64_t> counts, uint64_t tokens, uint32_t k) {
  Load load;
  const auto experts = static_cast<uint64_t>(counts.size());
  for (uint32_t e = 0; e < counts.size(); ++e) {
    if (100 * counts[e] < tokens) load.cold.push_back(e);
    if (experts * counts[e] >= 2 * k * tokens) load.workhorses.push_back(e);
  }
  load.entropy = stats::entropy(counts);
  load.max_over_mean =
      static_cast<double>(*std::max_element(counts.begin(), counts.end()) * experts) /
      static_cast<double>(k * tokens);
  return load;
}

Json ExpertLoad::convergence(size_t slot) const {
  std::vector<size_t> sizes = {1, 2, 5, 10, 20};
  for (const size_t size : stats::window_grid(windows())) sizes.push_back(size);
  std::erase_if(sizes, [&](size_t size) { return size >= windows(); });
  sizes.push_back(windows());
  const auto n = static_cast<uint32_t>(windows());
  const std::vector<uint32_t> order =
      draw_subset(n, n, setting_.seed, Purpose::convergence_subset, 0, 0);
  Json rows = Json::array();
  std::vector<uint64_t> counts(experts_, 0);
  size_t added = 0;
  for (const size_t size : sizes) {
    for (; added < size; ++added) {
      const std::span<const uint64_t> window = record_.count.at(slot, order[added]);
      for (uint32_t e = 0; e < experts_; ++e) counts[e] += window[e];
    }
    const Load load = load_of(counts, size * setting_.seq_len, k_);
    rows.push_back({{"windows", size},
                    {"cold", load.cold.size()},
                    {"entropy", load.entropy},
                    {"max_over_mean", load.max_over_mean}});
  }
  return rows;
}

Json ExpertLoad::repetition(const WindowCounts& counts, size_t slot,
                            const Statistician& statistician, Nulls& nulls,
                            const std::string& path) const {
  std::vector<double> shares;
  for (const uint64_t count : counts.of_layer(slot)) {
    shares.push_back(static_cast<double>(count) / static_cast<double>(positions()));
  }
  return statistician.mean_block(statistician.mean(shares), nulls, path);
}

Json ExpertLoad::layer_summary(size_t slot, const Statistician& statistician, Nulls& nulls) const {
  const LoadRecord::Layer& layer = record_.layers[slot];
  const std::string path = "summary.per_layer." + layer_key(setting_.layers[slot]);
  const auto tokens = static_cast<double>(rows_);
  Json share = Json::array();
  for (const uint64_t count : layer.total) share.push_back(static_cast<double>(count) / tokens);
  const Load load = load_of(layer.total, rows_, k_);

  double popularity = 0;
  for (const uint64_t count : layer.first_choice) {
    const double p = static_cast<double>(count) / tokens;
    popularity += p * p;
  }
  Json top1 = repetition(record_.repeat_top1, slot, statistician, nulls, path + ".repeat_top1");
  top1["null_uniform"] = 1.0 / experts_;
  top1["null_popularity"] = popularity;
  Json any = repetition(record_.repeat_any, slot, statistician, nulls, path + ".repeat_any");
  any["null_uniform"] = chance_of_meeting(experts_, k_);

  Json lift = nullptr;
  double highest = -1;
  for (uint32_t a = 0; a < experts_; ++a) {
    for (uint32_t b = a + 1; b < experts_; ++b) {
      if (layer.total[a] == 0 || layer.total[b] == 0) continue;
      const double value =
          static_cast<double>(layer.pairs[size_t{a} * experts_ + b]) * tokens /
          (static_cast<double>(layer.total[a]) * static_cast<double>(layer.total[b]));
      if (value > highest) {
        highest = value;
        lift = Json{{"experts", {a, b}}, {"value", value}};
      }
    }
  }
  if (lift.is_null()) nulls.null(path + ".coactivation_lift", "no two experts are ever used");
  Json information = nullptr;
  if (layer.transitions.empty()) {
    nulls.null(path + ".transition_mi", "no measured layer before");
  } else {
    information = stats::mutual_information(layer.transitions, experts_, experts_);
  }
  return {{"share", std::move(share)},
          {"entropy", load.entropy},
          {"max_over_mean", load.max_over_mean},
          {"cold", load.cold},
          {"workhorses", load.workhorses},
          {"convergence", convergence(slot)},
          {"repeat_top1", std::move(top1)},
          {"repeat_any", std::move(any)},
          {"first_choice", layer.first_choice},
          {"vocabulary_specialisation",
           nulls.array(layer.specialisation, path + ".vocabulary_specialisation",
                       "the expert is never selected")},
          {"coactivation_lift", std::move(lift)},
          {"transition_mi", std::move(information)}};
}

Json table_json(std::span<const uint64_t> values, size_t columns) {
  Json table = Json::array();
  for (size_t row = 0; row < values.size() / columns; ++row) {
    table.push_back(values.subspan(row * columns, columns));
  }
  return table;
}

// By expert; those that are never selected are left out.
Json tokens_json(std::span<const LoadRecord::TokenCount> tokens) {
  Json by_expert = Json::object();
  for (size_t e = 0; e < tokens.size() / kFrequentTokens; ++e) {
    Json rows = Json::array();
    for (const LoadRecord::TokenCount& token :
         tokens.subspan(e * kFrequentTokens, kFrequentTokens)) {
      if (token.times != 0) rows.push_back({token.id, token.times});
    }
    if (!rows.empty()) by_expert[std::to_string(e)] = std::move(rows);
  }
  return by_expert;
}

record::Contribution ExpertLoad::reduce() {
  const Statistician statistician(setting_);
  Nulls nulls;
  record::Contribution part{.fields = Json::object(), .notes = {}};
  Json& fields = part.fields;
  fields["layers"] = setting_.layers;
  fields["verification"] = verification_json(setting_.layers);
  fields["per_window"] = record_.per_window(setting_.layers, nulls);
  fields["pairs"] = by_layer(setting_.layers, [&](size_t slot) {
    return table_json(record_.layers[slot].pairs, experts_);
  });
  Json transitions = Json::object(), tokens = Json::object(), summary = Json::object();
  for (size_t slot = 0; slot < record_.layers.size(); ++slot) {
    const std::string key = layer_key(setting_.layers[slot]);
    if (slot > 0) transitions[key] = table_json(record_.layers[slot].transitions, experts_);
    tokens[key] = tokens_json(record_.layers[slot].tokens);
    summary[key] = layer_summary(slot, statistician, nulls);
  }
  fields["transitions"] = std::move(transitions);
  fields["tokens_by_expert"] = std::move(tokens);
  fields["summary"] = {{"bootstrap", statistician.bootstrap_json()},
                       {"per_layer", std::move(summary)}};
  nulls.add_to(fields);
  return part;
}

std::unique_ptr<Experiment> make_load(const Setting& setting) {
  return std::make_unique<ExpertLoad>(setting);
}

}  // namespace

Declaration expert_load_declaration() {
  return {.name = "expert_load",
          .version = "1.0",
          .summary = "How routing load is spread over experts, tokens and layers.",
          .parameters = {bootstrap_parameter()},
          .prompts = nullptr,
          .compare = &compare_domains,
          .create = &make_load};
}

}  // namespace rg::experiments
