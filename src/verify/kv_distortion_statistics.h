// Statistics of kv_distortion over documents of measured windows (docs/artifacts.md 17.2): blocks
// of codes, by layer and over layers, and whether a forecast is calibrated.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "verify/kv_distortion.h"
#include "verify/kv_series.h"

namespace rg::verify::distortion {

inline constexpr Interval kCalibrated{0.8, 1.25};  // of ratio and slope, ends included
inline constexpr size_t kMinDocuments = 20;

// The blocks of a code at a layer, and over layers.
enum Block : size_t { kMeanError, kMeanVariation, kMeanDivergence, kRatio, kSlope };
inline constexpr std::array<const char*, 5> kBlockNames = {"error", "variation", "divergence",
                                                           "ratio", "slope"};
using Blocks = std::array<kv::Series, kBlockNames.size()>;
using MeanOfBlocks = kv::MeanOfSeries<kBlockNames.size()>;

// Documents drawn with replacement, one table of draws for every statistic.
class DocumentBootstrap {
 public:
  explicit DocumentBootstrap(const Record& record);

  // AR004 where that is too much work. Seconds are added to the judgement's.
  void resample(const Case& c);
  size_t replicates() const { return replicates_->count(); }
  // Of a code that isn't refused; `measurement` of kMeasurementNames.
  Blocks blocks(int layer, size_t code, size_t measurement) const;

 private:
  struct CodeColumns {
    size_t error, forecast, product, forecast_squares, variation, divergence;
  };
  struct LayerColumns {
    size_t cases = SIZE_MAX;
    std::vector<std::array<CodeColumns, kMeasurements>> codes;
  };
  size_t add(const Record& record, const Windows& of_windows);  // summed by document
  kv::Series ratio(size_t numerator, size_t denominator) const;

  Columns columns_;
  std::map<int, LayerColumns> layers_;
  std::unique_ptr<Replicates> replicates_;
};

// "CALIBRATED", "NOT_CALIBRATED" or "INSUFFICIENT".
std::string calibration_of(const Blocks& blocks, size_t documents);

}  // namespace rg::verify::distortion
