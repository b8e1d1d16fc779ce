// The arrays of theorem_slack (docs/artifacts.md, theorem_slack), read and checked against each
// other. Errors: defects in the inspector; nothing is thrown.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/tests.h"
#include "verify/theorem_slack_rules.h"

namespace rg::verify::slack {

inline constexpr size_t kBins = 20;
inline constexpr size_t kQuantiles = 11;  // of ranks ceil(q m/10), q = 0..10

// The sampled rows. C positions of each of W windows.
struct Sample {
  std::vector<uint32_t> windows;         // (W) ascending
  int64_t positions = 0;                 // C
  std::vector<int64_t> query_positions;  // (Q) ascending
  int64_t rows() const { return static_cast<int64_t>(windows.size()) * positions; }
};

// What is stated of a layer, and which theorems apply to it for that reason.
struct LayerFacts {
  bool keys = false;
  int64_t heads = 0, kv_heads = 0, width = 0, planes = 0;
  bool normed = false;  // keys before RoPE are seen
  int64_t experts = 0, topk = 0;
  bool plain = false, full_softmax = false, logit_bias = false, finite = false;
};
bool applies(std::string_view id, const LayerFacts& facts, const Sample& sample);

// One past the largest number at each step of a place.
std::vector<int64_t> place_limits(Unit unit, const LayerFacts& facts, const Sample& sample);

struct Tightest {
  std::optional<double> value, bound, used;  // none: not finite, or undefined
  double allowance = 0;
};

// Of one quantity at one layer.
struct Cases {
  int64_t cases = 0, skipped = 0, violated = 0, without_share = 0;
  std::array<int64_t, kBins> histogram{};
  int64_t shares = 0;  // sum of the histogram
  std::optional<std::array<double, kQuantiles>> quantiles;
  std::optional<Tightest> tightest;

  // Whether `used` of every case is in the quantiles.
  bool all_counted() const { return quantiles && violated == 0 && without_share == 0; }
};

struct Layer {
  LayerFacts facts;
  // As checked_theorems() and their quantities; empty where a theorem doesn't apply.
  std::vector<std::vector<Cases>> theorems;
  const Cases* find(std::string_view id, std::string_view name) const;
};

struct Record {
  Sample sample;
  std::map<int, Layer> layers;  // all of `layers`
};

// Everything below `root` but the summary; defects are in the inspector.
Record read_record(const Case& c);
// The parameters, and the sample that follows from them (theorem_slack_sample.cc).
Sample read_sample(const Case& c);
// Of one quantity (theorem_slack_cases.cc).
Cases read_cases(const Case& c, const Record& record, const LayerFacts& facts,
                 const Quantity& quantity, const At& at);
// What must hold between the numbers of a layer (theorem_slack_sides.cc).
void check_layer(const Case& c, const Sample& sample, int number, const Layer& layer);

// The share of the slack that a case takes; none where it is undefined or not finite.
std::optional<double> share_used(Relation relation, const Tightest& of);
bool case_holds(Relation relation, const Tightest& of);

// "cases.3.JF-2[0]", and below it.
std::string path_of(int layer, std::string_view id, size_t quantity);

}  // namespace rg::verify::slack
