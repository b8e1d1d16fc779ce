// Estimates of kv_distortion under one code, with their replicates over documents: of a layer, and
// means of layers (docs/artifacts.md, 17.2).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "experiments/kv_distortion_observer.h"
#include "stats/bootstrap.h"

namespace rg::experiments {

inline constexpr double kCalibratedFrom = 0.8, kCalibratedTo = 1.25;
inline constexpr size_t kDocumentsCalibrated = 20;  // fewer don't calibrate a forecast

// Measured windows by document, numbered by their first measured window.
struct KvDocuments {
  KvDocuments(const KvContextRecord& contexts, std::span<const uint32_t> window_document);

  std::vector<uint32_t> of_window;  // (measured windows)
  uint32_t count = 0;
};

enum KvBlock : size_t { kError, kVariationMean, kDivergence, kRatio, kSlope };
inline constexpr std::array<const char*, 5> kKvBlockNames = {"error", "variation", "divergence",
                                                             "ratio", "slope"};

// NaN: undefined.
struct KvDistortionEstimates {
  std::array<stats::Replicates, kKvBlockNames.size()> blocks;
  std::array<double, keys::kBounds> vacuous;  // shares of cases
  double direction;                           // of key errors, 1 if they have none
  std::array<double, keys::kBounds> excess;   // the largest
};

// Of one of the two measurements at a layer. None without cases.
std::optional<KvDistortionEstimates> kv_distortion_estimates(const KvDistortionLayer& layer,
                                                             size_t code, bool sinks_exact,
                                                             const KvDocuments& documents,
                                                             const stats::CountTable& table);
// Averaged over parts, of which there is at least one; the excess is the largest.
KvDistortionEstimates kv_distortion_mean(std::span<const KvDistortionEstimates* const> parts);

// "CALIBRATED", "NOT_CALIBRATED", "INSUFFICIENT".
std::string_view kv_calibration(const KvDistortionEstimates* found, size_t documents);

}  // namespace rg::experiments
