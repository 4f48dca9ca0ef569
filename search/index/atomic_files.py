"""Keeps derived files: written whole or not at all, and read only where they are what was written."""

import hashlib
import os
from pathlib import Path

from search.errors import IndexDamaged


def write_file(path: Path, data: bytes | memoryview) -> str:
    """Writes a file under a temporary name, makes it durable, renames it; gives its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)
    return hashlib.sha256(data).hexdigest()


def read_file(path: Path, sha256: str) -> bytes:
    """Reads what `write_file` wrote.

    Raises:
        IndexDamaged: the file is missing or is not the one that was written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IndexDamaged(f"The index file {path} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise IndexDamaged(f"The index file {path} is damaged: its hash is not the one recorded.")
    return data


def sync_folder(folder: Path) -> None:
    """Makes durable which files are in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
