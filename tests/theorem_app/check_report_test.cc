#include "theorem_app/check_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rg::app {
namespace {

using theorems::Check;
using theorems::Draws;
using theorems::Finding;
using theorems::Findings;

Finding only(const Findings& findings) { return findings.list().at(0); }

TEST(SlackUsed, IsTheShareOfTheTolerance) {
  Findings findings;
  findings.equal("q", 10.25, 10, 0.5);
  EXPECT_EQ(slack_used(only(findings)), 0.5);
}

TEST(SlackUsed, IsTheShareOfALimitThatIncludesTheTolerance) {
  Findings most, least;
  most.at_most("q", 3, 3.5, 0.5);
  EXPECT_EQ(slack_used(only(most)), 0.75);
  least.at_least("q", 4, 3.5, 0.5);
  EXPECT_EQ(slack_used(only(least)), 0.75);
}

TEST(SlackUsed, IsAboveOneWhereAFindingFails) {
  for (const auto add :
       {+[](Findings& f) { f.equal("q", 3, 1, 1); }, +[](Findings& f) { f.at_most("q", 4, 1, 1); },
        +[](Findings& f) { f.at_least("q", 1, 3, 1); }, +[](Findings& f) { f.below("q", 2, 1); },
        +[](Findings& f) { f.above("q", 1, 2); }}) {
    Findings findings;
    add(findings);
    EXPECT_FALSE(findings.all_hold());
    EXPECT_EQ(slack_used(only(findings)), 2.0);
  }
}

TEST(SlackUsed, IsNothingWhereNoShareExists) {
  for (const auto add :
       {+[](Findings& f) { f.holds("q", true); }, +[](Findings& f) { f.at_most("q", -1, 1, 0); },
        +[](Findings& f) { f.at_most("q", -2, -1, 0); },
        +[](Findings& f) { f.at_least("q", 1, -1, 0); },
        +[](Findings& f) { f.equal("q", std::nan(""), 1, 1); }}) {
    Findings findings;
    add(findings);
    EXPECT_EQ(slack_used(only(findings)), std::nullopt);
  }
}

TEST(CheckReport, NamesWhatFailsAndTheLargestShare) {
  Findings good, bad;
  good.equal("q", 10.25, 10, 0.5);
  good.equal("r", 10.125, 10, 0.5);
  bad.input("tensors");
  bad.below("q", 2, 1);
  const std::vector<CheckResult> results = {{"GI-1", good}, {"GI-2", bad}};
  EXPECT_EQ(summary_table(results),
            "ID    HOLDS  FINDINGS  SLACK USED\n"
            "GI-1  yes           2         0.5\n"
            "GI-2  NO            1           2\n");
  EXPECT_EQ(findings_table(results[0]),
            "    holds  q   10.25  =  10  +- 0.5\n"
            "    holds  r  10.125  =  10  +- 0.5\n");
  EXPECT_EQ(findings_table(results[1]),
            "  tensors\n"
            "    FAILS  q  2  <  1\n");
}

TEST(CheckReport, WritesWhatIsNotANumberAsNull) {
  Findings findings;
  findings.equal("q", std::nan(""), std::numeric_limits<double>::infinity(), 1);
  const Json check = checks_json({{"GI-1", findings}}, 3)["checks"][0];
  EXPECT_EQ(check["holds"], false);
  EXPECT_TRUE(check["findings"][0]["value"].is_null());
  EXPECT_TRUE(check["findings"][0]["bound"].is_null());
}

void draw_some(Draws& draws, Findings& findings) {
  for (int i = 0; i < 100; ++i) findings.below("normal", draws.normal(), 100);
}

TEST(RunChecks, GivesTheSameForAnyNumberOfThreadsAndAnotherForAnotherSeed) {
  const std::vector<Check> checks = {
      {"AA-1", draw_some}, {"AA-2", draw_some}, {"AA-3", draw_some}, {"AA-4", draw_some}};
  const Json one = checks_json(run_checks(checks, 5, 1), 5);
  EXPECT_EQ(checks_json(run_checks(checks, 5, 3), 5), one);
  EXPECT_NE(checks_json(run_checks(checks, 6, 1), 5), one);
  EXPECT_EQ(one["checks"][2]["id"], "AA-3");
  EXPECT_NE(one["checks"][0]["findings"], one["checks"][1]["findings"]);
}

}  // namespace
}  // namespace rg::app
