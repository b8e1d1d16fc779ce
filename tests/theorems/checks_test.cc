// Every numerical check of the catalogue holds, for more than one seed, and sees what it should.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "theorems/check.h"

namespace rg::theorems {
namespace {

TEST(Checks, HoldForEverySeed) {
  for (const Check& check : all_checks()) {
    for (const uint64_t seed : {0u, 1u, 7u}) {
      const Findings findings = run_check(check, seed);
      EXPECT_FALSE(findings.list().empty()) << check.id;
      for (const Finding& f : findings.list()) {
        EXPECT_TRUE(f.holds) << check.id << ", seed " << seed << ", " << f.input << ": "
                             << f.quantity << " " << f.value << " " << relation_text(f.relation)
                             << " " << f.bound << " +- " << f.tolerance;
      }
    }
  }
}

TEST(Checks, HaveIdsOfTheirOwn) {
  std::set<std::string> ids;
  for (const Check& check : all_checks()) EXPECT_TRUE(ids.emplace(check.id).second) << check.id;
}

}  // namespace
}  // namespace rg::theorems
