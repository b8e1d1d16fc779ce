// The list of every family's checks; each is defined in the file of its family.
#pragma once

#include <span>

#include "theorems/check.h"

namespace rg::theorems {

std::span<const Check> gauge_invariance_checks();      // GI
std::span<const Check> jensen_floor_checks();          // JF
std::span<const Check> moment_ratio_checks();          // MR
std::span<const Check> isotropic_floor_checks();       // IF
std::span<const Check> centering_checks();             // DC
std::span<const Check> local_hessian_checks();         // LH
std::span<const Check> residual_checks();              // RR
std::span<const Check> attention_distortion_checks();  // AD
std::span<const Check> rope_checks();                  // RC
std::span<const Check> head_checks();                  // MH
std::span<const Check> key_only_checks();              // KR
std::span<const Check> routing_geometry_checks();      // RG
std::span<const Check> gauge_search_checks();          // GS

}  // namespace rg::theorems
