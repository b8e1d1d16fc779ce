#include "logs/agreement/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"

namespace rg::logs {
namespace {

constexpr size_t kMostUnits = 4096;
constexpr float kUndefined = std::numeric_limits<float>::quiet_NaN();

// Mean |w_a - w_b| over the experts that both chose.
float mean_weight_difference(std::span<const int32_t> ids_a, const float* weights_a,
                             std::span<const int32_t> ids_b, const float* weights_b) noexcept {
  double sum = 0;
  uint32_t common = 0;
  for (size_t i = 0; i < ids_a.size(); ++i) {
    const auto at = std::find(ids_b.begin(), ids_b.end(), ids_a[i]);
    if (at == ids_b.end()) continue;
    sum += std::abs(static_cast<double>(weights_a[i]) - weights_b[at - ids_b.begin()]);
    ++common;
  }
  return common == 0 ? kUndefined : static_cast<float>(sum / common);
}

void compare_choices(const Side& a, const Side& b, const Pairs& pairs, LayerComparison& out) {
  const LayerLog &of_a = *a.record.find(out.layer), &of_b = *b.record.find(out.layer);
  const bool weights = !of_a.weights.empty() && !of_b.weights.empty();
  const size_t count = pairs.count();
  out.recorded.assign(count, 0);
  out.same_set.assign(count, 0);
  out.same_order.assign(count, 0);
  out.same_first.assign(count, 0);
  out.overlap.assign(count, 0);
  if (weights) out.weight_difference.assign(count, kUndefined);
  const uint32_t k = std::max(a.record.k, b.record.k);
  for (size_t p = 0; p < count; ++p) {
    const auto ids_a = a.record.ids(of_a, pairs.a[p]), ids_b = b.record.ids(of_b, pairs.b[p]);
    if (!recorded(ids_a) || !recorded(ids_b)) continue;
    const uint32_t common = common_experts(ids_a, ids_b);
    out.recorded[p] = 1;
    out.same_set[p] = common == k ? 1 : 0;
    out.same_order[p] = std::equal(ids_a.begin(), ids_a.end(), ids_b.begin(), ids_b.end()) ? 1 : 0;
    out.same_first[p] = ids_a[0] == ids_b[0] ? 1 : 0;
    out.overlap[p] = static_cast<float>(common) / static_cast<float>(k);
    if (!weights) continue;
    out.weight_difference[p] =
        mean_weight_difference(ids_a, of_a.weights.data() + size_t{pairs.a[p]} * a.record.k, ids_b,
                               of_b.weights.data() + size_t{pairs.b[p]} * b.record.k);
  }
}

void take_margins(const Side& reference, std::span<const uint32_t> rows, LayerComparison& out) {
  const auto gate = reference.gates.find(out.layer);
  if (gate == reference.gates.end()) return;
  const gate::GateSpec& spec = gate->second.spec;
  const LayerLog& log = *reference.record.find(out.layer);
  std::vector<float> scores(spec.experts), weights(spec.top_k);
  std::vector<int32_t> ranked(spec.top_k + 1);
  gate::DecisionView view{.scores = scores,
                          .ranked = ranked,
                          .weights = weights,
                          .margin = 0,
                          .margin_logit = 0,
                          .margin_group = 0,
                          .eligible = 0};
  out.margins.reserve(rows.size());
  for (const uint32_t row : rows) {
    const std::span<const float> logits{log.logits.data() + size_t{row} * spec.experts,
                                        spec.experts};
    gate::decide(spec, logits, gate->second.selection_bias, view);
    out.margins.push_back(view.margin);
  }
}

FlipRow flip_row(std::string label, const UnitSums& sums, const SequenceUnits& units) {
  return {.label = std::move(label), .flips = sums.measure(units.table)};
}

// Number of edges below the value: 0 to 9 with the nine edges between tenths.
size_t tenth_of(const std::vector<float>& edges, float margin) {
  return static_cast<size_t>(std::lower_bound(edges.begin(), edges.end(), margin) - edges.begin());
}

std::vector<float> margin_edges(const LayerComparison& layer) {
  std::vector<float> sorted;
  for (size_t p = 0; p < layer.margins.size(); ++p) {
    if (layer.recorded[p] && !std::isnan(layer.margins[p])) sorted.push_back(layer.margins[p]);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<float> edges;
  for (uint64_t d = 1; d < 10 && !sorted.empty(); ++d) {
    edges.push_back(stats::quantile<float>(sorted, stats::Fraction{d, 10}));
  }
  return edges;
}

size_t position_range(int32_t position) {  // 0: 0; n: 2^(n-1) to 2^n - 1
  size_t range = 0;
  for (int32_t rest = position; rest > 0; rest /= 2) ++range;
  return range;
}

}  // namespace

uint32_t common_experts(std::span<const int32_t> a, std::span<const int32_t> b) noexcept {
  uint32_t common = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool before = std::find(a.begin(), a.begin() + static_cast<ptrdiff_t>(i), a[i]) !=
                        a.begin() + static_cast<ptrdiff_t>(i);
    common += !before && std::find(b.begin(), b.end(), a[i]) != b.end() ? 1u : 0u;
  }
  return common;
}

bool order_is_lost(const Record& record) {
  constexpr double kSorted = 0.999;
  if (record.k < 2) return false;
  uint64_t rows = 0, ascending = 0;
  for (const LayerLog& log : record.layers) {
    for (size_t row = 0; row < record.rows; ++row) {
      const auto ids = record.ids(log, row);
      if (!recorded(ids)) continue;
      ++rows;
      ascending += std::is_sorted(ids.begin(), ids.end()) ? 1u : 0u;
    }
  }
  return rows > 0 && static_cast<double>(ascending) > kSorted * static_cast<double>(rows);
}

std::vector<LayerComparison> compare(const Side& a, const Side& b, const Side* reference,
                                     const Pairs& pairs, int threads) {
  std::vector<LayerComparison> layers(pairs.layers.size());
  parallel_for(layers.size(), threads, [&](size_t at, int) {
    layers[at].layer = pairs.layers[at];
    compare_choices(a, b, pairs, layers[at]);
    if (reference != nullptr) {
      take_margins(*reference, reference == &a ? pairs.a : pairs.b, layers[at]);
    }
  });
  return layers;
}

SequenceUnits sequence_units(const Pairs& pairs, uint32_t replicates, uint64_t seed) {
  const size_t sequences = pairs.sequences(), count = std::min(sequences, kMostUnits);
  std::vector<uint32_t> of_pair(pairs.count());
  for (size_t s = 0; s < sequences; ++s) {
    std::fill(of_pair.begin() + pairs.first[s], of_pair.begin() + pairs.first[s + 1],
              static_cast<uint32_t>(s * count / sequences));
  }
  return {.of_pair = std::move(of_pair),
          .count = count,
          .table = stats::CountTable(count, replicates, seed, 0)};
}

void UnitSums::add(const UnitSums& other) {
  for (size_t i = 0; i < sum_.size(); ++i) {
    sum_[i] += other.sum_[i];
    count_[i] += other.count_[i];
  }
}

Measure UnitSums::measure(const stats::CountTable& table) const {
  double decisions = 0;
  size_t used = 0;
  for (const double count : count_) {
    decisions += count;
    used += count > 0 ? 1u : 0u;
  }
  if (used == 0) {
    return {.decisions = 0, .value = std::numeric_limits<double>::quiet_NaN(), .interval = {}};
  }
  const stats::Replicates replicates = stats::ratio_replicates(table, sum_, count_);
  Measure measure{
      .decisions = static_cast<uint64_t>(decisions), .value = replicates.estimate, .interval = {}};
  if (used > 1) measure.interval = stats::percentile_interval(replicates.values);
  return measure;
}

namespace {

struct RowSums {
  UnitSums same_sets, overlap, same_order, same_first, weights;
  uint64_t decisions = 0, unrecorded = 0;
  bool has_weights = false;

