// per_window of a family: arrays by domain, name and checkpoint.
#pragma once

#include <map>
#include <string>

#include "verify/tests.h"

namespace rg::verify {

// By checkpoint, every window defined.
using CheckpointWindows = std::map<std::string, Windows>;

// per_window.<domain>.<name>{ckpt[n]}: for exactly the family's checkpoints, and never null, since
// every window has positions. Zeros for a base that a published artifact leaves out.
CheckpointWindows read_checkpoints(const Case& c, const DomainWindows& domain, const char* name,
                                   Range range);
// per_window has these domains and no other.
void check_domains(const Case& c);

// Drift and forgetting of the base are 0 in every window.
void check_base_is_zero(const Case& c, const DomainWindows& domain, const char* name,
                        const CheckpointWindows& values);

// Where a value isn't `minuend - subtrahend` to 1e-12 of the larger of them: share_total.
void check_difference(const Case& c, const std::string& path, const Windows& values,
                      const Windows& minuend, const Windows& subtrahend);

// The differences of every edge in one array of one domain, in the order of Family::edges.
std::vector<Windows> edge_differences(const Family& family, const CheckpointWindows& values);

}  // namespace rg::verify
