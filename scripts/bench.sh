#!/usr/bin/env bash
# Speed and memory, measured. Figures are printed and kept in build/bench/performance.json.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh scripts/packages-test.txt
cmake --preset release -DRG_BUILD_BENCH=ON >/dev/null
cmake --build --preset release --target bench_performance
build/release/bin/bench_performance
