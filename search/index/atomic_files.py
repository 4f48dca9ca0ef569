"""Keeps derived files: written whole or not at all, and read only where they are what was written.

A file is replaced by another of its name and never written in place: who has the earlier one open, or mapped,
goes on reading that.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from search.errors import IndexDamaged


def write_file(path: Path, write: Callable[[Path], object]) -> str:
    """Has a file written under a temporary name, makes it durable, renames it; gives its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{path.name}.", suffix=".part", dir=path.parent) as folder:
        temporary = Path(folder) / path.name  # of this writer's own: another may write the same just now
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        temporary.replace(path)
    sync_folder(path.parent)
    return sha256


@contextmanager
def open_checked(path: Path, sha256: str) -> Iterator[BinaryIO]:
    """Opens what `write_file` wrote, from its beginning. All of it was read then, a piece at a time, so that
    what is mapped is in memory already.

    Raises:
        IndexDamaged: the file is missing or is not the one that was written.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise IndexDamaged(f"The index file {path} cannot be read: {error.strerror}.") from None
    with file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise IndexDamaged(f"The index file {path} is damaged: its hash is not the one recorded.")
        file.seek(0)
        yield file


def sync_folder(folder: Path) -> None:
    """Makes durable which files are in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
