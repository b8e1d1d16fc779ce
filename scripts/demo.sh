#!/usr/bin/env bash
# The main job on the shipped model: two held-out domains, four experiments, one pass; ends with
# the verdict table. Exits 0 once everything is written: a verdict is a finding, not a failure of the
# program.
set -euo pipefail
cd "$(dirname "$0")/.."

model=models/routegauge-tiny-olmoe
if [ ! -f "$model/config.json" ]; then
  echo "demo: no $model; the clone is incomplete" >&2
  exit 1
fi
started=$SECONDS
if [ ! -x build/release/bin/routegauge ]; then
  echo "demo: 1 of 3, building the program: two to four minutes on two cores, once"
else
  echo "demo: 1 of 3, building what has changed"
fi
scripts/build.sh routegauge

echo "demo: 2 of 3, texts to measure on: a few Debian packages, downloaded once"
/usr/bin/python3 recipes/corpora/extract.py --split demo >/dev/null

out=build/demo
echo "demo: 3 of 3, measuring $model on prose and code: about a quarter of a minute"
build/release/bin/routegauge run \
  attention_router,expert_load,chart_compatibility,terminal_ovk_scan \
  --model "$model" \
  --domain prose=build/corpora/demo/prose --domain code=build/corpora/demo/code \
  --out "$out" --overwrite
took=$((SECONDS - started))
echo "demo: done in $((took / 60)) min $((took % 60)) s; README.md says what the table means"
