// Audits of a simulated pair of checkpoints: logits, and what changed of them, by seeded draws;
// every array is computed from the sets that these logits choose.
#pragma once

#include "verify/fixture.h"

namespace rg::verify::testing {

// What differs from a copy whose gates and inputs changed a little.
struct AuditVariant {
  bool equal_gates = false;
  bool groups = false;     // of experts in the gate
  bool identical = false;  // nothing changed at all; its gates are equal
  bool one_compute = false;
  double change = 1;  // factor of the changes
  // Nothing changed but keys, from layer 2 on; its gates are equal.
  bool stored_keys = false;
};
Json audit_of(const Shape& shape, const AuditVariant& variant);

// What make_of_audit accepts.
inline constexpr const char* kAudits[] = {"audit",
                                          "audit_equal_gates",
                                          "audit_groups",
                                          "audit_identical",
                                          "audit_one_document",
                                          "audit_one_compute",
                                          "audit_stored_keys"};

}  // namespace rg::verify::testing
