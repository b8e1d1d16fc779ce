#include "logs/agreement/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>

#include "base/parallel.h"

namespace rg::logs {
namespace {

constexpr size_t kFewestPieces = 8;

struct FaultRow {
  FaultKind kind;
  std::string_view name, sentence;
};
// The simplest first.
constexpr std::array<FaultRow, 8> kFaults = {{
    {FaultKind::other_k, "other_k", "selects another number of experts"},
    {FaultKind::no_selection_bias, "no_selection_bias",
     "ranks experts by their scores without the selection bias"},
    {FaultKind::no_groups, "no_groups", "selects among all experts, not among the best groups"},
    {FaultKind::layer_before, "layer_before",
     "has at each layer the choice of the layer with a gate before it"},
    {FaultKind::layer_after, "layer_after",
     "has at each layer the choice of the layer with a gate after it"},
    {FaultKind::token_before, "token_before",
     "has for each token the choice of the token before it"},
    {FaultKind::token_after, "token_after", "has for each token the choice of the token after it"},
    {FaultKind::permutation, "permutation", "numbers the experts of a layer in another way"},
}};

// Pieces of tokens: even ones to fit, odd ones to test.
struct TokenPieces {
  std::vector<uint32_t> of_pair;
  uint32_t count = 0;
};

TokenPieces cut_pieces(const Pairs& pairs) {
  const size_t sequences = pairs.sequences();
  const size_t each = sequences >= kFewestPieces ? 1 : (kFewestPieces + sequences - 1) / sequences;
  TokenPieces pieces;
  pieces.of_pair.resize(pairs.count());
  for (size_t s = 0; s < sequences; ++s) {
    const size_t first = pairs.first[s], rows = pairs.first[s + 1] - first;
    for (size_t i = 0; i < rows; ++i) {
      pieces.of_pair[first + i] = pieces.count + static_cast<uint32_t>(i * each / rows);
    }
    pieces.count += static_cast<uint32_t>(each);
  }
  return pieces;
}

using Ids = std::span<const int32_t>;

// What a fault makes of the reference. `at` is a place in FaultInput::layers.
class FaultModel {
 public:
  virtual ~FaultModel() = default;
  // The choice that the other side would hold; empty if the fault doesn't say.
  virtual Ids choice(size_t at, size_t pair, std::vector<int32_t>& memory) const = 0;
};

// The choice of another layer or another token.
class ShiftedChoice : public FaultModel {
 public:
  ShiftedChoice(const FaultInput& input, int layers, int tokens)
      : input_(input), layers_(layers), tokens_(tokens) {}

  Ids choice(size_t at, size_t pair, std::vector<int32_t>&) const override {
    const std::vector<LayerLog>& logs = input_.reference.record.layers;
    const LayerLog* own = input_.reference.record.find(input_.layers[at].layer);
    const auto place = static_cast<ptrdiff_t>(own - logs.data()) + layers_;
    if (place < 0 || place >= static_cast<ptrdiff_t>(logs.size())) return {};
    const auto other = static_cast<ptrdiff_t>(pair) + tokens_;
    const Pairs& pairs = input_.pairs;
    if (other < 0 || other >= static_cast<ptrdiff_t>(pairs.count())) return {};
    const auto from = static_cast<size_t>(other);
    if (pairs.position[from] - pairs.position[pair] != tokens_) return {};
    if (tokens_ != 0 && starts_sequence(std::max(from, pair))) return {};
    const Ids ids =
        input_.reference.record.ids(logs[static_cast<size_t>(place)], input_.reference_rows[from]);
    return recorded(ids) ? ids : Ids{};
  }

 private:
  bool starts_sequence(size_t pair) const {
    return std::binary_search(input_.pairs.first.begin(), input_.pairs.first.end(),
                              static_cast<uint32_t>(pair));
  }
  const FaultInput& input_;
  int layers_, tokens_;
};

// The first k of the reference's choice, where its order is known and it has no gate.
class FirstOfChoice : public FaultModel {
 public:
  explicit FirstOfChoice(const FaultInput& input) : input_(input) {}
  Ids choice(size_t at, size_t pair, std::vector<int32_t>&) const override {
    const LayerLog& log = *input_.reference.record.find(input_.layers[at].layer);
    return input_.reference.record.ids(log, input_.reference_rows[pair])
        .first(input_.other.record.k);
  }

 private:
  const FaultInput& input_;
};

// What the logits give under another rule.
class OtherRule : public FaultModel {
 public:
  OtherRule(const FaultInput& input, void (*change)(gate::GateSpec& spec, uint32_t other_k))
      : input_(input) {
    for (const auto& [layer, gate] : input.reference.gates) {
      gate::GateSpec spec = gate.spec;
      change(spec, input.other.record.k);
      specs_.emplace(layer, std::move(spec));
    }
  }

  Ids choice(size_t at, size_t pair, std::vector<int32_t>& memory) const override {
    const int layer = input_.layers[at].layer;
    const auto spec = specs_.find(layer);
    if (spec == specs_.end()) return {};
    const LayerLog& log = *input_.reference.record.find(layer);
    const size_t experts = spec->second.experts;
    memory.resize(spec->second.top_k);
    gate::select(spec->second,
                 {log.logits.data() + size_t{input_.reference_rows[pair]} * experts, experts},
                 input_.reference.gates.at(layer).selection_bias, memory);
    return memory;
  }

