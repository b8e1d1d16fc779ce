// The synthetic artifact of a run with an intervention.
#pragma once

#include "verify/artifacts.h"

namespace rg::verify::testing {

// Of 8 experts two are masked and one is forced at layer 3, one is scaled at layer 5; layer 1 is
// as in the plain run.
Json make_intervention(const Shape& shape);

// The same list in both of its places.
// Routes imposed, and weights where a digest of them is given; else null.
Json imposed_row(int layer, const Json& weights_sha256);
void set_intervention(Json& artifact, const Json& rows);
Json expert_row(int layer, int expert, const Json& action);

// Arrays of a run in which nothing changes; the list stays.
void change_nothing(Json& artifact);

}  // namespace rg::verify::testing
