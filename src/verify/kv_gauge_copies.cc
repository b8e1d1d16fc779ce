// What no real measurement of keys shows: units that repeat each other, heads with equal sums,
// sums that are the same in every unit. Warnings.
#include <fmt/format.h>

#include <algorithm>

#include "verify/kv_gauge.h"

namespace rg::verify::kv {
namespace {

constexpr size_t kMostNamed = 5;

// The measured arrays of a head, with their paths; those of one head may be equal by right.
class Copies {
 public:
  Copies(Inspector& inspect, size_t units) : inspect_(inspect), of_unit_(units) {}

  void visit(const std::string& head, const std::string& member, const Windows& values) {
    const bool nothing =
        std::all_of(values.begin(), values.end(),
                    [](const std::optional<double>& value) { return *value == 0; });
    if (nothing) return;
    for (size_t u = 0; u < values.size(); ++u) of_unit_[u].push_back(*values[u]);
    const std::string path = head + '.' + member;
    if (values.size() >= 2 && std::all_of(values.begin(), values.end(), [&](const auto& value) {
          return value == values.front();
        })) {
      inspect_.warn(fmt::format("{} is the same in every unit", path));
      return;
    }
    const auto [known, is_new] = arrays_.try_emplace(values, Seen{head, path});
    if (!is_new && known->second.head != head) {
      inspect_.warn(fmt::format("{} and {} are identical", known->second.path, path));
    }
  }

  void report_units() {
    std::map<std::vector<double>, size_t> first;
    size_t copies = 0;
    for (size_t u = 0; u < of_unit_.size(); ++u) {
      const bool nothing = std::all_of(of_unit_[u].begin(), of_unit_[u].end(),
                                       [](double value) { return value == 0; });
      if (nothing) continue;
      const auto [known, is_new] = first.try_emplace(of_unit_[u], u);
      if (is_new) continue;
      if (++copies > kMostNamed) continue;
      inspect_.warn(fmt::format("units {} and {} identical in all heads", known->second, u));
    }
    if (copies > kMostNamed) {
      inspect_.warn(fmt::format("{} units are copies of earlier ones", copies));
    }
  }

 private:
  struct Seen {
    std::string head, path;
  };
  Inspector& inspect_;
  std::vector<std::vector<double>> of_unit_;  // all of a unit's sums, in the order visited
  std::map<Windows, Seen> arrays_;
};

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
  Copies copies(c.inspect, record.units.count);
  for (const auto& [number, layer] : record.layers) {
    for (size_t h = 0; h < layer.heads.size(); ++h) {
      visit_head(layer.heads[h], fmt::format("heads.{}[{}]", number, h), copies);
    }
  }
  copies.report_units();
}

}  // namespace rg::verify::kv
