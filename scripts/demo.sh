#!/usr/bin/env bash
# The main jobs on what is shipped: four experiments on the small model, in one pass over two
# held-out domains; then the suite of its family. Each ends with its verdict table. Exits 0 once
# everything is written: a verdict is a finding, not a failure of the program.
set -euo pipefail
cd "$(dirname "$0")/.."

model=models/routegauge-tiny-olmoe
if [ ! -f "$model/config.json" ]; then
  echo "demo: no $model; the clone is incomplete" >&2
  exit 1
fi
started=$SECONDS
if [ ! -x build/release/bin/routegauge ]; then
  echo "demo: 1 of 4, building the program: two to four minutes on two cores, once"
else
  echo "demo: 1 of 4, building what has changed"
fi
scripts/build.sh routegauge

echo "demo: 2 of 4, texts to measure on: a few Debian packages, downloaded once"
/usr/bin/python3 recipes/corpora/extract.py --split demo >/dev/null

out=build/demo
echo "demo: 3 of 4, measuring $model on prose and code: about a quarter of a minute"
build/release/bin/routegauge run \
  attention_router,expert_load,chart_compatibility,terminal_ovk_scan \
  --model "$model" \
  --domain prose=build/corpora/demo/prose --domain code=build/corpora/demo/code \
  --out "$out" --overwrite

echo
echo "demo: 4 of 4, measuring its family, five checkpoints with one pass each: under a minute"
build/release/bin/routegauge run suite --family models/family.json --out build/suite --overwrite \
  > build/suite.txt
sed -n '/base->t1 on the inputs of base,/,/^boundary_amplification  code/p' build/suite.txt | head -n -1
echo "..."
tail -n 5 build/suite.txt
took=$((SECONDS - started))
echo "demo: done in $((took / 60)) min $((took % 60)) s; README.md says what the table means"
