// Time for the benchmark's loops.
#pragma once

#include <chrono>

namespace rg::bench {

inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// How often a second `work` runs, by running it for `seconds`; once before, untimed.
template <typename F>
double runs_per_s(double seconds, const F& work) {
  work();
  const double start = seconds_now();
  double runs = 0, elapsed = 0;
  while (elapsed < seconds) {
    work();
    ++runs;
    elapsed = seconds_now() - start;
  }
  return runs / elapsed;
}

}  // namespace rg::bench
