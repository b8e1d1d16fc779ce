#!/usr/bin/python3
"""Makes the project's text corpora from Debian packages named in manifest.json.

  extract.py --split demo            build/corpora/demo/{prose,code}/...
  extract.py --split train --split valid
  extract.py --pin                   rewrites the manifest's hashes (maintainers, after editing it)

Only packages that serve the wanted splits are downloaded. A package is checked against its SHA-256 and
the documents of each split against a digest; a second run only checks. Exit 0, or 1 with one sentence.
Standard library only: runs with Debian's python3.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile

from packages import CorpusError, contents, fetch
from readers import READERS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def split_of(entry, document, seed):
    """Which split a document belongs to: a hash of seed, package and path against cumulative shares."""
    key = f"{seed}:{entry['package']}:{document}".encode()
    point = int.from_bytes(hashlib.sha256(key).digest()[:8], "big") / 2**64
    for split, share in entry["shares"].items():
        point -= share
        if point < 0:
            return split
    return split


def digest_of(documents):
    """One SHA-256 over the sorted lines `sha256  path` of (path, bytes) pairs."""
    lines = sorted(f"{path}\0{hashlib.sha256(data).hexdigest()}\n" for path, data in documents)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_package(entry, where, cache, seed):
    """Downloads and reads one package: ({split: [(path, bytes)]}, copyright file)."""
    files = contents(fetch(entry, where, cache))
    notice = files.get(f"usr/share/doc/{entry['package']}/copyright", b"")
    if not re.search(entry["licence_pattern"], notice.decode("utf-8", "replace")):
        raise CorpusError(f"{where}: the copyright file of {entry['package']} does not say "
                          f"'{entry['licence_pattern']}' (licence {entry['licence']}).")
    splits = {split: [] for split in entry["shares"]}
    for path, text in READERS[entry["reader"]](files, entry["options"]):
        splits[split_of(entry, path, seed)].append((path, text.encode("utf-8")))
    return splits, notice


def folder_documents(folder):
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                yield os.path.relpath(path, folder).replace(os.sep, "/"), file.read()


def write_folder(folder, documents, scratch):
    """Writes all documents below `scratch` (same file system), then puts the folder in place by one rename."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    fresh = tempfile.mkdtemp(prefix="new-", dir=scratch)
    for path, data in documents:
        target = os.path.join(fresh, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)
    os.chmod(fresh, 0o755)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(fresh, folder)


def manifest_line(text, package):
    """Line of the package's entry, for messages."""
    at = text.find(f'"package": "{package}"')
    return text.count("\n", 0, at) + 1


def extract(manifest_path, wanted, output):
    """Makes the wanted splits below `output`; returns the folders, one per split and domain."""
    with open(manifest_path, encoding="utf-8") as file:
        text = file.read()
    manifest = json.loads(text)
    folders, current = set(), set()
    for entry in manifest["packages"]:
        where = f"{os.path.basename(manifest_path)} line {manifest_line(text, entry['package'])}"
        wanted_here = [split for split in wanted if split in entry["shares"]]
        fresh = None
        for split in wanted_here:
            folder = os.path.join(output, split, entry["domain"], entry["package"])
            folders.add(os.path.dirname(folder))
            current.add(folder)
            expected = entry["documents"][split]["sha256"]
            if os.path.isdir(folder) and digest_of(folder_documents(folder)) == expected:
                continue
            if fresh is None:
                fresh, notice = read_package(entry, where, os.path.join(output, "debs"), manifest["seed"])
            found = digest_of(fresh[split])
            if found != expected:
                raise CorpusError(f"{where}: the {split} documents of {entry['package']} {entry['version']}: found "
                                  f"digest {found}, expected {expected}. The reader or the manifest was changed "
                                  "without the other; after a wanted change run extract.py --pin.")
            write_folder(folder, fresh[split], output)
            licences = os.path.join(output, "licences")
            os.makedirs(licences, exist_ok=True)
            with open(os.path.join(licences, entry["package"]), "wb") as file:
                file.write(notice)
    for folder in folders:  # what an earlier manifest left there would be measured too
        for name in os.listdir(folder):
            if os.path.join(folder, name) not in current:
                shutil.rmtree(os.path.join(folder, name))
    return sorted(folders)


def pin(manifest_path, output):
    """Downloads every package and writes its hashes, counts and sizes into the manifest."""
    with open(manifest_path, encoding="utf-8") as file:
        text = file.read()
    manifest = json.loads(text)
    for entry in manifest["packages"]:
        where = f"{os.path.basename(manifest_path)} line {manifest_line(text, entry['package'])}"
        entry["deb_sha256"] = ""
        cache = os.path.join(output, "debs")
        with open(fetch(entry, where, cache), "rb") as file:
            entry["deb_sha256"] = hashlib.sha256(file.read()).hexdigest()
        splits, _ = read_package(entry, where, cache, manifest["seed"])
        entry["documents"] = {
            split: {"count": len(documents), "bytes": sum(len(data) for _, data in documents),
                    "sha256": digest_of(documents)}
            for split, documents in splits.items()}
    with open(manifest_path, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", action="append", choices=["train", "valid", "demo", "test"])
    parser.add_argument("--manifest", default=os.path.join(HERE, "manifest.json"))
    parser.add_argument("--output", default=os.path.join(ROOT, "build", "corpora"))
    parser.add_argument("--pin", action="store_true")
    options = parser.parse_args(arguments)
    if options.pin == bool(options.split):
        parser.error("give either --split (once or more) or --pin")
    try:
        if options.pin:
            pin(options.manifest, options.output)
        else:
            for folder in extract(options.manifest, options.split, options.output):
                print(folder)
    except CorpusError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
