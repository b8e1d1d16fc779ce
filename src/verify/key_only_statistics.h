// Statistics of key_only_router over units of test documents (docs/artifacts.md 20.2): ratios of a
// layer, gaps between its overlaps, and their means over layers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "verify/key_only_router.h"
#include "verify/kv_outcome.h"

namespace rg::verify::key_only {

inline constexpr double kSound = 0.95;  // least overlap from the router's own input
inline constexpr Interval kPublished{0.93, 0.976};

// Differences of two overlaps.
inline constexpr size_t kGaps = 6;
inline constexpr size_t kKeyGap = 0, kAttentionGap = 1, kConstantGap = 5;
struct Gap {
  const char* name;
  size_t from, less;  // features
};
inline constexpr std::array<Gap, kGaps> kGapsOf = {{{"key_gap", kResidual, kKeys},
                                                    {"attention_gap", kGateInput, kResidual},
                                                    {"one_bit_gap", kKeys, kSigns},
                                                    {"value_gap", kKeysValues, kKeys},
                                                    {"token_gap", kKeys, kToken},
                                                    {"constant_gap", kKeys, kNone}}};
inline constexpr std::array<const char*, 2> kCeilingNames = {"lower", "upper"};

// Of an entry that isn't refused.
struct EntryBlocks {
  kv::Series overlap, exact, top1, mass, r2;
  std::array<kv::Series, kBudgets> hits;
};

// What a layer and the model have alike.
inline constexpr size_t kOverlaps = 0, kFirstGap = kFeatures, kFirstCeiling = kFirstGap + kGaps,
                        kShared = kFirstCeiling + 2;
using SharedBlocks = std::array<kv::Series, kShared>;

// The entry that stands for its features: with the largest choosing_common, the first of equals.
// None if all are refused.
std::optional<size_t> chosen_entry(const Layer& layer, size_t feature);

struct Settings {
  uint64_t seed = 0;
  uint32_t replicates = 0;
  int threads = 1;
};

// Units drawn with replacement, for one layer; every layer has the same draws.
class LayerBootstrap {
 public:
  enum class Extent { summary, key_gap };  // of what: everything, or what the outcome needs
  LayerBootstrap(const Case& c, const Record& record, const Layer& layer, Extent extent);
  void resample(const Settings& settings);

  EntryBlocks entry(size_t index) const;
  SharedBlocks shared() const;
  kv::Series key_gap() const;
  size_t columns() const { return columns_.size(); }

 private:
  struct EntryColumns {
    size_t common = SIZE_MAX, exact = SIZE_MAX, top1 = SIZE_MAX, mass = SIZE_MAX, error = SIZE_MAX;
    std::array<size_t, kBudgets> hits = {};
  };
  size_t add(const std::vector<int64_t>& counts);
  void add_entry(const Entry& entry, Extent extent);
  kv::Series ratio(size_t numerator, size_t denominator) const;
  kv::Series overlap(size_t feature) const;

  const Layer& layer_;
  Columns columns_;
  size_t rows_ = SIZE_MAX, cases_ = SIZE_MAX, energy_ = SIZE_MAX;
  std::array<size_t, 2> ceiling_ = {SIZE_MAX, SIZE_MAX};
  std::vector<EntryColumns> entries_;
  std::unique_ptr<Replicates> replicates_;
};

// Means over layers, each over those where it is defined.
class ModelMeans {
 public:
  void add(const SharedBlocks& blocks);
  SharedBlocks mean(size_t replicates) const;

 private:
  std::array<kv::MeanOfSeries<1>, kShared> means_;
};
// The model's key_gap alone, by other replicates.
kv::Series model_key_gap(const Case& c, const Record& record, const Settings& settings);
// Throws AR004 where the summary would be too much work.
void check_work(const Case& c, const Record& record);

// Of the key_gap: INFERIOR where keys tell less than the residual stream.
kv::Outcome outcome_of_gap(const std::optional<Interval>& key_gap);
// Distance from the outcome's thresholds in standard errors; none without an error.
std::optional<double> distance_of(const kv::Series& key_gap, kv::Outcome outcome);
std::string sentence_of(kv::Outcome outcome, const std::optional<Interval>& constant_gap);
// Of the residual's overlap against the published range.
std::string place_of(const std::optional<Interval>& residual);

}  // namespace rg::verify::key_only
