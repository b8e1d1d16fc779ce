// How evenly experts are used: every figure of the summary from the stored counts
// (docs/artifacts.md section 6).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "verify/analysis.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr int64_t kMaxListed = 20;  // token ids per expert

using Counts = std::vector<int64_t>;
using Table = std::vector<Counts>;

struct LoadLayer {
  Table windows;        // (n)(E)
  Counts experts;       // (E) their sums
  Table pairs;          // (E)(E)
  Table transitions;    // (E)(E); empty at the first measured layer
  Counts first_choice;  // (E)
  ColumnId repeat_top1, repeat_any;
};

Table read_table(const Case& c, const At& at, size_t rows, size_t columns, int64_t largest) {
  Table table;
  if (!c.inspect.is(at, Kind::array)) return table;
  if (at.value->array().size() != rows) {
    c.inspect.invalid(Check::array_length, at.path,
                      fmt::format("found {} rows, expected {}", at.value->array().size(), rows));
    return table;
  }
  for (size_t r = 0; r < rows; ++r) {
    const At row{&at.value->array()[r], fmt::format("{}[{}]", at.path, r)};
    table.push_back(c.inspect.counts(row, columns, largest));
    if (table.back().size() != columns) return {};
  }
  return table;
}

int64_t sum_of(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

// The figures that the convergence curve repeats for fewer windows.
struct Load {
  int64_t cold = 0;
  double entropy = 0;
  double max_over_mean = 0;
};

Load load_of(const Counts& experts, uint64_t tokens, uint32_t k) {
  Load load;
  const auto e = static_cast<double>(experts.size());
  const double selections = static_cast<double>(k) * static_cast<double>(tokens);
  for (const int64_t count : experts) {
    if (100 * static_cast<uint64_t>(count) < tokens) ++load.cold;
    if (count == 0) continue;
    const double p = static_cast<double>(count) / selections;
    load.entropy -= p * std::log(p);
  }
  const double largest = static_cast<double>(*std::max_element(experts.begin(), experts.end()));
  load.max_over_mean = largest * e / selections;
  return load;
}

std::vector<uint64_t> curve_windows(uint64_t n) {
  std::vector<uint64_t> sizes;
  for (const uint64_t m : {1u, 2u, 5u, 10u, 20u}) {
    if (m < n) sizes.push_back(m);
  }
  for (const uint64_t m : window_grid(n)) {
    if (m < n) sizes.push_back(m);
  }
  sizes.push_back(n);
  return sizes;
}

double mutual_information(const Table& table) {
  const size_t e = table.size();
  std::vector<double> rows(e, 0.0);
  std::vector<double> columns(e, 0.0);
  double all = 0;
  for (size_t a = 0; a < e; ++a) {
    for (size_t b = 0; b < e; ++b) {
      const auto count = static_cast<double>(table[a][b]);
      rows[a] += count;
      columns[b] += count;
      all += count;
    }
  }
  double information = 0;
  for (size_t a = 0; a < e; ++a) {
    for (size_t b = 0; b < e; ++b) {
      const auto count = static_cast<double>(table[a][b]);
      if (count > 0) information += count / all * std::log(count * all / (rows[a] * columns[b]));
    }
  }
  return information;
}

// 1 - C(E-k, k) / C(E, k), factor by factor.
double null_repeat_any(uint32_t experts, uint32_t k) {
  double none = 1;
  for (uint32_t i = 0; i < k; ++i) {
    if (experts < k + i + 1) return 1;
    none *= static_cast<double>(experts - k - i) / static_cast<double>(experts - i);
  }
  return 1 - none;
}

void check_pairs(const Case& c, const At& at, const LoadLayer& layer) {
  const size_t e = layer.experts.size();
  for (size_t a = 0; a < e; ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (layer.pairs[a][b] == layer.pairs[b][a]) continue;
      c.inspect.invalid(Check::count_total, fmt::format("{}[{}][{}]", at.path, a, b),
                        fmt::format("found {}, but {} the other way round", layer.pairs[a][b],
                                    layer.pairs[b][a]));
      return;
    }
    const int64_t expected = layer.experts[a] * static_cast<int64_t>(c.header.topk);
    if (layer.pairs[a][a] == layer.experts[a] && sum_of(layer.pairs[a]) == expected) continue;
    c.inspect.invalid(
        Check::count_total, fmt::format("{}[{}]", at.path, a),
        fmt::format("found {} on the diagonal and {} in all, expected {} and {}", layer.pairs[a][a],
                    sum_of(layer.pairs[a]), layer.experts[a], expected));
    return;
  }
}

