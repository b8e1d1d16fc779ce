// What no real measurement of keys shows: units that repeat each other, heads with equal sums,
// sums that are the same in every unit. Warnings.
#include <fmt/format.h>

#include "verify/kv_copies.h"
#include "verify/kv_gauge.h"

namespace rg::verify::kv {
namespace {

void visit_head(const Head& head, const std::string& path, Copies& copies) {
  for (size_t g = 0; g < head.gauges.size(); ++g) {
    const Gauge& gauge = head.gauges[g];
    if (!gauge.refused) copies.visit(path, fmt::format("gauges[{}].cosines", g), gauge.cosines);
  }
  if (head.noise) {
    copies.visit(path, "noise.cosines", head.noise->cosines);
    copies.visit(path, "noise.random_cosines", head.noise->random_cosines);
  }
  for (size_t i = 0; i < kCentrings; ++i) {
    if (!head.centring[i]) continue;
    copies.visit(path, fmt::format("centring.{}.cosines", kCentringNames[i]),
                 head.centring[i]->cosines);
  }
}

}  // namespace

void warn_copies(const Case& c, const Record& record) {
  Copies copies(c.inspect, record.units.count, {"unit", "heads"});
  for (const auto& [number, layer] : record.layers) {
    for (size_t h = 0; h < layer.heads.size(); ++h) {
      visit_head(layer.heads[h], fmt::format("heads.{}[{}]", number, h), copies);
    }
  }
  copies.report_parts();
}

}  // namespace rg::verify::kv
