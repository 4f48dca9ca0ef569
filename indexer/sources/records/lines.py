"""The lines of a text file of any size and encoding, compressed or not."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, AnyStr, cast

from indexer.sources.decoding import SAMPLE, Encoding, assuming, detect
from indexer.sources.document import MAX_BYTES
from search.errors import SourceError

BROKEN_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)

_HEAD = 64 * 1024
_WIDE = ("utf-16", "utf-32")


class TextLines:
    """The lines of a file, again at each iteration. Of an encoding that is none of UTF-8 a file is read as a
    whole; single lines of another one in a file of UTF-8 are read as what they are likeliest.

    What is neither marked nor UTF-8 is of the encoding, if one is given.

    Raises:
        SourceError: it is no regular file, or not gzip as its name says.
    """

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        if not path.is_file():
            raise SourceError(f"{path} is not a regular file.", hint="Give the path of a file.")
        self.path, self._given = path, encoding
        self.mended: dict[str, list[int]] = {}
        """Numbers of lines that are not of the file's encoding, by what was assumed of them."""
        try:
            with self._open() as file:
                head = file.read(_HEAD)
            self._ends = b"\r" if b"\r" in head and b"\n" not in head else b"\n"
            self.encoding = self._detect(head)
        except BROKEN_GZIP as error:
            raise SourceError(
                f"{path} is not gzip: {error}.", hint="Give the file again, or without .gz."
            ) from None

    def __iter__(self) -> Iterator[str | None]:
        """Each line with its end; None for one that is longer than `MAX_BYTES`."""
        self.mended.clear()
        with self._open() as file:
            if self.encoding.name.startswith(_WIDE):
                yield from _wide_lines(file, self.encoding.name)
                return
            for number, line in enumerate(_byte_lines(file, self._ends), start=1):
                yield self._decoded(number, line) if len(line) <= MAX_BYTES else None

    @property
    def notes(self) -> list[str]:
        """What was assumed, in the lines read so far too."""
        told = [self.encoding.assumed] if self.encoding.assumed else []
        for assumed, numbers in self.mended.items():
            more = f" and {len(numbers) - 1:,} more" if len(numbers) > 1 else ""
            told.append(f"line {numbers[0]}{more}: {assumed}")
        return told

    def _open(self) -> IO[bytes]:
        compressed = self.path.name.lower().endswith(".gz")
        return cast(IO[bytes], gzip.open(self.path)) if compressed else self.path.open("rb")

    def _detect(self, head: bytes) -> Encoding:
        """By the head, or where that is plain ASCII by the first lines that are not."""
        found = self._detected(head[: len(head) // 4 * 4])
        if found.name.startswith(_WIDE) or found.name == "utf-8-sig":
            return found
        telling, size = [], 0
        try:
            with self._open() as file:
                for line in _byte_lines(file, self._ends):
                    if len(line) <= MAX_BYTES and (not line.isascii() or b"\x1b$" in line):
                        telling.append(line[: 2 * SAMPLE])
                        size += len(line)
                        if size > SAMPLE:
                            break
        except BROKEN_GZIP:  # who reads the lines hears of it in its place
            if not head:
                raise
        found = self._detected(b"".join(telling))
        return Encoding("utf-8") if found.name == "utf-8" else found

    def _detected(self, data: bytes) -> Encoding:
        with assuming(self._given):
            return detect(data)

    def _decoded(self, number: int, line: bytes) -> str:
        try:
            return line.decode(self.encoding.name)
        except UnicodeDecodeError:
            own = self._detected(line) if self.encoding.name.startswith("utf-8") else self.encoding
            self.mended.setdefault(own.assumed or "it is damaged; letters are lost", []).append(number)
            return own.decode(line)


def _byte_lines(file: IO[bytes], ends: bytes) -> Iterator[bytes]:
    """Lines of at most `MAX_BYTES`; longer ones come back cut, and one byte too long."""
    if ends == b"\r":  # as old Macs and some spreadsheets write them
        with io.TextIOWrapper(file, encoding="latin-1", newline="\r") as text:
            yield from (line.encode("latin-1") for line in _cut(text.readline, "\r"))
    else:
        yield from _cut(file.readline, b"\n")


def _wide_lines(file: IO[bytes], encoding: str) -> Iterator[str | None]:
    with io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="") as text:
        for line in _cut(text.readline, ("\n", "\r")):
            yield line if len(line) <= MAX_BYTES else None


def _cut(readline: Callable[[int], AnyStr], ends: AnyStr | tuple[AnyStr, ...]) -> Iterator[AnyStr]:
    while line := readline(MAX_BYTES + 1):
        rest = line
        while rest and not rest.endswith(ends) and len(line) > MAX_BYTES:
            rest = readline(MAX_BYTES)
        yield line
