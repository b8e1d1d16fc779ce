#!/usr/bin/env bash
# Builds and runs every fuzz target for FUZZ_SECONDS each, from its committed inputs, choosing by the
# clock or, if FUZZ_SEED is given, as that seed does. A target asserts a property, so finding an input
# that breaks it ends this with a failure and the input's path. The last line counts the targets.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh scripts/packages-test.txt
seconds=${FUZZ_SECONDS:-60}
seed=${FUZZ_SEED:-0}  # libFuzzer's 0: by the clock
jobs=${RG_JOBS:-$(nproc)}

cmake --preset asan >/dev/null
cmake --build --preset asan -j "$jobs" --target fuzzers
findings=build/fuzz/findings
mkdir -p "$findings"

# One worker per core, each on its own target.
run_target() {
  local target=$1 name work log
  name=$(basename "$target")
  work=build/fuzz/corpus/$name
  log=build/fuzz/$name.log
  mkdir -p "$work"
  local seeds=()
  [ -d "fuzz/seeds/${name#fuzz_}" ] && seeds+=("fuzz/seeds/${name#fuzz_}")
  if "$target" -max_total_time="$seconds" -seed="$seed" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$findings/$name-" "$work" "${seeds[@]}" >"$log" 2>&1; then
    printf 'fuzz: %-28s %s executions, no finding\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    tail -n 40 "$log"
    printf 'fuzz: %-28s FAILED, input below %s\n' "$name" "$findings"
    return 1
  fi
}
export -f run_target
export seconds seed findings

mapfile -t targets < <(find build/sanitized/bin -maxdepth 1 -type f -name 'fuzz_*' -executable | sort)
if [ ${#targets[@]} -eq 0 ]; then
  echo "fuzz: no target was built" >&2
  exit 1
fi
failed=0
printf '%s\0' "${targets[@]}" | xargs -0 -P "$jobs" -I{} bash -c 'run_target "$1"' _ {} || failed=1
echo "fuzz: ${#targets[@]} targets, $seconds s each"
exit $failed
