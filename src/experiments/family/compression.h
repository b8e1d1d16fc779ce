// Compression of a mass near the boundary: the share F of a window's mass that lies on the tokens
// with the smallest margins, and what a mass that ignores margins would give. The mass is
// disagreement (boundary_amplification) or change of behaviour (behavior_compression).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "experiments/family/boundary_record.h"

namespace rg::experiments {

// One layer and quantile, by window. NaN where the window has no finite margin; what F enters, also
// where the mass is not finite.
struct Compression {
  std::vector<double> share;             // F_w = mass under the threshold / mass; 0 without mass
  std::vector<double> baseline;          // n_le / T_def: tokens at or under the threshold
  std::vector<double> threshold;         // in scores
  std::vector<double> published;         // F_w - ceil(q T_def) / T_def
  std::vector<double> tie_aware;         // F_w - n_le / T_def
  std::vector<double> over_disagreeing;  // the same; NaN without mass, too
};

// mass, mass_under (windows): all of a window's mass, and that at or under the threshold.
Compression compression_of(std::span<const BoundaryWindow> windows, uint32_t positions, size_t q,
                           std::span<const double> mass, std::span<const double> mass_under);
using LayerCompression = std::array<Compression, kQuantiles>;

// Of the disagreement of a layer.
LayerCompression disagreement_compression(const BoundaryRecord& record, size_t slot);

// {q01: ..., q05: ..., q10: ..., q20: ...}
Json by_quantile(const std::function<Json(size_t q)>& value);
// [0.01, 0.05, 0.1, 0.2]
Json quantiles_json();
// By quantile, values of a layer's windows: counts, and numbers that are null where NaN.
Json counts_under(std::span<const BoundaryWindow> windows,
                  std::array<uint32_t, kQuantiles> BoundaryWindow::*counts);
Json values_by_quantile(const LayerCompression& compression,
                        std::vector<double> Compression::*values, Nulls& nulls,
                        const std::string& path);

// The replicates of a layer's means, by quantile.
struct CompressionReplicates {
  std::vector<stats::Replicates> published, tie_aware;
};
CompressionReplicates replicates_of(const LayerCompression& compression,
                                    const Statistician& statistician);
// {q: {published, tie_aware, over_disagreeing}}, delta blocks.
Json compression_json(const LayerCompression& compression, const CompressionReplicates& replicates,
                      const Statistician& statistician, Nulls& nulls, const std::string& path);

}  // namespace rg::experiments
