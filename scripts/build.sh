#!/usr/bin/env bash
# Builds in build/release: the two programs, or the targets named.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- routegauge routegauge-theorems
mkdir -p build
# Tests stay as an earlier run set them; a first build doesn't need their packages.
tests=()
[ -f build/release/CMakeCache.txt ] || tests=(-DRG_BUILD_TESTS=OFF)
cmake --preset release "${tests[@]}" >build/configure-release.log 2>&1 || {
  cat build/configure-release.log >&2
  exit 1
}
export NINJA_STATUS="build: %p after %e s  "
cmake --build --preset release --target "$@"
