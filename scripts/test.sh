#!/usr/bin/env bash
# Everything that must hold: proofs, parser floors under sanitizers, fuzz targets, then the whole suite.
# Ends with ctest's summary of the whole suite and one line of totals.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${RG_JOBS:-$(nproc)}
passed=0
failed=0

build() {  # preset
  echo "== build $1"
  cmake --preset "$1" >"build/configure-$1.log" 2>&1 || { cat "build/configure-$1.log" >&2; exit 1; }
  cmake --build --preset "$1" -j "$jobs" || exit 1
}

# ctest's closing line: "97% tests passed, 3 tests failed out of 100".
run_ctest() {  # preset
  echo "== test $1"
  local log="build/ctest-$1.log"
  ctest --preset "$1" -j "$jobs" --no-tests=error 2>&1 | tee "$log"
  local code=${PIPESTATUS[0]} bad total
  bad=$(sed -n 's/.* tests passed, \([0-9]*\) tests failed out of .*/\1/p' "$log" | tail -n 1)
  total=$(sed -n 's/.* tests failed out of \([0-9]*\).*/\1/p' "$log" | tail -n 1)
  if [ -z "$total" ] || { [ "$code" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; }; then
    failed=$((failed + 1))
    return
  fi
  passed=$((passed + total - bad))
  failed=$((failed + bad))
}

mkdir -p build
echo "== proofs"
if scripts/proofs.sh >build/proofs.log 2>&1; then
  grep '^theorem_status:' build/proofs.log | tail -n 1
  passed=$((passed + 1 + $(sed -n 's/^Ran \([0-9]*\) tests in .*/\1/p' build/proofs.log)))
else
  cat build/proofs.log
  failed=$((failed + 1))
fi
echo "== viewer"
scripts/viewer.sh || failed=$((failed + 1))  # before the program, which embeds the page
build release
build asan
run_ctest asan
echo "== fuzz"
# The same choices every time: what turns this red is the change, not the clock. `make fuzz` explores.
if FUZZ_SECONDS=${FUZZ_SECONDS:-60} FUZZ_SEED=${FUZZ_SEED:-1} RG_JOBS=$jobs scripts/fuzz.sh >build/fuzz-smoke.log 2>&1; then
  grep '^fuzz:' build/fuzz-smoke.log
else
  cat build/fuzz-smoke.log
fi
passed=$((passed + $(grep -c '^fuzz:.*no finding$' build/fuzz-smoke.log)))
bad_targets=$(grep -c '^fuzz:.*FAILED' build/fuzz-smoke.log)
grep -q '^fuzz: .* targets, ' build/fuzz-smoke.log || bad_targets=$((bad_targets + 1))
failed=$((failed + bad_targets))
run_ctest release
echo "== test viewer"
bad=0
ROUTEGAUGE_PROGRAM=$PWD/build/release/bin/routegauge scripts/viewer.sh --test >build/viewer.log 2>&1 || bad=1
read -r good seen < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' build/viewer.log | tail -n 1)
[ "$bad" -eq 0 ] || cat build/viewer.log
echo "viewer: ${good:-0} passed, ${seen:-$bad} failed"
passed=$((passed + ${good:-0}))
failed=$((failed + (${seen:-0} > bad ? ${seen:-0} : bad)))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
