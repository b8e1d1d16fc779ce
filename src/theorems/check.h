// The numerical checks of the theorem catalogue, in its order: one function per entry, on seeded
// synthetic tensors. The functions they call are in the families' headers and accept any tensors.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "theorems/draws.h"
#include "theorems/findings.h"

namespace rg::theorems {

struct Check {
  std::string_view id;  // of the catalogue: "KR-2"
  void (*run)(Draws& draws, Findings& findings);
};

std::vector<Check> all_checks();  // every family's, in the catalogue's order

Findings run_check(const Check& check, uint64_t seed);

}  // namespace rg::theorems
