#!/usr/bin/env bash
# Builds the program alone (no tests) in build/release.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
cmake --preset release >build/configure-release.log 2>&1 || {
  cat build/configure-release.log >&2
  exit 1
}
cmake --build --preset release --target routegauge
