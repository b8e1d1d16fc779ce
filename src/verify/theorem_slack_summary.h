// theorem_slack's summary: sums over layers and quantities (docs/artifacts.md, theorem_slack).
#pragma once

#include <string>
#include <vector>

#include "verify/theorem_slack.h"

namespace rg::verify::slack {

// Where the largest share is taken.
struct Place {
  double used;
  int layer;
  std::string id, name;
};

// Sums over some layers.
struct Outcome {
  int64_t theorems = 0;  // with a case
  int64_t cases = 0, violated = 0;
  std::vector<std::string> broken;  // ids with a violated case, in the catalogue's order
  std::optional<Place> closest;     // of the inequalities of cases that hold
  Verdict verdict() const;
};
Outcome outcome_of(const Record& record, const std::vector<int>& layers);

void claim_summary(const Record& record, Claims& claims);

}  // namespace rg::verify::slack
