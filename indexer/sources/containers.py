"""Files that hold many documents: an archive or a mailbox in, its documents out one by one."""

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import IO, BinaryIO

from indexer.sources.document import MAX_BYTES, Failure, Note, Parsed, Part, UnreadableError
from indexer.sources.folders import Patterns, ending, is_passing, kinds_told
from indexer.sources.kinds.code import CODE, MADE, PYTHON
from indexer.sources.kinds.mailbox import read_mailbox
from indexer.sources.parsers import PARSERS

MAX_MEMBERS = 100_000
MAX_UNPACKED = 16 * MAX_BYTES
MAX_RATIO = 500
"""So much of its packed size a member may unpack to, once it has a MiB; text has a tenth of it."""

MAX_STREAM = 16 * MAX_UNPACKED
"""So much a compressed tape unpacks to at most, with all that is passed over on the way."""

MAX_DEPTH = 2
"""An archive in an archive is read, one in that is not."""

_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, OSError),
)
_PACKED: dict[bytes, Callable[[BinaryIO], IO[bytes]]] = {
    b"\x1f\x8b": gzip.open,  # type: ignore[dict-item]  # of its many forms the one of a file in bytes
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


@dataclass(frozen=True)
class _Member:
    """A file in an archive; `read` gives so many of its bytes, `refused` says why it is not read."""

    name: str
    read: Callable[[int], bytes]
    refused: str = ""


@dataclass
class _Budget:
    """What is left of what all archives within a file may unpack to, and what was passed over in them."""

    unpacked: int = MAX_UNPACKED
    members: int = MAX_MEMBERS
    seen: int = 0
    other: Counter[str] = field(default_factory=Counter)


def read_archive(file: BinaryIO, kind: str, *, code: bool = False) -> Iterator[Part]:
    """The documents of an archive, with `code` source code too. Nothing is unpacked onto the disk, so a
    member's path is a name alone; its bytes are counted as they come, whatever the archive says of them.

    Raises:
        UnreadableError: it is no archive, is empty, or breaks off.
    """
    budget = _Budget()
    fault = ""
    try:
        yield from _unpacked(file, kind, budget, 1, code=code)
    except UnreadableError as error:
        fault = str(error)
    if budget.other:
        yield Note("", f"passed over: {kinds_told(budget.other)}")
    if fault or not budget.seen:
        raise UnreadableError(fault or "it is empty")


def _unpacked(file: BinaryIO, kind: str, budget: _Budget, depth: int, *, code: bool) -> Iterator[Part]:
    known = {*PARSERS, *CONTAINERS, *((*CODE, *PYTHON) if code else ())}
    made = Patterns(MADE if code else ())
    for member in ARCHIVES[kind](file, budget):
        name = posixpath.normpath(posixpath.join("/", member.name.replace("\\", "/"))).lstrip("/")
        budget.seen += 1
        if any(is_passing(part) or part == "__MACOSX" for part in name.split("/")) or made.decide(name):
            continue
        inner = ending(name)
        if inner not in known:
            budget.other[inner or "without an ending"] += 1
            continue
        shown = f"{name}/" if inner in CONTAINERS or inner in PYTHON else name
        try:
            yield from _documents(member, name, inner, budget, depth, code=code)
        except UnreadableError as error:
            yield Failure(shown, str(error))
        except MemoryError:
            raise
        except Exception as error:  # as for a file of its own
            yield Failure(shown, f"it cannot be read: {type(error).__name__}: {str(error)[:200]}")


def _documents(
    member: _Member, name: str, kind: str, budget: _Budget, depth: int, *, code: bool
) -> Iterator[Part]:
    if kind in ARCHIVES and depth == MAX_DEPTH:
        raise UnreadableError("it is an archive in an archive in an archive, which is not read")
    data = _content(member, budget)
    if parse := PARSERS.get(kind) or CODE.get(kind):
        stem = posixpath.basename(name).removesuffix(posixpath.splitext(name)[1])
        parsed = parse(data)
        yield replace(parsed, name=name, kind=kind.lstrip("."), title=parsed.title.strip() or stem)
        return
    file = io.BytesIO(data)
    parts = _unpacked(file, kind, budget, depth + 1, code=code) if kind in ARCHIVES else _MANY[kind](file)
    for part in parts:
        inner = replace(part, name=f"{name}/{part.name}" if part.name else name)
        yield replace(inner, kind=inner.kind or kind.lstrip(".")) if isinstance(inner, Parsed) else inner


def _content(member: _Member, budget: _Budget) -> bytes:
    """The bytes of a member, within its bounds and those of all."""
    if member.refused:
        raise UnreadableError(member.refused)
    budget.members -= 1
    if budget.members < 0:
        raise UnreadableError(f"it comes after {MAX_MEMBERS:,} others, the most that is read; unpack them")
    most = min(MAX_BYTES, budget.unpacked)
    try:
        data = member.read(most + 1)
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


def _zipped(file: BinaryIO, _budget: _Budget) -> Iterator[_Member]:
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        raise UnreadableError(f"it is no archive: {str(error)[:100]}") from None
    with archive:
        for member in archive.infolist():
            refused = ""
            if member.flag_bits & 1:
                refused = "it is encrypted; unpack the archive with its password first"
            elif member.file_size > max(1 << 20, MAX_RATIO * member.compress_size):
                refused = f"it unpacks to more than {MAX_RATIO} times its size"
            if not member.is_dir():
                yield _Member(member.filename, _ReadZip(archive, member), refused)


@dataclass(frozen=True)
class _ReadZip:
    archive: zipfile.ZipFile
    member: zipfile.ZipInfo

    def __call__(self, most: int) -> bytes:
        with self.archive.open(self.member) as file:
            return file.read(most)


def _taped(file: BinaryIO, budget: _Budget) -> Iterator[_Member]:
    """The files of a tape in their order; links lead nowhere and are counted, as devices are."""
    begin = file.read(max(map(len, _PACKED)))
    file.seek(0)
    unpack = next((each for magic, each in _PACKED.items() if begin.startswith(magic)), None)
    stream = _Bounded(unpack(file) if unpack else file)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                if member.isfile():
                    yield _Member(member.name, _ReadTar(archive, member))
                elif not member.isdir():
                    budget.other["that are links or devices"] += 1
    except _BROKEN as error:
        what = "it breaks off" if budget.seen else "it is no archive"
        raise UnreadableError(f"{what}: {str(error)[:100]}") from None


@dataclass(frozen=True)
class _ReadTar:
    archive: tarfile.TarFile
    member: tarfile.TarInfo

    def __call__(self, most: int) -> bytes:
        file = self.archive.extractfile(self.member)
        return file.read(most) if file else b""


class _Bounded:
    """A stream that ends with an error after `MAX_STREAM` bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = MAX_STREAM

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UnreadableError(f"it unpacks to more than {MAX_STREAM >> 30} GiB, the most that is read")
        return data


_TAPES = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
ARCHIVES: dict[str, Callable[[BinaryIO, _Budget], Iterator[_Member]]] = {
    ".zip": _zipped,
    **dict.fromkeys(_TAPES, _taped),
}
_MANY: dict[str, Callable[[BinaryIO], Iterator[Part]]] = {".mbox": read_mailbox, **PYTHON}
CONTAINERS = (*ARCHIVES, ".mbox")
