// Audits that break one rule between their arrays, and where the verifier must see it.
#pragma once

#include <functional>
#include <vector>

#include "verify/artifacts.h"

namespace rg::verify::testing {

struct BrokenRule {
  Check check;
  const char* test;  // the audit that is doctored
  const char* what;
  const char* path;  // where the one reason's path begins
  std::function<void(Json&)> doctor;
};
std::vector<BrokenRule> broken_audit_rules();

}  // namespace rg::verify::testing
