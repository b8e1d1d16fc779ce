#!/usr/bin/env bash
# Builds the page of the theorems, build/viewer/theorems.html, from theorems/, proofs/theorem_status.json
# and viewer/. Quick when nothing has changed. With --test it also runs the page's unit and end-to-end
# tests (in Debian's Chromium) and ends with one line of totals. All work is done in build/viewer-work.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
out=$root/build/viewer
work=$root/build/viewer-work

node_suffices() {
  command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null
}
if ! node_suffices; then
  scripts/setup.sh scripts/packages-viewer.txt
  node_suffices || { echo "viewer: found no Node 18 or newer with npm, before and after installing Debian's" >&2; exit 1; }
fi

mkdir -p "$out" "$work"
find "$work" -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
tar -C viewer --exclude=./node_modules --exclude=./dist --exclude=./src/generated -cf - . | tar -C "$work" -xf -

lock=$(cat viewer/package-lock.json <(node -v) | sha256sum)
cd "$work"
if [ "$(cat node_modules/.installed 2>/dev/null)" != "$lock" ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  echo "$lock" >node_modules/.installed
fi

export ROUTEGAUGE_ROOT=$root ROUTEGAUGE_OUT=$out
inputs=$(
  {
    find . -path ./node_modules -prune -o -path ./test -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
    cd "$root" && sha256sum theorems/*.json proofs/theorem_status.json schema/theorem_*.json
  } | sha256sum
)
if [ ! -f "$out/theorems.html" ] || [ "$(cat "$out/inputs.sha256" 2>/dev/null)" != "$inputs" ]; then
  rm -f "$out/theorems.html"
  npm run --silent build
  echo "$inputs" >"$out/inputs.sha256"
fi
echo "viewer: build/viewer/theorems.html, $(($(stat -c %s "$out/theorems.html") / 1024)) KiB"

[ "${1:-}" = --test ] || exit 0
"$root/scripts/setup.sh" "$root/scripts/packages-viewer-test.txt"
npm run --silent types
npm test --silent