void check_listed_tokens(const Case& c, const At& at, const LoadLayer& layer) {
  if (!c.inspect.is(at, Kind::object)) return;
  for (const Member& member : at.value->object().members) {
    const At list{&member.value, at.path + '.' + member.key};
    const auto expert = c.inspect.layer_key(member.key);
    if (!expert || static_cast<size_t>(*expert) >= layer.experts.size()) {
      c.inspect.invalid(Check::ranked_list, list.path, "is not an expert");
      return;
    }
    if (!c.inspect.is(list, Kind::array)) return;
    int64_t left = layer.experts[static_cast<size_t>(*expert)];
    Counts before;
    for (size_t i = 0; i < list.value->array().size(); ++i) {
      const At pair{&list.value->array()[i], fmt::format("{}[{}]", list.path, i)};
      const Counts entry = c.inspect.counts(pair, 2, kMaxExactInteger);
      if (entry.size() != 2) return;
      left -= entry[1];
      const bool ordered =
          before.empty() || entry[1] < before[1] || (entry[1] == before[1] && entry[0] > before[0]);
      if (!ordered || entry[1] == 0 || left < 0 || i >= kMaxListed) {
        c.inspect.invalid(Check::ranked_list, pair.path,
                          "breaks the order (count descending, then id) or the expert's total");
        return;
      }
      before = entry;
    }
  }
}

LoadLayer read_layer(const Case& c, int number, bool first) {
  LoadLayer layer;
  const Header& h = c.header;
  const size_t e = h.experts;
  const std::string key = std::to_string(number);
  const auto tokens = static_cast<int64_t>(h.n_windows * h.seq_len);
  const At per_window = c.inspect.need(c.root, "per_window");
  const At counts = c.inspect.need(c.inspect.need(per_window, "count"), key);
  layer.windows = read_table(c, counts, h.n_windows, e, h.seq_len);
  layer.experts.assign(e, 0);
  for (size_t w = 0; w < layer.windows.size(); ++w) {
    for (size_t i = 0; i < e; ++i) layer.experts[i] += layer.windows[w][i];
    const int64_t selections = static_cast<int64_t>(h.topk) * h.seq_len;
    if (sum_of(layer.windows[w]) == selections) continue;
    c.inspect.invalid(Check::count_total, fmt::format("{}[{}]", counts.path, w),
                      fmt::format("found {} selections, expected k * seq_len = {}",
                                  sum_of(layer.windows[w]), selections));
    break;
  }
  const At pairs = c.inspect.need(c.inspect.need(c.root, "pairs"), key);
  layer.pairs = read_table(c, pairs, e, e, tokens);
  const At stated = ((c.root / "summary") / "per_layer") / key;
  const At first_choice = c.inspect.need(stated, "first_choice");
  if (first_choice) layer.first_choice = c.inspect.counts(first_choice, e, tokens);
  const At transitions = first ? At{} : c.inspect.need(c.inspect.need(c.root, "transitions"), key);
  if (!first) layer.transitions = read_table(c, transitions, e, e, tokens);
  if (!c.inspect.sound()) return layer;

  check_pairs(c, pairs, layer);
  if (sum_of(layer.first_choice) != tokens) {
    c.inspect.invalid(
        Check::count_total, first_choice.path,
        fmt::format("adds up to {}, expected {} tokens", sum_of(layer.first_choice), tokens));
  }
  if (!first) {
    Counts columns(e, 0);
    for (const Counts& row : layer.transitions) {
      for (size_t i = 0; i < e; ++i) columns[i] += row[i];
    }
    if (columns != layer.first_choice) {
      c.inspect.invalid(Check::count_total, transitions.path,
                        "its columns don't add up to the layer's first choices");
    }
  }
  check_listed_tokens(c, c.inspect.need(c.inspect.need(c.root, "tokens_by_expert"), key), layer);
  const At special = c.inspect.need(stated, "vocabulary_specialisation");
  c.inspect.windows(special, e, kUnit);
  const bool listed =
      special && special.value->is(Kind::array) && special.value->array().size() == e;
  for (size_t i = 0; listed && i < e; ++i) {
    if (special.value->array()[i].is(Kind::null) != (layer.experts[i] == 0)) {
      c.inspect.invalid(Check::value_kind, fmt::format("{}[{}]", special.path, i),
                        "is null exactly for an expert never selected");
      break;
    }
  }
  return layer;
}

void claim_list(Claims& claims, Claims::Path path, const std::vector<int64_t>& members) {
  path.emplace_back();
  for (size_t i = 0; i < members.size(); ++i) {
    path.back() = std::to_string(i);
    claims.count(path, members[i]);
  }
  path.back() = std::to_string(members.size());
  claims.absent(path);
}

