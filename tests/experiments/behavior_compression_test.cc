#include "experiments/family/behavior_compression.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments/boundary_fixture.h"
#include "experiments/family/boundary_amplification.h"

namespace rg::experiments::testing {
namespace {

constexpr EdgeShape kControlShape{.windows = 100, .positions = 100, .seed = 5};
constexpr std::array<std::pair<const char*, size_t>, 4> kPercentUnder = {
    {{"q01", 1}, {"q05", 5}, {"q10", 10}, {"q20", 20}}};

// Margins of a position; a few tie, some are undefined, and window 2 has none.
float some_margin(uint32_t w, uint32_t t) {
  if (w == 2 || (w == 4 && t % 10 == 0)) return std::numeric_limits<float>::quiet_NaN();
  const double margin = uniform(8, t, w, 0);
  return float(t % 7 == 0 ? std::round(margin * 20) / 20 : margin);
}

Invented some_position(uint32_t, uint32_t w, uint32_t t) {
  return {some_margin(w, t), uniform(8, t, w, 1) < 0.1};
}

// Log-probabilities in both checkpoints that differ by `change` at a window and position.
struct LogP {
  LogP(const EdgeShape& shape, const std::function<double(uint32_t w, uint32_t t)>& change) {
    for (uint32_t w = 0; w < shape.windows; ++w) {
      for (uint32_t t = 0; t < shape.positions; ++t) {
        a.push_back(-2 * uniform(9, t, w, 0));
        b.push_back(a.back() + (t % 2 == 0 ? change(w, t) : -change(w, t)));
      }
    }
  }
  std::vector<double> a, b;
};

Json control(const EdgeShape& shape, const std::function<double(uint32_t w, uint32_t t)>& change) {
  const InventedEdge edge(shape, some_position);
  const LogP log_p(shape, change);
  return reduce_behavior_compression(edge.record(), log_p.a, log_p.b).fields;
}

TEST(BehaviorCompression, EqualsANaiveRecomputation) {
  const EdgeShape shape{.windows = 30, .positions = 40, .layers = 2};
  const InventedEdge edge(shape, some_position);
  const LogP log_p(shape, [](uint32_t w, uint32_t t) { return uniform(10, t, w, 0); });
  const Json fields = reduce_behavior_compression(edge.record(), log_p.a, log_p.b).fields;
  const Json routing = reduce_boundary_amplification(edge.record(), Direction::a_to_b).fields;
  const Json& found = fields["per_window"];
  for (uint32_t w = 0; w < 30; ++w) {
    std::vector<std::pair<float, double>> positions;
    double mass = 0;
    for (uint32_t t = 0; t < 40; ++t) {
      const double change = std::fabs(log_p.a[w * 40 + t] - log_p.b[w * 40 + t]);
      if (std::isnan(some_margin(w, t))) continue;
      positions.emplace_back(some_margin(w, t), change);
      mass += change;
    }
    EXPECT_EQ(found["n_undefined"]["1"][w], 40 - positions.size());
    EXPECT_EQ(found["mass_beh"]["1"][w], mass);
    for (const auto& [key, percent] : kPercentUnder) {
      if (positions.empty()) {
        EXPECT_TRUE(found["F_beh"]["1"][key][w].is_null());
        EXPECT_TRUE(found["m_thr"]["1"][key][w].is_null());
        EXPECT_EQ(found["mass_beh_le"]["1"][key][w], 0.0);
        continue;
      }
      std::vector<float> margins;
      for (const auto& [margin, change] : positions) margins.push_back(margin);
      std::sort(margins.begin(), margins.end());
      const float at = margins[(percent * margins.size() + 99) / 100 - 1];
      double under = 0;
      size_t tokens = 0;
      for (const auto& [margin, change] : positions) {
        if (margin > at) continue;
        under += change;
        ++tokens;
      }
      EXPECT_EQ(found["m_thr"]["1"][key][w], at);
      EXPECT_EQ(found["n_le"]["1"][key][w], tokens);
      EXPECT_EQ(found["mass_beh_le"]["1"][key][w], under);
      EXPECT_EQ(found["F_beh"]["1"][key][w], under / mass);
    }
  }
  for (const auto& [key, percent] : kPercentUnder) {
    const Json& route = routing["y_ref_A"]["per_layer"]["1"];
    EXPECT_EQ(found["F_route"]["1"][key], route["compression_F_per_window"][key]);
    EXPECT_EQ(fields["summary"]["F_route_by_layer"]["1"][key], route["compression"][key]["F"]);
  }
  EXPECT_TRUE(fields["null_reasons"].contains("per_window.F_beh.1.q01"));
}

TEST(BehaviorCompression, ChangeThatIgnoresMarginsHolds) {
  const Json summary = control(
      kControlShape, [](uint32_t w, uint32_t t) { return uniform(10, t, w, 0); })["summary"];
  const Json& layer = summary["per_layer"]["0"];
  EXPECT_EQ(summary["verdict"], "HOLDS");
  EXPECT_EQ(layer["holds"], true);
  EXPECT_EQ(layer["degenerate"], nullptr);
  EXPECT_EQ(layer["windows_without_change"], 0);
  // How much more than the baseline can't be excluded.
  EXPECT_GT(layer["ratio_upper"].get<double>(), 1.0);
  EXPECT_LT(layer["ratio_upper"].get<double>(), 1.5);
  EXPECT_EQ(summary["convergence"]["verdict"], "HOLDS");
  EXPECT_TRUE(summary["convergence"]["z"].is_null());
  EXPECT_EQ(summary["convergence"]["grid"].size(), 3u);
}

TEST(BehaviorCompression, ChangeNearTheBoundaryBreaksTheControl) {
  const Json summary = control(kControlShape, [](uint32_t w, uint32_t t) {
    return some_margin(w, t) < 0.1f ? 1.0 : 0.2 * uniform(10, t, w, 0);
  })["summary"];
  EXPECT_EQ(summary["verdict"], "BROKEN");
  EXPECT_EQ(summary["verdict_published"], "BROKEN");
  EXPECT_EQ(summary["per_layer"]["0"]["holds"], false);
  EXPECT_GT(summary["per_layer"]["0"]["ratio_upper"].get<double>(), 4.0);
  EXPECT_EQ(summary["convergence"]["grid"][2]["agreement"], 1.0);
}

TEST(BehaviorCompression, TiesBreakThePublishedBaselineAlone) {
  const EdgeShape shape{.windows = 100, .positions = 100};
  const InventedEdge edge(shape, [](uint32_t, uint32_t w, uint32_t t) {
    return Invented{t % 3 == 0 ? 0.0f : some_margin(w, t), 0};
  });
  const LogP log_p(shape, [](uint32_t w, uint32_t t) { return uniform(10, t, w, 0); });
  const Json summary =
      reduce_behavior_compression(edge.record(), log_p.a, log_p.b).fields["summary"];
  EXPECT_EQ(summary["verdict"], "HOLDS");
  EXPECT_EQ(summary["verdict_published"], "BROKEN");
  EXPECT_EQ(summary["per_layer"]["0"]["holds_published"], false);
}

TEST(BehaviorCompression, WindowsWithoutChangeAreCountedAndLeftOutBeside) {
  const Json summary = control(kControlShape, [](uint32_t w, uint32_t t) {
    return w % 2 == 0 ? 0.0 : uniform(10, t, w, 0);
  })["summary"];
  const Json& layer = summary["per_layer"]["0"];
  EXPECT_EQ(layer["windows_without_change"], 49);  // 50 even windows, one of them without a margin
  const Json& block = layer["F_beh"]["q20"];
  EXPECT_LT(block["tie_aware"]["delta"].get<double>(), -0.08);  // half of the windows give -0.2
  EXPECT_NEAR(block["over_disagreeing"]["delta"].get<double>(), 0, 0.02);
}

TEST(BehaviorCompression, WithoutAnyChangeThereIsNoAnswer) {
  const Json summary = control(kControlShape, [](uint32_t, uint32_t) { return 0.0; })["summary"];
  EXPECT_EQ(summary["verdict"], "DEGENERATE");
  EXPECT_EQ(summary["verdict_published"], "DEGENERATE");
  EXPECT_EQ(summary["per_layer"]["0"]["degenerate"], "no change");
  EXPECT_EQ(summary["convergence"]["grid"][0]["agreement"], 1.0);
}

// An infinite change is undefined, with a reason; the control can't hold on nothing.
TEST(BehaviorCompression, InfiniteChangesAreUndefined) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Json one = control(kControlShape, [&](uint32_t w, uint32_t t) {
    return w == 0 && t == 1 ? infinity : uniform(10, t, w, 0);
  });
  EXPECT_TRUE(one["per_window"]["mass_beh"]["0"][0].is_null());
  EXPECT_TRUE(one["per_window"]["F_beh"]["0"]["q01"][0].is_null());
  EXPECT_FALSE(one["per_window"]["m_thr"]["0"]["q01"][0].is_null());
  EXPECT_TRUE(one["null_reasons"].contains("per_window.mass_beh.0"));
  EXPECT_EQ(one["summary"]["verdict"], "HOLDS");
  const Json all = control(kControlShape, [&](uint32_t, uint32_t) { return infinity; });
  EXPECT_EQ(all["summary"]["verdict"], "BROKEN");
  EXPECT_NO_THROW(canonical_json(all));
}

}  // namespace
}  // namespace rg::experiments::testing
