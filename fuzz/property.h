// What a fuzz target asserts. A broken property ends the process, in every build.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace rg::fuzz {

inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "broken property: %s\n", property);
  std::abort();
}

// Runs `accept`, which returns a value, or nothing if it refused with an error whose id has this
// prefix. Any other exception is a finding.
template <typename Accept>
auto accepted(std::string_view prefix, Accept&& accept) -> std::optional<decltype(accept())> {
  try {
    return accept();
  } catch (const Error& error) {
    require(error_name(error.id()).starts_with(prefix), "a refusal carries the reader's own id");
    require(std::string_view(error.what()).size() < 8000, "a message stays short");
    return std::nullopt;
  }
}

}  // namespace rg::fuzz
