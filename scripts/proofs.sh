#!/usr/bin/env bash
# Builds proofs/ from clean in build/proofs, has the compiled files checked once more by the independent
# checker, and asks of every catalogued theorem what it rests on.
#   proofs.sh          compare with the committed proofs/theorem_status.json
#   proofs.sh --write  write it
#   proofs.sh --full   the checker follows every library that ours stand on (over a quarter of an hour)
set -euo pipefail
cd "$(dirname "$0")/.."
mode=check
recursion=-norec
case ${1:-} in
  --write) mode=write ;;
  --full) recursion= ;;
  '') ;;
  *) echo "proofs: unknown option $1" >&2; exit 2 ;;
esac
scripts/setup.sh scripts/packages-proofs.txt

rm -rf build/proofs
mkdir -p build/proofs
cp proofs/_CoqProject proofs/*.v build/proofs/
cd build/proofs
coq_makefile -f _CoqProject -o Makefile.coq
make -s -f Makefile.coq -j "${PROOFS_JOBS:-2}"

mapfile -t ours < <(sed -n "s/^\([A-Za-z0-9_]*\)\.v\$/${recursion:+$recursion\n}Routegauge.\1/p" _CoqProject)
coqchk -silent -o -R . Routegauge "${ours[@]}" >coqchk.log 2>&1 || {
  cat coqchk.log >&2
  exit 1
}
cd ../..
/usr/bin/python3 tests/proofs/test_theorem_status.py
/usr/bin/python3 scripts/theorem_status.py "$mode" proofs build/proofs theorems
