#!/usr/bin/env bash
# Speed and memory, measured. Figures are printed and kept in build/bench/*.json.
# PEER_PYTHON=PYTHON adds transformers on the same windows; BENCH_LARGE=1 a checkpoint of 24 GB in
# DeepSeek-V3's shape, in a quarter of its size of memory.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh scripts/packages-test.txt
cmake --preset release -DRG_BUILD_BENCH=ON >/dev/null
cmake --build --preset release --target bench_performance
build/release/bin/bench_performance
[ -z "${BENCH_LARGE:-}" ] || build/release/bin/bench_performance --large