 private:
  const FaultInput& input_;
  std::map<int, gate::GateSpec> specs_;
};

// The reference's experts under other numbers.
class Renumbered : public FaultModel {
 public:
  Renumbered(const FaultInput& input, std::vector<std::vector<int32_t>> numbers)
      : input_(input), numbers_(std::move(numbers)) {}

  Ids choice(size_t at, size_t pair, std::vector<int32_t>& memory) const override {
    const LayerLog& log = *input_.reference.record.find(input_.layers[at].layer);
    const Ids ids = input_.reference.record.ids(log, input_.reference_rows[pair]);
    if (numbers_[at].empty()) return {};
    memory.clear();
    for (const int32_t id : ids) {
      const auto e = static_cast<size_t>(id);
      memory.push_back(id >= 0 && e < numbers_[at].size() ? numbers_[at][e] : kAbsent);
    }
    return memory;
  }

 private:
  const FaultInput& input_;
  std::vector<std::vector<int32_t>> numbers_;
};

uint32_t experts_of(const FaultInput& input) {
  uint32_t experts = std::max(input.reference.record.experts, input.other.record.experts);
  if (experts > 0) return std::min(experts, gate::kMaxExperts);
  for (const Record* record : {&input.reference.record, &input.other.record}) {
    for (const LayerLog& log : record->layers) {
      for (const int32_t id : log.ids) {
        if (id >= 0) experts = std::max(experts, static_cast<uint32_t>(id) + 1);
      }
    }
  }
  return std::min(experts, gate::kMaxExperts);
}

// The assignment of experts with the largest overlap on even pieces; experts that neither side
// chose keep their number.
std::vector<int32_t> fit_numbers(const FaultInput& input, const TokenPieces& pieces, size_t at,
                                 uint32_t experts) {
  const LayerComparison& layer = input.layers[at];
  const LayerLog& from = *input.reference.record.find(layer.layer);
  const LayerLog& to = *input.other.record.find(layer.layer);
  std::vector<int64_t> together(size_t{experts} * experts, 0);
  for (size_t p = 0; p < input.pairs.count(); ++p) {
    if (!layer.recorded[p] || pieces.of_pair[p] % 2 != 0) continue;
    for (const int32_t a : input.reference.record.ids(from, input.reference_rows[p])) {
      for (const int32_t b : input.other.record.ids(to, input.other_rows[p])) {
        if (a < 0 || b < 0) continue;
        const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
        if (i < experts && j < experts) together[i * experts + j] += 2;
      }
    }
  }
  for (size_t e = 0; e < experts; ++e) ++together[e * experts + e];  // among equals, no change
  return best_assignment(together, experts);
}

// Sums of one layer over odd pieces.
struct TrialSums {
  UnitSums overlap, declared, gain;
  uint64_t decisions = 0;
  explicit TrialSums(size_t units) : overlap(units), declared(units), gain(units) {}
  void add(const TrialSums& other) {
    overlap.add(other.overlap);
    declared.add(other.declared);
    gain.add(other.gain);
    decisions += other.decisions;
  }
};

TrialSums try_layer(const FaultInput& input, const TokenPieces& pieces, size_t at,
                    const FaultModel& fault) {
  const LayerComparison& layer = input.layers[at];
  const LayerLog& log = *input.other.record.find(layer.layer);
  TrialSums sums(pieces.count / 2);
  std::vector<int32_t> memory;
  for (size_t p = 0; p < input.pairs.count(); ++p) {
    if (!layer.recorded[p] || pieces.of_pair[p] % 2 == 0) continue;
    const Ids expected = fault.choice(at, p, memory);
    if (expected.empty()) continue;
    const Ids found = input.other.record.ids(log, input.other_rows[p]);
    const double overlap = static_cast<double>(common_experts(expected, found)) /
                           static_cast<double>(std::max(expected.size(), found.size()));
    const auto declared = static_cast<double>(layer.overlap[p]);
    const uint32_t unit = pieces.of_pair[p] / 2;
    sums.overlap.add(unit, overlap);
    sums.declared.add(unit, declared);
    sums.gain.add(unit, overlap - declared);
    ++sums.decisions;
  }
  return sums;
}

void try_fault(const FaultInput& input, const TokenPieces& pieces,
               const std::vector<size_t>& places, const stats::CountTable& table,
               const FaultModel& fault, FaultTrial& trial) {
  std::vector<TrialSums> sums(places.size(), TrialSums(pieces.count / 2));
  parallel_for(places.size(), input.threads,
               [&](size_t i, int) { sums[i] = try_layer(input, pieces, places[i], fault); });
  TrialSums all(pieces.count / 2);
  for (const TrialSums& layer : sums) all.add(layer);
  trial.decisions = all.decisions;
  if (all.decisions == 0) {
    trial.not_tried = "no held-out decision";
    return;
  }
  trial.overlap = all.overlap.measure(table);
  trial.declared = all.declared.measure(table);
  trial.gain = all.gain.measure(table).interval;
  trial.explains = trial.overlap.value >= kNamedOverlap && trial.gain && (*trial.gain)[0] > 0;
}

std::string why_not_tried(const FaultInput& input, FaultKind kind) {
  const bool gates = !input.reference.gates.empty();
  const uint32_t k = input.reference.record.k, other = input.other.record.k;
  const gate::GateSpec* spec = gates ? &input.reference.gates.begin()->second.spec : nullptr;
  switch (kind) {
    case FaultKind::other_k:
      if (k == other) return "both sides have the same k";
      if (!gates && other > k) return "needs router logits";
      if (!gates && order_is_lost(input.reference.record)) return "needs the order of ids";
      if (gates && other > spec->experts) return "more than there are experts";
      return {};
    case FaultKind::no_selection_bias:
      if (!gates) return "needs router logits";
      return spec->selection_bias ? "" : "the gate has none";
    case FaultKind::no_groups:
      if (!gates) return "needs router logits";
      return spec->groups > 1u ? "" : "the gate has none";
    case FaultKind::layer_before:
    case FaultKind::layer_after:
      return input.reference.record.layers.size() > 1 ? "" : "one layer";
    case FaultKind::token_before:
    case FaultKind::token_after:
      return {};
    case FaultKind::permutation:
      return k == other ? "" : "the sides have different k";
  }
  return {};
}

std::unique_ptr<FaultModel> fault_model(const FaultInput& input, FaultKind kind) {
  switch (kind) {
    case FaultKind::other_k:
      if (input.reference.gates.empty()) return std::make_unique<FirstOfChoice>(input);
      return std::make_unique<OtherRule>(
          input, [](gate::GateSpec& spec, uint32_t other_k) { spec.top_k = other_k; });
    case FaultKind::no_selection_bias:
      return std::make_unique<OtherRule>(
          input, [](gate::GateSpec& spec, uint32_t) { spec.selection_bias = false; });
    case FaultKind::no_groups:
      return std::make_unique<OtherRule>(input, [](gate::GateSpec& spec, uint32_t) {
        spec.groups = 1u;
        spec.groups_kept = 1u;
        spec.group_score = gate::GroupScore::none;
      });
    case FaultKind::layer_before:
      return std::make_unique<ShiftedChoice>(input, -1, 0);
    case FaultKind::layer_after:
      return std::make_unique<ShiftedChoice>(input, 1, 0);
    case FaultKind::token_before:
      return std::make_unique<ShiftedChoice>(input, 0, -1);
    case FaultKind::token_after:
      return std::make_unique<ShiftedChoice>(input, 0, 1);
    case FaultKind::permutation:
      break;
  }
  return nullptr;
}

// By place in FaultInput::layers; empty where a layer isn't searched.
std::vector<std::vector<int32_t>> fit_all_numbers(const FaultInput& input,
                                                  const TokenPieces& pieces,
                                                  const std::vector<size_t>& places) {
  std::vector<std::vector<int32_t>> numbers(input.layers.size());
  const uint32_t experts = experts_of(input);
  parallel_for(places.size(), input.threads, [&](size_t i, int) {
    numbers[places[i]] = fit_numbers(input, pieces, places[i], experts);
  });
  return numbers;
}

}  // namespace

std::string_view name(FaultKind kind) noexcept { return kFaults[static_cast<size_t>(kind)].name; }
std::string_view sentence(FaultKind kind) noexcept {
  return kFaults[static_cast<size_t>(kind)].sentence;
}

FaultSearch search_faults(const FaultInput& input, const std::vector<int>& layers) {
  FaultSearch search{.layers = layers, .trials = {}, .named = {}, .permutations = {}};
  std::vector<size_t> places;
  for (size_t at = 0; at < input.layers.size(); ++at) {
    if (std::find(layers.begin(), layers.end(), input.layers[at].layer) != layers.end()) {
      places.push_back(at);
    }
  }
  const TokenPieces pieces = cut_pieces(input.pairs);
  const stats::CountTable table(pieces.count / 2, input.replicates, input.seed, 0);
  std::vector<std::vector<int32_t>> numbers;
  double best = 0;
  for (const FaultRow& row : kFaults) {
    FaultTrial trial{.kind = row.kind, .not_tried = why_not_tried(input, row.kind)};
    if (trial.not_tried.empty()) {
      std::unique_ptr<FaultModel> fault = fault_model(input, row.kind);
      if (fault == nullptr) {
        numbers = fit_all_numbers(input, pieces, places);
        fault = std::make_unique<Renumbered>(input, numbers);
      }
      try_fault(input, pieces, places, table, *fault, trial);
    }
    if (trial.explains && trial.overlap.value > best) {
      best = trial.overlap.value;
      search.named = row.kind;
    }
    search.trials.push_back(std::move(trial));
  }
  if (search.named == FaultKind::permutation) {
    for (const size_t at : places) search.permutations.push_back(std::move(numbers[at]));
  }
  return search;
}

}  // namespace rg::logs