void claim_lift(const Case& c, const At& stated, const LoadLayer& layer, Claims& claims) {
  const auto tokens = static_cast<double>(c.header.n_windows * c.header.seq_len);
  std::optional<double> best;
  size_t best_a = 0;
  size_t best_b = 0;
  for (size_t a = 0; a < layer.pairs.size(); ++a) {
    for (size_t b = a + 1; b < layer.pairs.size(); ++b) {
      if (layer.pairs[a][b] == 0) continue;
      const double lift =
          static_cast<double>(layer.pairs[a][b]) * tokens /
          (static_cast<double>(layer.experts[a]) * static_cast<double>(layer.experts[b]));
      if (best && lift <= *best) continue;
      best = lift;
      best_a = a;
      best_b = b;
    }
  }
  const Claims::Path at = {"summary", "per_layer", stated.path, "coactivation_lift"};
  if (!best) {
    claims.mean(at, std::nullopt);
    return;
  }
  claims.mean({at[0], at[1], at[2], at[3], "value"}, best);
  // Rounding may decide between lifts a hair apart: the named pair must reach the value.
  const Value* experts = nullptr;
  if (stated.value != nullptr) {
    if (const Value* lift = stated.value->find("coactivation_lift"))
      experts = lift->find("experts");
  }
  Counts named = {static_cast<int64_t>(best_a), static_cast<int64_t>(best_b)};
  if (experts != nullptr && experts->is(Kind::array) && experts->array().size() == 2 &&
      experts->array()[0].is(Kind::integer) && experts->array()[1].is(Kind::integer)) {
    const int64_t a = experts->array()[0].integer();
    const int64_t b = experts->array()[1].integer();
    const auto e = static_cast<int64_t>(layer.experts.size());
    if (a >= 0 && a < b && b < e) {
      const auto i = static_cast<size_t>(a);
      const auto j = static_cast<size_t>(b);
      const double lift = static_cast<double>(layer.pairs[i][j]) * tokens /
                          std::max(1.0, static_cast<double>(layer.experts[i]) *
                                            static_cast<double>(layer.experts[j]));
      if (std::abs(lift - *best) <= 1e-12 * *best) named = {a, b};
    }
  }
  claim_list(claims, {at[0], at[1], at[2], at[3], "experts"}, named);
}

void claim_layer(const Case& c, const Analysis& analysis, const std::string& key,
                 const LoadLayer& layer, Claims& claims) {
  const Header& h = c.header;
  const uint64_t tokens = h.n_windows * h.seq_len;
  const auto n = static_cast<double>(tokens);
  const Claims::Path at = {"summary", "per_layer", key};
  const auto below = [&](std::initializer_list<std::string> keys) {
    Claims::Path path = at;
    path.insert(path.end(), keys.begin(), keys.end());
    return path;
  };
  std::vector<int64_t> cold;
  std::vector<int64_t> workhorses;
  for (size_t e = 0; e < layer.experts.size(); ++e) {
    const auto count = static_cast<uint64_t>(layer.experts[e]);
    claims.mean(below({"share", std::to_string(e)}), static_cast<double>(count) / n);
    if (100 * count < tokens) cold.push_back(static_cast<int64_t>(e));
    if (h.experts * count >= 2 * h.topk * tokens) workhorses.push_back(static_cast<int64_t>(e));
  }
  claims.absent(below({"share", std::to_string(layer.experts.size())}));
  const Load whole = load_of(layer.experts, tokens, h.topk);
  claims.near(below({"entropy"}), whole.entropy, Check::summary_mean);
  claims.mean(below({"max_over_mean"}), whole.max_over_mean);
  claim_list(claims, below({"cold"}), cold);
  claim_list(claims, below({"workhorses"}), workhorses);

  const std::vector<uint64_t> sizes = curve_windows(h.n_windows);
  const auto all = static_cast<uint32_t>(h.n_windows);
  const std::vector<uint32_t> order =
      draw_subset(all, all, *h.seed, Purpose::convergence_subset, 0, 0);
  Counts so_far(layer.experts.size(), 0);
  size_t added = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    for (; added < sizes[i]; ++added) {
      for (size_t e = 0; e < so_far.size(); ++e) so_far[e] += layer.windows[order[added]][e];
    }
    const Load load = load_of(so_far, sizes[i] * h.seq_len, h.topk);
    const std::string row = std::to_string(i);
    claims.count(below({"convergence", row, "windows"}), static_cast<int64_t>(sizes[i]));
    claims.count(below({"convergence", row, "cold"}), load.cold);
    claims.near(below({"convergence", row, "entropy"}), load.entropy, Check::summary_mean);
    claims.mean(below({"convergence", row, "max_over_mean"}), load.max_over_mean);
  }
  claims.absent(below({"convergence", std::to_string(sizes.size())}));

  analysis.mean_block(claims, below({"repeat_top1"}), layer.repeat_top1);
  analysis.mean_block(claims, below({"repeat_any"}), layer.repeat_any);
  claims.mean(below({"repeat_top1", "null_uniform"}), 1.0 / h.experts);
  claims.near(below({"repeat_any", "null_uniform"}), null_repeat_any(h.experts, h.topk),
              Check::summary_mean);
  double popularity = 0;
  for (const int64_t count : layer.first_choice) {
    popularity += (static_cast<double>(count) / n) * (static_cast<double>(count) / n);
  }
  claims.near(below({"repeat_top1", "null_popularity"}), popularity, Check::summary_mean);
  claim_lift(c, {(((c.root / "summary") / "per_layer") / key).value, key}, layer, claims);
  std::optional<double> information;
  if (!layer.transitions.empty()) information = mutual_information(layer.transitions);
  claims.near(below({"transition_mi"}), information, Check::summary_mean);
}

