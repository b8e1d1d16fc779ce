"""Debian packages by name and version: download, check, list the files inside. Standard library only."""

import hashlib
import os
import subprocess
import tarfile


class CorpusError(Exception):
    """A sentence for the user; the text names the manifest line."""


def fetch(entry, where, cache):
    """Returns the path of the .deb in `cache`, downloading it with apt if it is not there yet.

    `where` names the manifest line of the entry, for messages."""
    name, version = entry["package"], entry["version"]
    path = os.path.join(cache, f"{name}_{version}_{entry['architecture']}.deb")
    if not os.path.exists(path):
        os.makedirs(cache, exist_ok=True)
        command = ["apt-get", "download", "-q", f"{name}={version}"]
        try:
            done = subprocess.run(command, cwd=cache, capture_output=True, text=True)
        except FileNotFoundError:
            raise CorpusError(f"{where}: apt-get is not here; corpora are read from Debian packages.") from None
        if done.returncode != 0 or not os.path.exists(path):
            raise CorpusError(f"{where}: package {name} version {version} cannot be had: {_reason(name, done)}")
    found = hashlib.sha256(open(path, "rb").read()).hexdigest()
    if entry["deb_sha256"] and found != entry["deb_sha256"]:
        raise CorpusError(
            f"{where}: {path}: found SHA-256 {found}, expected {entry['deb_sha256']}. "
            "The file is damaged or another build of the same version. Delete it and run again.")
    return path


def _reason(name, done):
    try:
        known = subprocess.run(["apt-cache", "madison", name], capture_output=True, text=True).stdout
    except FileNotFoundError:
        known = ""
    versions = sorted({line.split("|")[1].strip() for line in known.splitlines() if line.count("|") >= 2})
    said = " ".join(line for line in done.stderr.splitlines() if line.startswith("E:")) or "apt gave no reason"
    if versions:
        return f"the archive offers {', '.join(versions)}. Pin a version that it has, or use snapshot.debian.org. ({said})"
    return f"apt knows no such package. Run apt-get update first; if that does not help, it is gone. ({said})"


def contents(path):
    """The regular files of a .deb as a dict from path (no leading ./) to bytes."""
    files = {}
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as unpacked:
        with tarfile.open(fileobj=unpacked.stdout, mode="r|") as archive:
            for member in archive:
                if member.isfile():
                    files[member.name.removeprefix("./")] = archive.extractfile(member).read()
    if unpacked.returncode != 0:
        raise CorpusError(f"{path}: dpkg-deb cannot unpack it.")
    return files
