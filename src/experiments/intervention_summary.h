// Intervention: a plain pass and one with experts masked, forced or scaled, as the fields of an
// artifact. Loss, KL(p_intervened || p_plain) in nats, kept first choices, and by layer how much of
// its routing stays. Interval: windows resampled, one table for all; a rate is a ratio of sums over
// windows. docs/experiments.md.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.h"
#include "experiments/experiment.h"
#include "experiments/family/output_record.h"
#include "experiments/intervention_record.h"
#include "experiments/parameter.h"
#include "record/artifact.h"

namespace rg::experiments {

inline constexpr const char* kIntervention = "intervention";  // the artifact's test
inline constexpr const char* kInterventionVersion = "1.0";

std::vector<Parameter> intervention_parameters();

struct InterventionFacts {
  Json intervention;                // what was changed, as its file says it
  std::optional<int> lowest_layer;  // of those that are touched; none: no layer is
  uint32_t replicates;              // of the bootstrap
};

// `plain` and `touched`: outputs of the two passes, the second one with the first as reference.
// RT012 where a position of either has no distribution over next tokens.
record::Contribution reduce_intervention(const Setting& setting, const InterventionFacts& facts,
                                         const OutputRecord& plain, const OutputRecord& touched,
                                         const RouteChange& change);

}  // namespace rg::experiments
