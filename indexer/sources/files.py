"""A folder of documents, or one of them: Markdown, reStructuredText, HTML, PDF, Word and plain text."""

import os
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from indexer.sources.document import (
    MAX_BYTES,
    Failure,
    Item,
    SourceDocument,
    Unchanged,
    UnreadableError,
)
from indexer.sources.parsers import PARSERS

__all__ = ["PARSERS", "read"]

READING = 1
"""Grows with every change of what is made of a file's bytes, so that unchanged files are read again."""

SETTLED_NS = 2_000_000_000
"""A file that changed so shortly before it was read may change again within the same tick of its clock."""

NOTHING: Mapping[str, str] = MappingProxyType({})


def read(path: Path, known: Mapping[str, str] = NOTHING) -> Iterator[Item]:
    """The documents of a folder and its subfolders, in the order of their names, or the one file.

    Ids are paths relative to the folder, so are names of failures (those of folders end with /). Hidden
    files and folders are left out, files of other kinds too. A file with the stamp that is `known` of its id
    is not read.
    """
    root = path if path.is_dir() else path.parent
    for item in _walk(path, set()) if path.is_dir() else [path]:
        if isinstance(item, Failure):
            yield Failure(f"{Path(item.name).relative_to(root).as_posix()}/", item.reason)
        else:
            name = item.relative_to(root).as_posix()
            stamp = _stamp(item)
            if stamp and known.get(name) == stamp:
                yield Unchanged(name)
            else:
                document = _document(item, name)
                yield replace(document, stamp=stamp) if isinstance(document, SourceDocument) else document


def _stamp(path: Path) -> str | None:
    """What tells whether a file changed: its size, its place on the disk, when its content changed, and when
    anything of it did, which nobody can set back. None where it cannot be told, or changed just now."""
    try:
        found = path.stat()
    except OSError:
        return None
    if time.time_ns() - found.st_ctime_ns < SETTLED_NS:
        return None
    parts = (READING, found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
    return "-".join(map(str, parts))


def _walk(folder: Path, seen: set[str]) -> Iterator[Path | Failure]:
    """Files that have a parser. However many links lead to a folder, it is read once, so loops end."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        yield Failure(str(folder), f"the folder cannot be read: {error.strerror}")
        return
    for entry in entries:
        if is_passing(entry.name):
            continue
        if entry.is_dir():
            yield from _walk(entry, seen)
        elif entry.suffix.lower() in PARSERS:
            yield entry


def is_passing(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's own: hidden, or what programs keep beside a
    file while somebody writes it."""
    return name.startswith((".", "~$")) or name.endswith("~")


def _document(path: Path, name: str) -> SourceDocument | Failure:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            title, text = PARSERS[path.suffix.lower()](_content(path))
    except UnreadableError as error:
        return Failure(name, str(error))
    except OSError as error:
        return Failure(name, f"it cannot be read: {error.strerror or error}")
    except Exception as error:  # a broken file makes a parser raise anything at all
        return Failure(name, f"it cannot be read: {type(error).__name__}: {str(error)[:200]}")
    return SourceDocument(name, title or path.stem, text, meta={"format": path.suffix.lower().lstrip(".")})


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise UnreadableError("it is not a regular file")  # reading a pipe would wait for ever
    size = path.stat().st_size
    if size == 0:
        raise UnreadableError("it is empty")
    if size > MAX_BYTES:
        raise UnreadableError(f"it has {size >> 20} MiB, {MAX_BYTES >> 20} MiB is the most")
    return path.read_bytes()