  explicit RowSums(size_t units)
      : same_sets(units), overlap(units), same_order(units), same_first(units), weights(units) {}

  void add(const LayerComparison& layer, const SequenceUnits& units) {
    has_weights = !layer.weight_difference.empty();
    for (size_t p = 0; p < layer.recorded.size(); ++p) {
      if (!layer.recorded[p]) {
        ++unrecorded;
        continue;
      }
      ++decisions;
      const uint32_t unit = units.of_pair[p];
      same_sets.add(unit, layer.same_set[p]);
      overlap.add(unit, static_cast<double>(layer.overlap[p]));
      same_order.add(unit, layer.same_order[p]);
      same_first.add(unit, layer.same_first[p]);
      if (has_weights && !std::isnan(layer.weight_difference[p])) {
        weights.add(unit, static_cast<double>(layer.weight_difference[p]));
      }
    }
  }

  void add(const RowSums& other) {
    same_sets.add(other.same_sets);
    overlap.add(other.overlap);
    same_order.add(other.same_order);
    same_first.add(other.same_first);
    weights.add(other.weights);
    decisions += other.decisions;
    unrecorded += other.unrecorded;
    has_weights = has_weights || other.has_weights;
  }

  AgreementRow row(std::optional<int> layer, const SequenceUnits& units, bool order_known) const {
    AgreementRow row{.layer = layer,
                     .decisions = decisions,
                     .unrecorded = unrecorded,
                     .same_sets = same_sets.measure(units.table),
                     .overlap = overlap.measure(units.table),
                     .same_order = {},
                     .same_first = {},
                     .weight_difference = {}};
    if (order_known) {
      row.same_order = same_order.measure(units.table);
      row.same_first = same_first.measure(units.table);
    }
    if (has_weights) row.weight_difference = weights.measure(units.table);
    return row;
  }
};

}  // namespace

std::vector<AgreementRow> agreement_rows(const std::vector<LayerComparison>& layers,
                                         const SequenceUnits& units, bool order_known,
                                         int threads) {
  std::vector<RowSums> sums(layers.size(), RowSums(units.count));
  std::vector<AgreementRow> rows(layers.size());
  parallel_for(layers.size(), threads, [&](size_t at, int) {
    sums[at].add(layers[at], units);
    rows[at] = sums[at].row(layers[at].layer, units, order_known);
  });
  RowSums all(units.count);
  for (const RowSums& layer : sums) all.add(layer);
  rows.push_back(all.row(std::nullopt, units, order_known));
  return rows;
}

std::vector<FlipRow> flips_by_margin(const std::vector<LayerComparison>& layers,
                                     const SequenceUnits& units) {
  std::vector<UnitSums> sums(10, UnitSums(units.count));
  bool any = false;
  for (const LayerComparison& layer : layers) {
    const std::vector<float> edges = margin_edges(layer);
    if (edges.empty()) continue;
    any = true;
    for (size_t p = 0; p < layer.margins.size(); ++p) {
      if (!layer.recorded[p] || std::isnan(layer.margins[p])) continue;
      sums[tenth_of(edges, layer.margins[p])].add(units.of_pair[p], 1 - layer.same_set[p]);
    }
  }
  std::vector<FlipRow> rows;
  for (size_t tenth = 0; tenth < sums.size() && any; ++tenth) {
    rows.push_back(flip_row(std::to_string(tenth + 1), sums[tenth], units));
  }
  return rows;
}

std::vector<FlipRow> flips_by_position(const std::vector<LayerComparison>& layers,
                                       const Pairs& pairs, const SequenceUnits& units) {
  std::vector<UnitSums> sums;
  for (const LayerComparison& layer : layers) {
    for (size_t p = 0; p < pairs.count(); ++p) {
      if (!layer.recorded[p]) continue;
      const size_t range = position_range(pairs.position[p]);
      if (range >= sums.size()) sums.resize(range + 1, UnitSums(units.count));
      sums[range].add(units.of_pair[p], 1 - layer.same_set[p]);
    }
  }
  std::vector<FlipRow> rows;
  for (size_t range = 0; range < sums.size(); ++range) {
    const uint64_t first = range == 0 ? 0 : uint64_t{1} << (range - 1);
    const uint64_t last = (uint64_t{1} << range) - 1;
    FlipRow row = flip_row(std::to_string(first), sums[range], units);
    if (last > first) row.label += '-' + std::to_string(last);
    if (row.flips.decisions > 0) rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<FlipRow> flips_by_phase(const std::vector<LayerComparison>& layers, const Side& a,
                                    const Side& b, const Pairs& pairs, const SequenceUnits& units) {
  std::vector<UnitSums> sums(3, UnitSums(units.count));
  for (const LayerComparison& layer : layers) {
    for (size_t p = 0; p < pairs.count(); ++p) {
      if (!layer.recorded[p]) continue;
      // A model computes everything at once: what an engine says of itself comes first.
      Phase phase = a.record.phase[pairs.a[p]];
      const Phase other = b.record.phase[pairs.b[p]];
      if (phase == Phase::unknown || other == Phase::decode) phase = other;
      sums[static_cast<size_t>(phase)].add(units.of_pair[p], 1 - layer.same_set[p]);
    }
  }
  std::vector<FlipRow> rows;
  for (const Phase phase : {Phase::prefill, Phase::decode, Phase::unknown}) {
    FlipRow row = flip_row(std::string(name(phase)), sums[static_cast<size_t>(phase)], units);
    if (row.flips.decisions > 0) rows.push_back(std::move(row));
  }
  return rows;
}

Onset find_onsets(const std::vector<LayerComparison>& layers) {
  Onset onset;
  for (const LayerComparison& layer : layers) {
    onset.layers.push_back({.layer = layer.layer, .reached = 0, .onsets = 0});
  }
  const size_t tokens = layers.empty() ? 0 : layers[0].recorded.size();
  for (size_t p = 0; p < tokens; ++p) {
    const bool whole = std::all_of(layers.begin(), layers.end(), [&](const LayerComparison& layer) {
      return layer.recorded[p] != 0;
    });
    if (!whole) continue;
    ++onset.tokens;
    bool differs = false;
    for (size_t at = 0; at < layers.size() && !differs; ++at) {
      ++onset.layers[at].reached;
      differs = layers[at].same_set[p] == 0;
      onset.layers[at].onsets += differs ? 1u : 0u;
    }
    onset.never += differs ? 0u : 1u;
  }
  return onset;
}

}  // namespace rg::logs
