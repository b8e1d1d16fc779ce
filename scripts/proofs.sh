#!/usr/bin/env bash
# Builds proofs/ from clean in build/proofs, has the compiled files checked once more by the independent
# checker, and asks of every catalogued theorem what it rests on.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh scripts/packages-proofs.txt

rm -rf build/proofs
mkdir -p build/proofs
cp proofs/_CoqProject proofs/*.v build/proofs/
cd build/proofs
coq_makefile -f _CoqProject -o Makefile.coq
make -s -f Makefile.coq -j "${PROOFS_JOBS:-1}"

mapfile -t ours < <(sed -n 's/^\([A-Za-z0-9_]*\)\.v$/-norec\nRoutegauge.\1/p' _CoqProject)
coqchk -silent -o -R . Routegauge "${ours[@]}" >coqchk.log 2>&1 || {
  cat coqchk.log >&2
  exit 1
}
cd ../..
python3 scripts/check_proofs.py proofs build/proofs
