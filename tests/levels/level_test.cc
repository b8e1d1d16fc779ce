// Does every test keep its level under its null? Two hundred artifacts each, of smaller windows
// and fewer replicates than `make stats` takes; the generator is seeded, so a failure is a change
// of the code and never chance.
#include <gtest/gtest.h>

#include <cmath>

#include "levels/nulls.h"
#include "levels/power.h"

namespace rg::levels {
namespace {

constexpr Size kQuick = {.windows = 200, .seq_len = 128, .replicates = 200};
constexpr size_t kRuns = 200;

// Of a percentile interval: the estimate ranks anywhere among B replicates, and floor(level B) of
// them may lie beyond the end.
double with_few_replicates(double level) {
  const double replicates = kQuick.replicates;
  return (std::floor(level * replicates) + 1) / (replicates + 1);
}

class Level : public testing::TestWithParam<size_t> {};

TEST_P(Level, IsNotExceeded) {
  const Null null = all_nulls().at(GetParam());
  const std::vector<size_t> counts = count_claims(null.draw(kQuick), null.claims, 1, kRuns, 1);
  for (size_t c = 0; c < null.claims.size(); ++c) {
    const FalseClaim& claim = null.claims[c];
    SCOPED_TRACE(null.test + ", " + null.null + ": " + claim.name);
    const auto count = static_cast<double>(counts[c]);
    RecordProperty(claim.name, static_cast<int>(counts[c]));
    if (claim.bound == Bound::none) continue;
    if (claim.bound == Bound::at_most) {
      EXPECT_LE(count, most_expected(with_few_replicates(claim.nominal), kRuns));
    } else {
      EXPECT_EQ(count, claim.nominal * double{kRuns});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nulls, Level, testing::Range(size_t{0}, all_nulls().size()));

// What the contract repairs is seen to be wrong by the same count that the tests above rely on.
double share_of(size_t null, const std::string& name) {
  const Null chosen = all_nulls().at(null);
  for (const FalseClaim& claim : chosen.claims) {
    if (claim.name != name) continue;
    const auto counts = count_claims(chosen.draw(kQuick), {claim}, 1, kRuns, 1);
    return static_cast<double>(counts[0]) / static_cast<double>(kRuns);
  }
  ADD_FAILURE() << name;
  return 0;
}

TEST(LevelCheck, SeesATestThatExceedsItsLevel) {
  const double most = most_expected(0.10, kRuns) / static_cast<double>(kRuns);
  EXPECT_GT(share_of(1, "(a), published baseline"), most);
  EXPECT_GT(share_of(6, "interval of the largest drop below 0"), most);
}

// Levels of bundles follow from those of their parts: the verdict of the whole is that of the part
// that isn't sure.
TEST(LevelCheck, ABundleFollowsItsParts) {
  constexpr Profile kUnsure = {0.8, 0.8, 0.775};
  const Draw tracked = tracking(kQuick, kUnsure);
  const Draw compatible = compatibility(kQuick, {Shape::symmetric, 0.2, 0.2}, kUnsure);
  size_t passed = 0;
  constexpr size_t kBundles = 12;
  for (uint64_t run = 1; run <= kBundles; ++run) {
    const Json scans = tracked(run).artifact, both = compatible(run).artifact;
    const std::string verdict = Found(scans["scans"][1]).text("summary.convergence.verdict");
    EXPECT_EQ(Found(scans).text("summary.verdict"), verdict);
    EXPECT_EQ(Found(both["scan"]).text("summary.convergence.verdict"), verdict);
    EXPECT_EQ(Found(both["chart"]).text("summary.convergence.verdict"), "PASS");
    EXPECT_EQ(Found(both).text("summary.compatibility"),
              verdict == "PASS" ? "safe" : "not applicable");
    passed += verdict == "PASS" ? size_t{1} : size_t{0};
  }
  EXPECT_GT(passed, size_t{0});
  EXPECT_LT(passed, kBundles);
}

TEST(LevelCheck, AnEffectIsFound) {
  for (const PowerCurve& curve : all_power_curves()) {
    SCOPED_TRACE(curve.test);
    const auto strongest = curve.parameters.back();
    const auto points = power_at(curve, kQuick, 2 * strongest, 1, 20, 1);
    for (size_t c = 0; c < points.size(); ++c) {
      SCOPED_TRACE(curve.claims[c].name);
      EXPECT_GT(points[c].effect, 0.2);
      EXPECT_GE(points[c].made, size_t{18});
    }
  }
}

TEST(LevelCheck, PowerFollowsItsApproximation) {
  EXPECT_NEAR(approximate_power(0, 200), 0.025, 1e-4);
  EXPECT_NEAR(approximate_power(3.242 / std::sqrt(200.0), 200), 0.9, 1e-3);
  constexpr size_t kArtifacts = 200;
  const auto point = power_at(all_power_curves().back(), kQuick, 0.2, 1, kArtifacts, 1).front();
  EXPECT_NEAR(point.effect, 0.2, 0.02);
  const double share = static_cast<double>(point.made) / static_cast<double>(kArtifacts);
  EXPECT_NEAR(share, approximate_power(point.effect, kQuick.windows), 0.1);
}

}  // namespace
}  // namespace rg::levels
