// Statistics of kv_gauge over units of held-out documents (docs/artifacts.md 16.2): means of heads,
// of layers and of the model, with their replicates, and the published sentence they support.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "verify/kv_gauge.h"
#include "verify/kv_outcome.h"

namespace rg::verify::kv {

inline constexpr Interval kPublishedLearned{0.919, 0.965};

// Among a head's gauges, those that `random` is a mean of.
bool is_random(const Gauge& gauge);

// The statistics that heads, layers and the model have alike.
inline constexpr size_t kLearned = 0, kRandom = 1, kAdvantage = 2, kNoiseAdvantage = 3, kExcess = 4,
                        kCentred = 5;  // and the two after it, as kCentringNames
using Blocks = std::array<Series, kCentred + kCentrings>;

using MeanOfBlocks = MeanOfSeries<kCentred + kCentrings>;

// Where a head's arrays stand among the columns; SIZE_MAX for what it lacks.
struct HeadColumns {
  struct Ratio {
    size_t numerator = SIZE_MAX, denominator = SIZE_MAX;
  };
  struct Kept {
    size_t squared_norms = SIZE_MAX, sizes = SIZE_MAX, energy = SIZE_MAX;
  };
  size_t keys = SIZE_MAX;
  Ratio learned, random, advantage, noise_advantage;
  std::array<Ratio, kCentrings> centred;
  std::vector<size_t> gauges;  // cosines, in the order of gauges
  std::vector<Kept> kept;      // likewise
};

// Units drawn with replacement, one table of draws for every statistic.
class UnitBootstrap {
 public:
  enum class Extent { summary, advantage };  // of what: everything, or what the outcome needs
  UnitBootstrap(const Record& record, Extent extent);

  void resample(const Case& c, const UnitDraws& draws);
  size_t replicates() const { return replicates_->count(); }

  const HeadColumns& of(int layer, size_t head) const { return heads_.at(layer)[head]; }
  Series ratio(const HeadColumns::Ratio& ratio) const;
  Blocks blocks(const HeadColumns& head) const;
  // The interval of a gauge's mean cosine.
  std::optional<Interval> mean_cosine(const HeadColumns& head, size_t gauge) const;
  std::optional<Interval> beta_per_key(const HeadColumns& head, size_t gauge) const;
  std::optional<Interval> beta_pooled(const HeadColumns& head, size_t gauge, double width) const;

 private:
  HeadColumns add_head(const Head& head, Extent extent);
  HeadColumns::Ratio add_ratio(const Windows& numerator, const Windows& denominator);

  Columns columns_;
  std::map<int, std::vector<HeadColumns>> heads_;
  std::unique_ptr<Replicates> replicates_;
};

// Which published sentence keys support.
enum class Support { no_advantage, learned_rotations, smaller_advantage, undecided };
Support support_of(const Blocks& blocks);
std::string name_of(Support support);

}  // namespace rg::verify::kv
