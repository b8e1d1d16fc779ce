// Which experts an artifact says were masked, forced or scaled, and on which layers routes were
// imposed.
#pragma once

#include <string>
#include <vector>

#include "verify/tests.h"

namespace rg::verify {

enum class ExpertAction { mask, force, scale, impose };  // in the order of an artifact's rows

struct InterventionRow {
  int layer;
  int expert;  // 0 of imposed routes, which are of all experts
  ExpertAction action;
};

// `intervention`, whose every defect is `intervention_stated`: rows ascending by layer, action and
// expert, of layers that have a gate and of its experts; routes imposed once on a layer, where no
// expert is masked or forced; the same as in `settings`.
std::vector<InterventionRow> read_intervention(const Case& c);

// "1 expert masked at layer 3 and 2 forced at layers 3, 5"; "routes imposed at 8 layers"; "no
// expert masked, forced or scaled".
std::string describe_intervention(const std::vector<InterventionRow>& rows);

}  // namespace rg::verify
