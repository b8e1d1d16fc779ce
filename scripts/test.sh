#!/usr/bin/env bash
# Everything that must hold: proofs, parser floors under sanitizers, fuzz targets, then the whole suite.
# Each stage says how long it took; the last line has the totals.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${RG_JOBS:-$(nproc)}
passed=0
failed=0
stage_name=

stage() {  # name: ends the stage before and begins this one
  [ -z "$stage_name" ] || echo "== $stage_name: $((SECONDS - stage_started)) s"
  stage_name=${1:-}
  stage_started=$SECONDS
  [ -z "$stage_name" ] || echo "== $stage_name"
}

build() {  # preset
  stage "build $1"
  cmake --preset "$1" -DRG_BUILD_TESTS="${2:-ON}" >"build/configure-$1.log" 2>&1 || {
    cat "build/configure-$1.log" >&2
    exit 1
  }
  cmake --build --preset "$1" -j "$jobs" || exit 1
}

run_ctest() {  # preset
  stage "test $1"
  local report="build/ctest-$1.xml" good bad
  rm -f "$report"
  ctest --preset "$1" -j "$jobs" --no-tests=error --output-junit "$PWD/$report"
  local code=$?
  # A test that was skipped or disabled didn't pass.
  read -r good bad < <(/usr/bin/python3 - "$report" <<'EOF'
import sys, xml.etree.ElementTree as tree
try:
    suite = tree.parse(sys.argv[1]).getroot()
    total = int(suite.get("tests"))
    good = sum(case.get("status") == "run" for case in suite.iter("testcase"))
    print(good, total - good)
except (OSError, tree.ParseError):
    print(0, 1)
EOF
  )
  [ "$code" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  passed=$((passed + good))
  failed=$((failed + bad))
}

mkdir -p build
scripts/setup.sh scripts/packages-test.txt || exit 1
stage proofs
if scripts/proofs.sh >build/proofs.log 2>&1; then
  grep '^theorem_status:' build/proofs.log | tail -n 1
  passed=$((passed + 1 + $(sed -n 's/^Ran \([0-9]*\) tests in .*/\1/p' build/proofs.log)))
else
  cat build/proofs.log
  failed=$((failed + 1))
fi
stage "page of the theorems"
scripts/viewer.sh || failed=$((failed + 1))  # before the program, which embeds the page
build release
build asan
run_ctest asan
stage fuzz
# The same choices every time: what turns this red is the change, not the clock. `make fuzz` explores.
if FUZZ_SECONDS=${FUZZ_SECONDS:-20} FUZZ_SEED=${FUZZ_SEED:-1} RG_JOBS=$jobs scripts/fuzz.sh >build/fuzz-smoke.log 2>&1; then
  grep '^fuzz:' build/fuzz-smoke.log
else
  cat build/fuzz-smoke.log
fi
passed=$((passed + $(grep -c '^fuzz:.*no finding$' build/fuzz-smoke.log)))
bad_targets=$(grep -c '^fuzz:.*FAILED' build/fuzz-smoke.log)
grep -q '^fuzz: .* targets, ' build/fuzz-smoke.log || bad_targets=$((bad_targets + 1))
failed=$((failed + bad_targets))
run_ctest release
stage "test page"
bad=0
ROUTEGAUGE_PROGRAM=$PWD/build/release/bin/routegauge scripts/viewer.sh --test >build/viewer.log 2>&1 || bad=1
read -r good seen < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' build/viewer.log | tail -n 1)
[ "$bad" -eq 0 ] || cat build/viewer.log
echo "viewer: ${good:-0} passed, ${seen:-$bad} failed"
passed=$((passed + ${good:-0}))
failed=$((failed + (${seen:-0} > bad ? ${seen:-0} : bad)))
stage
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
