// Artifacts of theorem_slack: cases drawn so that every theorem holds, counted one by one.
#pragma once

#include "verify/fixture.h"

namespace rg::verify::testing {

// Of layers 3 and 5; layer 1 has no keys. Layer 3 shows keys after RoPE only.
inline constexpr int kSlackHeads = 4, kSlackKvHeads = 2, kSlackWidth = 8, kSlackPlanes = 4;
inline constexpr int kSlackContexts = 2, kSlackPositions = 6, kSlackQueries = 3;

struct SlackVariant {
  bool broken = false;     // RG-9 at layer 5, and AD-3 at layer 3, where a value is not finite
  bool empty = false;      // no keys, no finite logits
  bool zero_keys = false;  // some
};
Json theorem_slack_of(const Shape& shape, const SlackVariant& variant);

// What make_of_theorem_slack accepts.
inline constexpr const char* kTheoremSlacks[] = {"theorem_slack", "theorem_slack_broken",
                                                 "theorem_slack_empty", "theorem_slack_zero_keys"};

}  // namespace rg::verify::testing
