// The numerical checks, run, and what they found as tables and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "theorems/check.h"

namespace rg::app {

struct CheckResult {
  std::string id;
  theorems::Findings findings;
};

// Each on one thread, in any order; the results in the order of `checks`. Interrupted when asked to
// stop between two.
std::vector<CheckResult> run_checks(const std::vector<theorems::Check>& checks, uint64_t seed,
                                    int threads);

// How much of what it may use a finding uses: 1 at the limit, more if it fails. The limit is the
// bound with its tolerance; for an equality, the tolerance. None where there is no such share:
// exact comparisons, and sides of different signs.
std::optional<double> slack_used(const theorems::Finding& finding);

std::string summary_table(const std::vector<CheckResult>& results);
std::string findings_table(const CheckResult& result);  // indented

// schema/theorem_checks.schema.json.
Json checks_json(const std::vector<CheckResult>& results, uint64_t seed);

}  // namespace rg::app
