// What the cases of one quantity come to: counts, a histogram and quantiles of the shares of slack
// that they use, and the tightest case (docs/artifacts.md, 18).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "slack/case.h"

namespace rg::slack {

inline constexpr size_t kBins = 20;       // of shares in [0, 1]; the last one holds 1, too
inline constexpr size_t kQuantiles = 11;  // least, deciles, largest

using Place = std::vector<uint32_t>;  // which case of its unit

struct Found {
  struct Tightest {
    Case at;
    std::optional<double> used;
    Place place;
  };
  uint64_t cases = 0, skipped = 0, violated = 0, without_share = 0;
  std::array<uint64_t, kBins> histogram = {};
  std::optional<std::array<double, kQuantiles>> quantiles;  // none: no case with a share holds
  std::optional<Tightest> tightest;                         // none: no case
};

size_t bin_of(double used);  // of a share in [0, 1]

class Tally {
 public:
  explicit Tally(Relation relation) : relation_(relation) {}

  void see(const Case& at, Place place);
  void skip(uint64_t candidates = 1) { counted_.skipped += candidates; }
  // As if the other's cases had come after these.
  void append(const Tally& later);
  Found found() const;

 private:
  void offer(const Found::Tightest& candidate, bool violated);

  Relation relation_;
  Found counted_;             // without quantiles
  std::vector<double> used_;  // of the cases that hold and have one, in their order
};

}  // namespace rg::slack
