// entropy_collapse: how the spread of a family's next-token distributions changes along its edges:
// entropies, varentropy, loss and calibration gap (loss - entropy). docs/artifacts.md, section 11.
#pragma once

#include <span>

#include "experiments/family/family_outputs.h"
#include "record/artifact.h"

namespace rg::experiments {

record::Contribution reduce_entropy_collapse(const FamilyFacts& family,
                                             std::span<const DomainOutputs> domains);

}  // namespace rg::experiments
