// kl_edge_dominance: do both drift from the base, KL(p_theta || p_base), and forgetting,
// loss_theta - loss_base, grow along every edge of a family, on every domain? docs/artifacts.md,
// section 10.
#pragma once

#include <span>

#include "experiments/family/family_outputs.h"
#include "record/artifact.h"

namespace rg::experiments {

// The artifact's own fields. Every checkpoint but the base was passed with the base as reference;
// there is an edge.
record::Contribution reduce_kl_edge_dominance(const FamilyFacts& family,
                                              std::span<const DomainOutputs> domains);

}  // namespace rg::experiments
