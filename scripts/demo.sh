#!/usr/bin/env bash
# The main job on the shipped model: two held-out domains, four experiments, one pass; ends with
# the verdict table and the paths written. Exits 0 once everything is written: a verdict is a
# finding, not a failure of the program.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh

model=$(find models -mindepth 1 -maxdepth 1 -type d -exec test -f '{}/config.json' ';' -print | sort | head -n 1)
if [ -z "$model" ]; then
  echo "demo: no model below models/; the clone is incomplete" >&2
  exit 1
fi
/usr/bin/python3 recipes/corpora/extract.py --split demo >/dev/null

out=build/demo
echo "demo: $model, prose and code, results in $out"
build/release/bin/routegauge run \
  attention_router,expert_load,chart_compatibility,terminal_ovk_scan \
  --model "$model" \
  --domain prose=build/corpora/demo/prose --domain code=build/corpora/demo/code \
  --out "$out" --overwrite
