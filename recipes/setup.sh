#!/bin/sh
# Makes build/venv with the pinned Python packages of recipes/requirements.txt. Does nothing when it is up to date.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
venv="$root/build/venv"
stamp="$venv/.requirements"
if [ -f "$stamp" ] && cmp -s "$stamp" "$root/recipes/requirements.txt"; then
  exit 0
fi
mkdir -p "$root/build"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet -r "$root/recipes/requirements.txt"
cp "$root/recipes/requirements.txt" "$stamp"
