#!/usr/bin/env bash
# Makes the small checkpoint from scratch: pinned Python packages, corpora, tokenizer, training, export, figures.
#   recipes/train.sh [FOLDER]     default build/model; figures in build/train/evaluation.json
# A stopped run continues from its last checkpoint; remove build/train to start over.
set -euo pipefail
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
folder=$(realpath -m -- "${1:-$root/build/model}")
work="$root/build/train"
python="$root/build/venv/bin/python"

"$root/recipes/setup.sh"
mkdir -p "$work"
/usr/bin/python3 "$root/recipes/corpora/extract.py" --split train --split valid

# Arrays of a few megabytes come and go in every step: keep their pages. Waiting threads sleep instead of spinning,
# which costs nothing on idle cores and saves most of the time on busy ones. Neither changes a result.
export MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456 OMP_WAIT_POLICY=passive
cd "$root/recipes/train"
[ -f "$work/tokenizer/tokenizer_config.json" ] || "$python" tokenizer.py
"$python" train.py | tee -a "$work/train.log"
"$python" export.py "$work/model.pt" "$folder"
"$python" evaluate.py "$folder" > "$work/evaluation.json"
echo "figures: $work/evaluation.json"

shipped="$root/models/routegauge-tiny-olmoe/model.safetensors"
sha256sum "$folder/model.safetensors"
if [ -f "$shipped" ]; then
  sha256sum "$shipped"
fi
