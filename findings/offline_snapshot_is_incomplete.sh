#!/bin/sh
# Offline, snapshot_download returns a half-downloaded checkpoint as if it were whole.
# Guess:    local_files_only=True returns the folder if everything asked for is there, and raises
#           LocalEntryNotFoundError otherwise, as hf_hub_download does for one file.
# Happens:  it returns the snapshot's folder if that folder exists, whatever is in it. A shard that
#           the index names may be missing; allow_patterns that match no file at all succeed too.
# Versions: huggingface_hub 2.4.0
# Matters:  an interrupted download followed by an offline run opens a checkpoint without some
#           shards. The reader has to compare index and folder before it reads, as routegauge does.
# Source:   huggingface_hub/_snapshot_download.py (the branch for offline and unreachable hub);
#           "Manage huggingface_hub cache-system" in its documentation for the folder's layout.
. "$(dirname "$0")/common.sh"
packages 'huggingface_hub==2.4.0'
run <<'PY'
import json
import os
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from finding import Finding

f = Finding("an offline snapshot has every file that was asked for", "huggingface_hub")
cache = os.path.join(os.environ["WORK"], "hub")
commit = "0123456789abcdef0123456789abcdef01234567"
repository = f"{cache}/models--me--tiny"
snapshot = f"{repository}/snapshots/{commit}"
for folder in (snapshot, repository + "/blobs", repository + "/refs"):
    os.makedirs(folder)
open(repository + "/refs/main", "w").write(commit)
shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
index = json.dumps({"metadata": {}, "weight_map": {"a": shards[0], "b": shards[1]}})
for name, text in (("model.safetensors.index.json", index), (shards[0], "first shard")):
    open(f"{repository}/blobs/{name}", "w").write(text)
    os.symlink(f"../../blobs/{name}", f"{snapshot}/{name}")
open(f"{repository}/blobs/second.incomplete", "w").write("half of the sec")


def offline(**what):
    return snapshot_download("me/tiny", cache_dir=cache, local_files_only=True, **what)


there = sorted(os.listdir(offline()))
f.seen("the folder is returned with one of two shards",
       shards[0] in there and shards[1] not in there, there)
f.seen("also when only the missing shard is asked for",
       offline(allow_patterns=[shards[1]]) == snapshot)
f.seen("and when nothing matches", offline(allow_patterns=["*.gguf"]) == snapshot)
try:
    hf_hub_download("me/tiny", shards[1], cache_dir=cache, local_files_only=True)
    raised = False
except LocalEntryNotFoundError:
    raised = True
f.seen("hf_hub_download of that shard raises", raised)
f.seen("scan_cache_dir warns of nothing", scan_cache_dir(cache).warnings == [])
f.end()
PY
