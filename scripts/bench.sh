#!/usr/bin/env bash
# Speed and memory, measured: builds the benchmarks and runs each. Figures are printed and kept
# in build/bench/performance.json.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release -DRG_BUILD_BENCH=ON >/dev/null
cmake --build --preset release
mkdir -p build/bench
for program in build/release/bin/bench_*; do
  [ -x "$program" ] || continue
  "$program"
done
