// The parts of a simulated artifact that aren't drawn.
#pragma once

#include "levels/simulated.h"

namespace rg::levels {

inline constexpr const char* kLayerKey = "5";  // the one measured layer, or the last of three

// A synthetic artifact of one of the tests of a model or an edge, measured at these layers alone,
// without a summary.
Json blank(const std::string& test, const Size& size, const std::vector<int>& layers);
// Without a summary; `replicates` of its bootstrap.
void forget_summary(Json& artifact, uint32_t replicates);
void set_seed(Json& artifact, uint64_t seed);

}  // namespace rg::levels
