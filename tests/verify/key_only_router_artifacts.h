// Artifacts of key_only_router: counts over simulated rows, so that every inequality between them
// holds, with overlaps as asked for. Layers 1 and 3 are measured; 5 has no keys.
#pragma once

#include "verify/fixture.h"

namespace rg::verify::testing {

struct RouterKeysVariant {
  double keys = 0.7, residual = 0.9, oracle = 1;  // shares of cases found
  int mlp_hidden = 64;
  int positions = 4;
  bool latent = false;       // keys and values share one latent
  bool refused = false;      // nothing from keys in layer 3
  bool unmeasured = false;   // no layer
  bool no_geometry = false;  // in layer 3
};
// On twice as many documents as the shape says.
Json key_only_router_of(const Shape& shape, const RouterKeysVariant& variant);

// What make_of_key_only_router accepts.
inline constexpr const char* kKeyOnlyRouters[] = {
    "key_only_router",         "key_only_router_plain",   "key_only_router_latent",
    "key_only_router_refused", "key_only_router_unsound", "key_only_router_unmeasured"};

}  // namespace rg::verify::testing
