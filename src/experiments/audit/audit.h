// What a changed copy of a checkpoint did to its routes and its predictions, on one domain: which
// decisions flip and why, what that costs, how the loss splits into weights and routes, and how
// well flips are forecast from the reference alone. Reported, not judged (docs/artifacts.md).
#pragma once

#include <optional>
#include <string>

#include "experiments/audit/audit_outputs.h"
#include "experiments/audit/audit_record.h"
#include "experiments/audit/route_floor.h"
#include "record/artifact.h"

namespace rg::experiments {

struct AuditResults {
  const AuditRecord& record;
  AuditOutputs outputs;
  const RouteFloor* floor;                   // null: the CPU has no other compute type
  std::string compute;                       // of the passes: "f32" or "bf16"
  std::optional<std::string> other_compute;  // of the floor's pass
};

// layers, verification, gates_equal, audit, folds, decile_edges, per_window, summary, null_reasons.
// After all passes.
record::Contribution reduce_audit(const AuditResults& results);

}  // namespace rg::experiments
