# Sourced by every script of this folder: a temporary folder that goes away at the end, the packages
# of one finding inside it, and `run`, which hands the Python program on standard input to them.
# FINDINGS_CACHE=DIR keeps one environment per list of packages there for the next time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export HF_HUB_OFFLINE=1 HF_HOME="$work/hf" TRANSFORMERS_VERBOSITY=error HF_DATASETS_CACHE="$work/ds"
export HF_HUB_DISABLE_PROGRESS_BARS=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONWARNINGS=ignore
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 WORK="$work" DS_BUILD_OPS=0

# The project's reference, pinned; torch comes first, alone.
torch='torch==2.13.0 numpy==2.4.6'
transformers='transformers==5.24.0 tokenizers==0.23.3 safetensors==0.8.0 huggingface_hub==2.4.0'

# packages 'FIRST ...' ['THEN ...' ...]: installs each argument's packages in turn.
packages() {
  venv=$work/venv
  if [ -n "${FINDINGS_CACHE:-}" ]; then
    mkdir -p "$FINDINGS_CACHE"
    venv=$FINDINGS_CACHE/$(printf '%s\n' "$@" | sha256sum | cut -c1-16)
  fi
  if [ ! -e "$venv/complete" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    for list in "$@"; do
      # shellcheck disable=SC2086  # a list of words
      "$venv/bin/pip" install --quiet $list >"$work/pip.log" 2>&1 || {
        cat "$work/pip.log" >&2
        echo "could not install: $list" >&2
        exit 2
      }
    done
    touch "$venv/complete"
  fi
}

run() { (cd "$work" && "$venv/bin/python" - 2>"$work/stderr") || {
  code=$?
  [ $code = 1 ] && grep -q Traceback "$work/stderr" && tail -n 20 "$work/stderr" >&2
  echo "$(basename "$0" .sh): CHANGED, or it did not run: see above" >&2
  exit 1
}; }
