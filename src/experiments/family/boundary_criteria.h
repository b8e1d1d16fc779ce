// The two criteria of boundary_amplification at one layer, on all windows or on some of them:
// (a) disagreement is concentrated near the boundary, (b) it never increases with the margin.
// Definitions: docs/artifacts.md, 7.
#pragma once

#include <span>
#include <vector>

#include "experiments/family/compression.h"

namespace rg::experiments {

struct DecileSums {
  std::array<uint64_t, kDeciles> mass{}, tokens{};
  void add(const BoundaryWindow& window);
};
DecileSums decile_sums(std::span<const BoundaryWindow> windows);
using DecileMeans = std::array<double, kDeciles>;  // NaN where a decile is empty
// mass / (k tokens)
DecileMeans mean_disagreement(const DecileSums& sums, uint32_t k);
// max over neighbouring non-empty deciles of d_{i+1} - d_i; NaN with fewer than two of them.
double largest_rise(const DecileMeans& means);
// (b): there is no rise.
bool never_increases(const DecileMeans& means);

// Why the question has no answer at the layer; null if it has one.
const char* degenerate(const DecileSums& sums, bool equal_margins);

// (a): the interval of some quantile's mean lies above 0.
bool concentrated(std::span<const stats::Replicates> means);

// One layer with what its criteria need.
class BoundaryLayer {
 public:
  BoundaryLayer(const BoundaryRecord& record, size_t slot);

  const LayerCompression& compression() const { return compression_; }
  const DecileSums& sums() const { return sums_; }
  bool equal_margins() const { return equal_margins_; }
  // Largest rise between deciles, with that of every replicate's windows.
  stats::Replicates rise(const Statistician& statistician) const;

  // On some windows, with the deciles of all.
  DecileSums sums_among(std::span<const uint32_t> members) const;
  bool concentrated_among(std::span<const uint32_t> members, const stats::CountTable& table) const;

 private:
  std::span<const BoundaryWindow> windows_;
  uint32_t k_;
  bool equal_margins_;
  DecileSums sums_;
  LayerCompression compression_;
};

}  // namespace rg::experiments
