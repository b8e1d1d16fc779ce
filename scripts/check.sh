#!/usr/bin/env bash
# What a change must keep, in about a minute once the tests are built: arrows between floors, error
# ids, the catalogue, layout, unit tests. `make test` runs everything.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh scripts/packages-test.txt
jobs=${RG_JOBS:-$(nproc)}

/usr/bin/python3 scripts/check_arrows.py
/usr/bin/python3 scripts/check_errors.py
/usr/bin/python3 scripts/check_catalogue.py
git ls-files -z '*.h' '*.cc' | xargs -0 clang-format-14 --dry-run -Werror
cmake --preset release -DRG_BUILD_TESTS=ON >/dev/null
cmake --build --preset release -j "$jobs"
ctest --preset release -j "$jobs" -L unit --no-tests=error