Windows shares_of(const LayerWindows& counts, int layer, uint32_t seq_len) {
  Windows shares = counts.at(layer);
  for (std::optional<double>& value : shares) {
    if (value) value = *value / static_cast<double>(seq_len - 1);
  }
  return shares;
}

}  // namespace

void judge_expert_load(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Header& h = c.header;
  if (h.experts == 0 || h.seq_len == 0) {
    c.inspect.invalid(Check::gate_semantics, "gate_semantics.experts", "is missing");
    return;
  }
  const At per_window = c.inspect.need(c.root, "per_window");
  const auto read = [&](const char* name, int64_t largest) {
    return c.inspect.layer_counts(c.inspect.need(per_window, name), h.layers, h.n_windows, largest);
  };
  const LayerWindows top1 = read("repeat_top1", h.seq_len - 1);
  const LayerWindows any = read("repeat_any", h.seq_len - 1);
  read("n_nan", h.seq_len);
  std::map<int, LoadLayer> layers;
  for (const int layer : h.layers) {
    layers[layer] = read_layer(c, layer, layer == h.layers.front());
    if (!c.inspect.sound()) return;
    for (size_t w = 0; w < h.n_windows; ++w) {
      if (*top1.at(layer)[w] <= *any.at(layer)[w]) continue;
      c.inspect.invalid(Check::count_total, fmt::format("per_window.repeat_any.{}[{}]", layer, w),
                        "is smaller than repeat_top1: equal first experts are a meeting");
      return;
    }
  }
  for (size_t i = 1; i < h.layers.size(); ++i) {
    const Table& table = layers[h.layers[i]].transitions;
    const Counts& before = layers[h.layers[i - 1]].first_choice;
    for (size_t e = 0; e < table.size(); ++e) {
      if (sum_of(table[e]) == before[e]) continue;
      c.inspect.invalid(Check::count_total, fmt::format("transitions.{}[{}]", h.layers[i], e),
                        "its rows don't add up to the first choices of the layer before");
      return;
    }
  }

  Analysis analysis(c);
  for (auto& [number, layer] : layers) {
    layer.repeat_top1 = analysis.add(shares_of(top1, number, h.seq_len));
    layer.repeat_any = analysis.add(shares_of(any, number, h.seq_len));
  }
  analysis.resample();
  const uint64_t tokens = h.n_windows * h.seq_len;
  size_t cold = 0;
  std::optional<Criterion> busiest;
  for (const auto& [number, layer] : layers) {
    claim_layer(c, analysis, std::to_string(number), layer, finding.claims);
    const Load load = load_of(layer.experts, tokens, h.topk);
    cold += static_cast<size_t>(load.cold);
    if (!busiest || load.max_over_mean > busiest->estimate) {
      busiest = Criterion{"max_over_mean", number, load.max_over_mean, {}, true, {}};
    }
  }
  judgement.effect = busiest;
  judgement.beside.push_back({"cold experts", std::to_string(cold)});
  finding.verdict = Verdict::reported;
  judgement.notes.push_back(
      "not recomputable from the artifact and taken as stated: vocabulary specialisation, the "
      "token ids listed for an expert (order and totals were checked), repetitions and first "
      "choices per "
      "token (their totals were checked)");
  judgement.sentence = fmt::format(
      "The busiest expert, at layer {}, gets {:.2f} times as many tokens as the mean of its layer; "
      "{} of the {} experts in {} get{} less than 1 % of the tokens.",
      busiest->layer, busiest->estimate, cold, h.layers.size() * h.experts, at_layers(h.layers),
      cold == 1 ? "s" : "");
}

}  // namespace rg::verify
