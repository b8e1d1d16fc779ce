#include "theorems/check.h"

#include "theorems/families.h"

namespace rg::theorems {

std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (const auto family :
       {gauge_invariance_checks, jensen_floor_checks, moment_ratio_checks, isotropic_floor_checks,
        centering_checks, local_hessian_checks, residual_checks, attention_distortion_checks,
        rope_checks, head_checks, key_only_checks, routing_geometry_checks, gauge_search_checks}) {
    const std::span<const Check> checks = family();
    all.insert(all.end(), checks.begin(), checks.end());
  }
  return all;
}

Findings run_check(const Check& check, uint64_t seed) {
  Draws draws(seed, check.id);
  Findings findings;
  check.run(draws, findings);
  return findings;
}

}  // namespace rg::theorems
