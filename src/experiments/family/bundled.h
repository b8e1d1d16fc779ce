// What the tests that bundle whole artifacts take from them.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/json.h"
#include "experiments/common.h"

namespace rg::experiments {

// The verdict of an artifact as its summary states it, INSUFFICIENT below 200 windows.
std::string bundled_verdict(const Json& artifact);

// The first artifact without a z, else the one with the smallest.
size_t least_certain(std::span<const Json* const> artifacts);
// summary.convergence of a bundle, from the blocks of the artifacts that decide its verdict; nulls
// are noted at summary.convergence.
Json bundled_convergence(std::span<const Json* const> deciding, Nulls& nulls);

// Of claims that a change is below zero: the weaker one is undefined, or else larger.
bool is_weaker(const Json& change, const Json& than);
// A value or interval of a bundled artifact, as summary.effect states it.
Json bundled_effect(const Json& value, Nulls& nulls);

inline constexpr const char* kPassVerdict = "PASS";
inline constexpr const char* kFailVerdict = "FAIL";

}  // namespace rg::experiments
