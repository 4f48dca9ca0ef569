"""Files that hold many documents: one reader for each kind, its bytes in, its documents out one by one."""

import io
import posixpath
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from indexer.sources.document import MAX_BYTES, Failure, Note, Parsed, Part, UnreadableError
from indexer.sources.folders import is_passing, kinds_told
from indexer.sources.kinds.mailbox import read_mailbox
from indexer.sources.parsers import PARSERS

MAX_MEMBERS = 100_000
MAX_UNPACKED = 16 * MAX_BYTES
MAX_RATIO = 500
"""So much of its packed size a member may unpack to, once it has a MiB; text has a tenth of it."""

MAX_DEPTH = 2
"""An archive in an archive is read, one in that is not."""

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


@dataclass
class _Budget:
    """What is left of what all archives within a file may unpack to, and what was passed over in them."""

    unpacked: int = MAX_UNPACKED
    members: int = MAX_MEMBERS
    other: Counter[str] = field(default_factory=Counter)


def read_zip(file: BinaryIO) -> Iterator[Part]:
    """The documents of an archive. Nothing is unpacked onto the disk, so a member's path is a name alone;
    its bytes are counted as they come, whatever the archive says of them.

    Raises:
        UnreadableError: it is no archive.
    """
    budget = _Budget()
    yield from _unpacked(file, budget, 1)
    if budget.other:
        yield Note("", f"passed over: {kinds_told(budget.other)}")


def _unpacked(file: BinaryIO, budget: _Budget, depth: int) -> Iterator[Part]:
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        raise UnreadableError(f"it is no archive: {str(error)[:100]}") from None
    with archive:
        for member in archive.infolist():
            name = posixpath.normpath(posixpath.join("/", member.filename.replace("\\", "/"))).lstrip("/")
            if member.is_dir() or any(is_passing(part) or part == "__MACOSX" for part in name.split("/")):
                continue
            kind = posixpath.splitext(name)[1].lower()
            if kind not in PARSERS and kind not in CONTAINERS:
                budget.other[kind or "without an ending"] += 1
                continue
            is_container = kind in CONTAINERS
            try:
                yield from _member(archive, member, name, budget, depth)
            except UnreadableError as error:
                yield Failure(f"{name}/" if is_container else name, str(error))
            except MemoryError:
                raise
            except Exception as error:  # as for a file of its own
                reason = f"it cannot be read: {type(error).__name__}: {str(error)[:200]}"
                yield Failure(f"{name}/" if is_container else name, reason)


def _member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, budget: _Budget, depth: int
) -> Iterator[Part]:
    kind = posixpath.splitext(name)[1].lower()
    if kind == ".zip" and depth == MAX_DEPTH:
        raise UnreadableError("it is an archive in an archive in an archive, which is not read")
    data = _content(archive, member, budget)
    if kind in PARSERS:
        stem = posixpath.splitext(posixpath.basename(name))[0]
        parsed = PARSERS[kind](data)
        yield replace(parsed, name=name, kind=kind.lstrip("."), title=parsed.title.strip() or stem)
        return
    inside = io.BytesIO(data)
    for part in _unpacked(inside, budget, depth + 1) if kind == ".zip" else CONTAINERS[kind](inside):
        inner = replace(part, name=f"{name}/{part.name}" if part.name else name)
        yield replace(inner, kind=inner.kind or kind.lstrip(".")) if isinstance(inner, Parsed) else inner


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: _Budget) -> bytes:
    """The bytes of a member, within its bounds and those of all."""
    if member.flag_bits & 1:
        raise UnreadableError("it is encrypted; unpack the archive with its password first")
    if member.file_size > max(1 << 20, MAX_RATIO * member.compress_size):
        raise UnreadableError(f"it unpacks to more than {MAX_RATIO} times its size")
    budget.members -= 1
    if budget.members < 0:
        raise UnreadableError(f"it comes after {MAX_MEMBERS:,} others, the most that is read; unpack them")
    most = min(MAX_BYTES, budget.unpacked)
    try:
        with archive.open(member) as file:
            data = file.read(most + 1)
    except _BROKEN as error:
        raise UnreadableError(f"it is damaged: {str(error)[:100]}") from None
    if len(data) > most:
        bound = f"it unpacks to more than {MAX_BYTES >> 20} MiB"
        whole = (
            f"what comes before it unpacks to {MAX_UNPACKED >> 20:,} MiB, the most that is read; unpack it"
        )
        raise UnreadableError(bound if most == MAX_BYTES else whole)
    if not data:
        raise UnreadableError("it is empty")
    budget.unpacked -= len(data)
    return data


CONTAINERS: dict[str, Callable[[BinaryIO], Iterator[Part]]] = {".zip": read_zip, ".mbox": read_mailbox}
