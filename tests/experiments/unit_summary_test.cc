#include "experiments/unit_summary.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rg::experiments {
namespace {

// Sample standard deviation 0.002.
stats::Replicates around(double estimate) {
  return {.estimate = estimate, .values = {estimate - 0.002, estimate, estimate + 0.002}};
}

TEST(UnitSummary, AnOutcomeIsSoManyErrorsFromItsThresholds) {
  const auto z = [](double estimate, const char* outcome) {
    return *difference_z(around(estimate), outcome, Difference::gain);
  };
  EXPECT_NEAR(z(0.02, "SUPERIOR"), 10, 1e-9);
  EXPECT_NEAR(z(-0.02, "INFERIOR"), 10, 1e-9);
  EXPECT_NEAR(z(0.004, "EQUIVALENT"), 3, 1e-9);   // from the margin above
  EXPECT_NEAR(z(-0.006, "EQUIVALENT"), 2, 1e-9);  // from the one below
  EXPECT_NEAR(z(0.004, "INCONCLUSIVE"), 3, 1e-9);
  EXPECT_NEAR(z(-0.007, "INCONCLUSIVE"), 3.5, 1e-9);
  EXPECT_LT(z(-0.004, "SUPERIOR"), 0);
}

TEST(UnitSummary, ALossIsAGainSeenFromTheOtherSide) {
  for (const double estimate : {-0.02, -0.004, 0.0, 0.007, 0.02}) {
    for (const char* outcome : {"SUPERIOR", "INFERIOR", "EQUIVALENT", "INCONCLUSIVE"}) {
      EXPECT_NEAR(*difference_z(around(estimate), outcome, Difference::loss),
                  *difference_z(around(-estimate), outcome, Difference::gain), 1e-9);
    }
  }
  EXPECT_EQ(difference_outcome(stats::Interval{0.001, 0.02}, Difference::gain), "SUPERIOR");
  EXPECT_EQ(difference_outcome(stats::Interval{0.001, 0.02}, Difference::loss), "INFERIOR");
}

TEST(UnitSummary, WithoutSpreadNoRepetitionIsForetold) {
  const stats::Replicates still{.estimate = 0.02, .values = {0.02, 0.02, 0.02}};
  EXPECT_FALSE(difference_z(still, "SUPERIOR", Difference::gain));
  stats::Replicates undefined = around(0.02);
  undefined.estimate = kNaN;
  EXPECT_FALSE(difference_z(undefined, "SUPERIOR", Difference::gain));
  Nulls nulls;
  const Json none = replication_json(std::nullopt, 40, nulls);
  for (const char* member : {"z", "replication", "n_for_90"})
    EXPECT_TRUE(none.at(member).is_null());
  Json fields = Json::object();
  nulls.add_to(fields);
  EXPECT_TRUE(fields.at("null_reasons").contains("summary.replication"));
  // As many units as give 3.242 errors.
  const Json half = replication_json(1.621, 40, nulls);
  EXPECT_EQ(half.at("n_for_90"), 160);
  EXPECT_EQ(half.at("unit"), "document");
}

TEST(UnitSummary, BlocksSayWhatTheyLack) {
  Nulls nulls;
  const BlockJson json(nulls, "a", {.absent = "not there", .undefined = "0 by 0"});
  const stats::Replicates undefined{.estimate = kNaN, .values = {1, 2}};
  const Json block = json.block(&undefined);
  EXPECT_TRUE(block.at("mean").is_null());
  EXPECT_EQ(block.at("ci95"), (Json{1.0, 2.0}));
  EXPECT_TRUE(json.below("b").block(std::nullopt).at("ci95").is_null());
  Json fields = Json::object();
  nulls.add_to(fields);
  EXPECT_EQ(fields.at("null_reasons"), (Json{{"a", "0 by 0"}, {"a.b", "not there"}}));
}

}  // namespace
}  // namespace rg::experiments
