#!/usr/bin/env bash
# Levels and power of every test, simulated: docs/statistics.json, and the tables of
# docs/statistics.md. About ten minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh scripts/packages-test.txt
cmake --preset release -DRG_BUILD_BENCH=ON >/dev/null
cmake --build --preset release --target bench_statistics
build/release/bin/bench_statistics docs/statistics.json
/usr/bin/python3 scripts/statistics_tables.py
