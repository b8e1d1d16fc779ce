// Two logs decision by decision: one decision is the choice of one layer for one token.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "logs/agreement/pairs.h"
#include "logs/agreement/side.h"
#include "stats/bootstrap.h"

namespace rg::logs {

// Of one layer, for every pair of rows.
struct LayerComparison {
  int layer = 0;
  std::vector<uint8_t> recorded;  // 1: both sides have a choice; 0: the rest is not set
  std::vector<uint8_t> same_set;  // 1: the same experts, in any order
  std::vector<uint8_t> same_order, same_first;
  std::vector<float> overlap;            // common experts / larger k
  std::vector<float> weight_difference;  // mean over common experts, NaN without; or empty
  std::vector<float> margins;            // m_set of the reference's gate, NaN undefined; or empty
};

// `reference`: the side with gates, whose margins are taken; null: none has.
std::vector<LayerComparison> compare(const Side& a, const Side& b, const Side* reference,
                                     const Pairs& pairs, int threads);

// Ids come in another order than by rank in nearly every row: nothing is said of order.
bool order_is_lost(const Record& record);

// Distinct ids of `a` that `b` has, too.
uint32_t common_experts(std::span<const int32_t> a, std::span<const int32_t> b) noexcept;

// Resampled units: the sequences, or where there are very many, runs of neighbouring ones.
struct SequenceUnits {
  std::vector<uint32_t> of_pair;  // (pairs)
  size_t count = 0;
  stats::CountTable table;
};
SequenceUnits sequence_units(const Pairs& pairs, uint32_t replicates, uint64_t seed);

// A mean over decisions, with the 95 % interval over sequences; none with one sequence.
struct Measure {
  uint64_t decisions = 0;
  double value = 0;  // NaN without decisions
  std::optional<stats::Interval> interval = {};
};

// Sums over decisions by unit.
class UnitSums {
 public:
  explicit UnitSums(size_t units) : sum_(units, 0.0), count_(units, 0.0) {}
  void add(uint32_t unit, double value) {
    sum_[unit] += value;
    count_[unit] += 1;
  }
  void add(const UnitSums& other);
  Measure measure(const stats::CountTable& table) const;

 private:
  std::vector<double> sum_, count_;
};

struct AgreementRow {
  std::optional<int> layer = {};  // none: all layers
  uint64_t decisions = 0, unrecorded = 0;
  Measure same_sets = {}, overlap = {};
  std::optional<Measure> same_order = {}, same_first = {};  // none where a side lost the order
  std::optional<Measure> weight_difference = {};            // none where a side has no weights
};
// Of every layer, then of all.
std::vector<AgreementRow> agreement_rows(const std::vector<LayerComparison>& layers,
                                         const SequenceUnits& units, bool order_known, int threads);

// Decisions whose sets differ, by what they have in common.
struct FlipRow {
  std::string label;  // "2", "4-7", "prefill"
  Measure flips;
};
// By tenth of the margins of each layer, the narrowest first; empty without margins.
std::vector<FlipRow> flips_by_margin(const std::vector<LayerComparison>& layers,
                                     const SequenceUnits& units);
// By position: 0, 1, 2-3, 4-7 and so on.
std::vector<FlipRow> flips_by_position(const std::vector<LayerComparison>& layers,
                                       const Pairs& pairs, const SequenceUnits& units);
// By phase, as either log says it.
std::vector<FlipRow> flips_by_phase(const std::vector<LayerComparison>& layers, const Side& a,
                                    const Side& b, const Pairs& pairs, const SequenceUnits& units);

// Where the sets of a token first differ. Of tokens that both logs have at every common layer.
struct OnsetRow {
  int layer = 0;
  uint64_t reached = 0;  // tokens with equal sets at all layers before
  uint64_t onsets = 0;   // of these, those that differ here
};
struct Onset {
  uint64_t tokens = 0, never = 0;
  std::vector<OnsetRow> layers = {};
};
Onset find_onsets(const std::vector<LayerComparison>& layers);

}  // namespace rg::logs
