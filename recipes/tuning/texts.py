"""Documents of a text file or of a folder of text files, and what identifies them. Standard library only."""

import hashlib
import os


def paths(source):
    """Files of a folder in byte order of their relative paths, or the file itself."""
    if os.path.isfile(source):
        return [source]
    found = [os.path.relpath(os.path.join(base, name), source) for base, _, names in os.walk(source) for name in names]
    if not found:
        raise ValueError(f"no text in {source}")
    return [os.path.join(source, path) for path in sorted(found, key=os.fsencode)]


def documents(source):
    for path in paths(source):
        with open(path, encoding="utf-8", newline="") as file:
            yield file.read()


def identity(source):
    """Name, number of documents and SHA-256 of all documents in order, each given by the digest of its bytes."""
    joined, count = hashlib.sha256(), 0
    for path in paths(source):
        with open(path, "rb") as file:
            joined.update(hashlib.file_digest(file, "sha256").digest())
        count += 1
    return {"source": source, "documents": count, "sha256": joined.hexdigest()}
