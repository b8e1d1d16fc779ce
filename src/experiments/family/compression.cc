#include "experiments/family/compression.h"

#include <cmath>

#include "stats/order.h"

namespace rg::experiments {

Compression compression_of(std::span<const BoundaryWindow> windows, uint32_t positions, size_t q,
                           std::span<const double> mass, std::span<const double> mass_under) {
  const std::vector<double> undefined(windows.size(), kNaN);
  Compression found{undefined, undefined, undefined, undefined, undefined, undefined};
  for (size_t w = 0; w < windows.size(); ++w) {
    const uint32_t defined = positions - windows[w].undefined;
    if (defined == 0) continue;
    const auto tokens = static_cast<double>(defined);
    found.baseline[w] = static_cast<double>(windows[w].tokens_under[q]) / tokens;
    found.threshold[w] = static_cast<double>(windows[w].threshold[q]);
    if (!std::isfinite(mass[w])) continue;
    const size_t untied = stats::quantile_rank(kCompressionQs[q].fraction, defined);
    const double share = mass[w] == 0 ? 0.0 : mass_under[w] / mass[w];
    found.share[w] = share;
    found.published[w] = share - static_cast<double>(untied) / tokens;
    found.tie_aware[w] = share - found.baseline[w];
    if (mass[w] != 0) found.over_disagreeing[w] = found.tie_aware[w];
  }
  return found;
}

LayerCompression disagreement_compression(const BoundaryRecord& record, size_t slot) {
  const auto windows = record.windows(slot);
  std::vector<double> mass, under(windows.size());
  for (const BoundaryWindow& window : windows) mass.push_back(window.mass);
  LayerCompression compression;
  for (size_t q = 0; q < kQuantiles; ++q) {
    for (size_t w = 0; w < windows.size(); ++w) under[w] = windows[w].mass_under[q];
    compression[q] = compression_of(windows, record.positions(), q, mass, under);
  }
  return compression;
}

Json by_quantile(const std::function<Json(size_t q)>& value) {
  Json object = Json::object();
  for (size_t q = 0; q < kQuantiles; ++q) object[kCompressionQs[q].key] = value(q);
  return object;
}

Json quantiles_json() {
  Json values = Json::array();
  for (const CompressionQuantile& q : kCompressionQs) values.push_back(q.value);
  return values;
}

Json counts_under(std::span<const BoundaryWindow> windows,
                  std::array<uint32_t, kQuantiles> BoundaryWindow::*counts) {
  return by_quantile([&](size_t q) {
    Json values = Json::array();
    for (const BoundaryWindow& window : windows) values.push_back((window.*counts)[q]);
    return values;
  });
}

Json values_by_quantile(const LayerCompression& compression,
                        std::vector<double> Compression::*values, Nulls& nulls,
                        const std::string& path) {
  return by_quantile([&](size_t q) {
    return nulls.array(compression[q].*values, path + "." + kCompressionQs[q].key,
                       "the window has no finite margin, or the value is not finite");
  });
}

CompressionReplicates replicates_of(const LayerCompression& compression,
                                    const Statistician& statistician) {
  CompressionReplicates replicates;
  for (const Compression& one : compression) {
    replicates.published.push_back(statistician.mean(one.published));
    replicates.tie_aware.push_back(statistician.mean(one.tie_aware));
  }
  return replicates;
}

Json compression_json(const LayerCompression& compression, const CompressionReplicates& replicates,
                      const Statistician& statistician, Nulls& nulls, const std::string& path) {
  return by_quantile([&](size_t q) {
    const std::string place = path + "." + kCompressionQs[q].key + ".";
    const std::vector<double>& over = compression[q].over_disagreeing;
    return Json{
        {"published", statistician.delta_block(compression[q].published, replicates.published[q],
                                               nulls, place + "published")},
        {"tie_aware", statistician.delta_block(compression[q].tie_aware, replicates.tie_aware[q],
                                               nulls, place + "tie_aware")},
        {"over_disagreeing", statistician.delta_block(over, statistician.mean(over), nulls,
                                                      place + "over_disagreeing")}};
  });
}

}  // namespace rg::experiments
