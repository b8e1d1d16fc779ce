#!/usr/bin/env bash
# What compiling costs: CPU time and peak memory of every run of the compiler, from clean and without
# a compiler cache. Prints the table of docs/performance.md; with --write it replaces the one there.
# Measure on an idle machine: a busy one inflates CPU time too.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh scripts/packages-test.txt
export CCACHE_DISABLE=1
folder=build/measure
rm -rf "$folder"
mkdir -p "$folder"

log=$PWD/$folder/compiler.log
cmake -S . -B "$folder/tree" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=g++ \
  "-DCMAKE_CXX_COMPILER_LAUNCHER=$PWD/scripts/compile_cost.py;launch;$log" >"$folder/configure.log"
measure() {  # name, targets: what they need beyond the ones before
  local name=$1 started=$SECONDS
  shift
  cmake --build "$folder/tree" -j "${RG_JOBS:-$(nproc)}" --target "$@" >"$folder/build.log"
  mv "$log" "$folder/$name.log"
  echo "measure: $* in $((SECONDS - started)) s" >&2
}

measure program routegauge
measure theorems routegauge-theorems
measure tests all
{
  echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), $(date -u +%F), g++ $(g++ -dumpfullversion):"
  echo
  scripts/compile_cost.py table "\`routegauge\`=$folder/program.log" \
    "then \`routegauge-theorems\`=$folder/theorems.log" "then the tests=$folder/tests.log"
} | tee "$folder/table.md"

if [ "${1:-}" = --write ]; then
  /usr/bin/python3 - docs/performance.md "$folder/table.md" <<'EOF'
import re, sys
page, table = (open(path, encoding="utf-8").read() for path in sys.argv[1:])
begin, end = "<!-- measure_build.sh: begin -->\n", "<!-- measure_build.sh: end -->"
page, replaced = re.subn(f"({begin}).*?({end})", lambda m: m[1] + "\n" + table + "\n" + m[2], page, flags=re.S)
if replaced != 1:
    sys.exit("measure: docs/performance.md lacks the two marks")
open(sys.argv[1], "w", encoding="utf-8").write(page)
EOF
fi
