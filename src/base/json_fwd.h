// The name of a JSON value, for headers that only pass one on: parsing nlohmann's whole header
// costs a second. Who looks inside includes base/json.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace rg {

using Json = nlohmann::ordered_json;  // keeps the order of keys; a look-up is linear in the keys

struct JsonLimits {
  size_t max_depth = 64;
  uint64_t max_bytes = uint64_t{1} << 30;
};

}  // namespace rg
