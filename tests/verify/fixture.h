// What the makers of synthetic artifacts share.
#pragma once

#include <vector>

#include "verify/artifacts.h"
#include "verify/draws.h"

namespace rg::verify::testing {

inline constexpr uint32_t kTopk = 2;
inline constexpr uint32_t kExperts = 8;
inline const std::vector<int> kLayers = {1, 3, 5};

// The members before the test's own ones: header, data, gate, layers, verification.
Json common(const std::string& test, const Shape& shape);
// Those after them, and summary.bootstrap.
void add_tail(Json& artifact, const Shape& shape);

}  // namespace rg::verify::testing
