// Tests of one model: kappa by stratum, overlap by layer, and the bundles of both.
#include <algorithm>
#include <cmath>

#include "levels/blank.h"
#include "levels/stream.h"
#include "stats/order.h"
#include "verify/artifacts.h"
#include "verify/fixture.h"

namespace rg::levels {
namespace {

constexpr uint32_t kChart = 3, kScan = 4;
constexpr double kOverlapNoise = 0.05;  // of a window
constexpr Profile kSureDrop = {0.8, 0.8, 0.4};

double kappa_of(Shape shape, double normal) {
  const double deviation = shape == Shape::symmetric ? normal : 1 - stats::pinned_exp(0.5 * normal);
  return 0.6 + 0.1 * deviation;
}

class ChartWindow {
 public:
  ChartWindow(const ChartEffect& effect, Stream& stream) : effect_(effect), stream_(stream) {}
  std::vector<double> kappas(size_t tokens, double shift) {
    std::vector<double> values;
    for (size_t t = 0; t < tokens; ++t) {
      values.push_back(std::clamp(kappa_of(effect_.shape, stream_.normal()) + shift, 0.0, 1.0));
    }
    return values;
  }
  double median(size_t tokens, double shift) {
    std::vector<double> values = kappas(tokens, shift);
    return stats::median(values);
  }

 private:
  const ChartEffect& effect_;
  Stream& stream_;
};

// By window, at the layer.
struct ChartArrays {
  std::vector<double> boundary, interior, matched, random, unselected;
};

ChartArrays chart_arrays(const Size& size, const ChartEffect& effect, uint64_t run) {
  Stream stream(run, kChart);
  ChartWindow window(effect, stream);
  const size_t t = size.positions();
  const size_t tenth = stats::quantile_rank({1, 10}, t);
  const size_t half = t - stats::quantile_rank({1, 2}, t) + 1;
  ChartArrays arrays;
  for (uint32_t w = 0; w < size.windows; ++w) {
    arrays.boundary.push_back(window.median(tenth, 0));
    std::vector<double> interior = window.kappas(half, effect.below_interior);
    arrays.interior.push_back(stats::median(interior));
    std::sort(interior.begin(), interior.end());
    arrays.matched.push_back(stats::expected_subset_median(interior, tenth));
    arrays.random.push_back(window.median(tenth, effect.below_partner));
    arrays.unselected.push_back(window.median(tenth, effect.below_partner));
  }
  return arrays;
}

std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> values(a.size());
  for (size_t w = 0; w < a.size(); ++w) values[w] = a[w] - b[w];
  return values;
}

Simulated chart_artifact(const Json& base, const ChartArrays& arrays, uint64_t run) {
  Simulated made{.artifact = base, .criteria = {}};
  set_seed(made.artifact, run);
  Json& all = made.artifact["per_window"];
  const auto put = [&](const char* stratum, const std::vector<double>& values) {
    all[stratum]["kappa_hidden_median"][kLayerKey] = values;
  };
  put("boundary", arrays.boundary);
  put("interior", arrays.interior);
  put("boundary_random_e2", arrays.random);
  put("boundary_unselected_e2", arrays.unselected);
  all["c1_matched_interior"][kLayerKey] = arrays.matched;
  made.criteria = {minus(arrays.interior, arrays.boundary), minus(arrays.matched, arrays.boundary),
                   minus(arrays.random, arrays.boundary),
                   minus(arrays.unselected, arrays.boundary)};
  return made;
}

Simulated scan_artifact(const Json& base, const Size& size, const Profile& profile, uint64_t run) {
  Stream stream(run, kScan);
  Simulated made{.artifact = base, .criteria = {}};
  set_seed(made.artifact, run);
  Json& all = made.artifact["per_window"];
  std::vector<std::vector<double>> overlap;
  for (size_t l = 0; l < profile.size(); ++l) {
    const std::string layer = std::to_string(base["layers"][l].get<int>());
    overlap.emplace_back();
    for (uint32_t w = 0; w < size.windows; ++w) {
      const double choices =
          verify::testing::kTopk * (size.positions() - all["n_undefined"][layer][w].get<double>());
      const double drawn = profile[l] + kOverlapNoise * stream.normal();
      overlap[l].push_back(std::round(std::clamp(drawn, 0.0, 1.0) * choices) / choices);
    }
    all["ovk_cf_mean"][layer] = overlap[l];
  }
  const std::vector<double> other = minus(overlap[1], overlap[0]);
  const std::vector<double> terminal = minus(overlap[2], overlap[1]);
  made.criteria = {minus(overlap[1], overlap[2]), minus(other, terminal)};
  return made;
}

Json completed(Json artifact) {
  verify::testing::complete(artifact);
  return artifact;
}

}  // namespace

Draw chart(const Size& size, const ChartEffect& effect) {
  const Json base = blank("chart_compatibility", size, {5});
  return [=](uint64_t run) { return chart_artifact(base, chart_arrays(size, effect, run), run); };
}

Draw scan(const Size& size, const Profile& profile) {
  const Json base = blank("terminal_ovk_scan", size, verify::testing::kLayers);
  return [=](uint64_t run) { return scan_artifact(base, size, profile, run); };
}

Draw tracking(const Size& size, const Profile& profile) {
  Json bundle = verify::testing::make("terminal_tracking", {.windows = size.windows,
                                                            .seq_len = size.seq_len,
                                                            .replicates = 200,
                                                            .documents = size.windows});
  std::vector<Json> bases = {bundle["scans"][0], bundle["scans"][1]};
  for (Json& base : bases) forget_summary(base, size.replicates);
  bundle["scans"][0] = completed(scan_artifact(bases[0], size, kSureDrop, 0).artifact);
  return [=](uint64_t run) {
    Simulated made{.artifact = bundle, .criteria = {}};
    made.artifact["scans"][1] = completed(scan_artifact(bases[1], size, profile, run).artifact);
    return made;
  };
}

Draw compatibility(const Size& size, const ChartEffect& effect, const Profile& profile) {
  Json bundle = verify::testing::make(
      "terminal_compatibility", {.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4});
  const Json chart_base = blank("chart_compatibility", size, {5});
  const Json scan_base = blank("terminal_ovk_scan", size, verify::testing::kLayers);
  return [=](uint64_t run) {
    Simulated made{.artifact = bundle, .criteria = {}};
    made.artifact["chart"] =
        completed(chart_artifact(chart_base, chart_arrays(size, effect, run), run).artifact);
    made.artifact["scan"] = completed(scan_artifact(scan_base, size, profile, run).artifact);
    return made;
  };
}

}  // namespace rg::levels
