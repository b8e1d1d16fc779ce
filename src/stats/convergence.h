// Has a verdict settled? Subsets of 50, 71, 100, ... windows are judged like the whole, and the
// distance to the thresholds tells how likely a repetition would agree. Definitions:
// docs/artifacts.md, section 1.2.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "stats/bootstrap.h"

namespace rg::stats {

// Judges the windows `members` (ascending) with a table of as many units. Called concurrently.
using Judge = std::function<int(std::span<const uint32_t> members, const CountTable& table)>;

// A criterion of the verdict: distance of the estimate from its threshold, positive on the claim's
// side, and the bootstrap standard error.
struct Criterion {
  double distance, standard_error;
};
// min over the criteria of distance / error; none if there is none, or an error is 0 or undefined.
std::optional<double> smallest_z(std::span<const Criterion> criteria);

std::vector<size_t> window_grid(size_t windows);  // 50, 71, 100, ... <= windows

// How likely a repetition of as many units would agree, and how many units make that 90 % likely.
struct Replication {
  std::optional<double> z, replication;
  std::optional<double> n_for_90;  // none if z <= 0 or beyond 9e15 units
};
Replication replication_of(size_t units, std::optional<double> z);

struct Agreement {
  size_t windows;
  double agreement;  // share of the 200 subsets with the final verdict
};

struct Convergence {
  std::vector<Agreement> grid;
  std::optional<size_t> settled_at;
  bool settled = false;
  std::optional<double> z, replication;
  std::optional<double> n_for_90;  // none if z <= 0 or beyond 9e15 windows
};

Convergence judge_convergence(size_t windows, uint64_t seed, int threads, int final_label,
                              const Judge& judge, std::optional<double> z);

// The values of the member windows, in their order.
void gather(std::span<const double> values, std::span<const uint32_t> members,
            std::vector<double>& out);

}  // namespace rg::stats
