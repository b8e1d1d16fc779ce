// Artifacts as they should be: accepted, with the verdict their numbers deserve.
#include <gtest/gtest.h>

#include "verify/artifacts.h"

namespace rg::verify::testing {
namespace {

std::string reasons_of(const Judgement& judgement) {
  std::string text;
  for (const Reason& reason : judgement.reasons) {
    text += reason.check + " " + reason.path + ": " + reason.text + "\n";
  }
  return text;
}

void expect_accepted(const char* test) {
  const Judgement judgement = judge(make(test, {}));
  EXPECT_NE(judgement.verdict, Verdict::invalid) << test << "\n" << reasons_of(judgement);
  EXPECT_TRUE(judgement.warnings.empty()) << test << ": " << judgement.warnings.front();
  EXPECT_FALSE(judgement.sentence.empty()) << test;
  EXPECT_EQ(judgement.rule, "full") << test;
  EXPECT_EQ(judgement.sha256.size(), 64u);
}

TEST(Valid, EveryTestIsAccepted) {
  for (const char* test : kTests) expect_accepted(test);
}

TEST(Valid, TestsOfFamiliesAreAccepted) {
  for (const char* test : kFamilyTests) expect_accepted(test);
}

}  // namespace
}  // namespace rg::verify::testing
