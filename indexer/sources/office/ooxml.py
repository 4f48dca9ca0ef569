"""Office Open XML: parts of a zip that point to each other, and the text of one as it streams by.

Names are compared without their namespace: Word writes transitional or strict ones, drawings have their own.
"""

import contextlib
import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from lxml import etree

from indexer.sources.document import MAX_BYTES, MAX_TEXT, UnreadableError
from indexer.sources.office.damaged import mended

_OLE = b"\xd0\xcf\x11\xe0"
_CHUNK = 1 << 20
_OTHERS = {b"<!DOC": "HTML", b"<html": "HTML", b"<!doc": "HTML", b"%PDF": "PDF"}
"""How files begin that people give a wrong name."""

R = TypeVar("R", bound="TextReader")


class Part(NamedTuple):
    """A part that another one points to: the last word of the relationship's type, its place in the zip."""

    kind: str
    path: str


class Package:
    """The parts of a document.

    Raises:
        UnreadableError: it is encrypted, no zip, or unpacks to too much.
    """

    def __init__(self, data: bytes) -> None:
        if data.startswith(_OLE):
            raise UnreadableError(
                "it is protected by a password, or of a format before 2007; save a copy of it"
            )
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile as error:
            kind = next((kind for begin, kind in _OTHERS.items() if data.lstrip().startswith(begin)), "")
            named = f"; it looks like {kind}, so name it so" if kind else ""
            raise UnreadableError(f"it is not what its name says ({error}){named}") from None
        self._members = {_plain(name): name for name in self._zip.namelist()}
        if sum(member.file_size for member in self._zip.infolist()) > 4 * MAX_BYTES:
            raise UnreadableError(f"it unpacks to more than {4 * MAX_BYTES >> 20} MiB")

    def __contains__(self, path: str) -> bool:
        return _plain(path) in self._members

    def main(self, usual: str) -> str:
        """The part that is the document, `usual` where nothing says so."""
        return next((part.path for part in self.parts("") if part.kind == "officeDocument"), usual)

    def parts(self, path: str) -> list[Part]:
        """What a part (the package itself: "") points to; what is not there is left out."""
        folder, name = posixpath.split(path)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        if listed not in self:
            return []
        found = []
        for element in self.tree(listed).iter("{*}Relationship"):
            target = posixpath.normpath(
                posixpath.join("/", folder, _slashed(element.get("Target", "")))
            ).lstrip("/")
            if target in self and element.get("TargetMode") != "External":
                found.append(Part(element.get("Type", "").rsplit("/", 1)[-1], target))
        return found

    def first(self, path: str, kind: str) -> etree._Element | None:
        """The tree of a small part, such as properties or styles."""
        where = next((part.path for part in self.parts(path) if part.kind == kind), None)
        return None if where is None else self.tree(where)

    def title(self) -> str:
        """The title among the properties."""
        properties = self.first("", "core-properties")
        return "" if properties is None else (properties.findtext("{*}title") or "").strip()

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a part, a MiB at a time."""
        with self._zip.open(self._members[_plain(path)]) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def read(self, path: str) -> bytes:
        """A part as a whole."""
        return self._zip.read(self._members[_plain(path)])

    def tree(self, path: str) -> etree._Element:
        """The tree of a small part, as much of it as can be read."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
        try:
            root = etree.fromstring(self._zip.read(self._members[_plain(path)]), parser)
        except etree.XMLSyntaxError:  # not even a part of it can be read
            root = None
        return etree.Element("nothing") if root is None else root


def _plain(name: str) -> str:
    """A part's name as it is compared: in any case, and with the backslashes of some programs on Windows."""
    return _slashed(name).lower()


def _slashed(name: str) -> str:
    return name.replace("\\", "/")


def read_part(package: Package, path: str, begin: Callable[[], R]) -> tuple[R, str | None]:
    """A reader that was fed with a part, and what is wrong with the part. One that is not well formed is read
    once more, mended; one whose data is damaged is read up to there."""
    reader = begin()
    parser = _parser(reader)
    try:
        for chunk in package.chunks(path):
            parser.feed(chunk)
        parser.close()
    except etree.XMLSyntaxError as error:
        what = "breaks off" if "Premature end" in str(error) else "is damaged and was mended"
        return _read_damaged(package, path, begin()), f"{path} {what}: {str(error)[:100]}"
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        reader.finish()
        return reader, f"{path} breaks off: {str(error)[:100]}"
    return reader, None


def _read_damaged(package: Package, path: str, reader: R) -> R:
    parser = _parser(reader, recover=True)
    data = package.read(path)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))  # UTF-16, whose signs are of two bytes
    with contextlib.suppress(etree.XMLSyntaxError):  # there is nothing in it
        parser.feed(data if wide else mended(data))
        parser.close()
    reader.finish()
    return reader


def _parser(reader: "TextReader", *, recover: bool = False) -> etree.XMLParser:
    events: Any = reader  # the stubs know no names that are str alone
    return etree.XMLParser(
        target=events, resolve_entities=False, no_network=True, huge_tree=True, recover=recover
    )


@dataclass
class _Paragraph:
    text: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    style: str = ""
    listed: bool = False


@dataclass
class _Container:
    """What holds blocks: the part, a cell (its row and table hold their lines alike)."""

    kind: str
    blocks: list[str] = field(default_factory=list)
    deleted: bool = False


_SIGNS = {"tab": " ", "ptab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_JOINED = {"tc": "\n", "tr": " | ", "tbl": "\n"}
_SKIPPED = {"del", "moveFrom", "rt", "tabs"}


class TextReader:
    """Collects the blocks of a part: paragraphs, and tables a line a row. Deleted text is left out; boxes of
    text come after the paragraph they are anchored in, the copy for old programs is read only where there is
    none for new ones."""

    def __init__(self) -> None:
        self.blocks: list[tuple[str, _Paragraph | None]] = []
        self._open: list[_Paragraph | _Container] = []
        self._choices: list[int] = []
        self._skipping = 0
        self._reading = False
        self._size = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rsplit("}", 1)[-1]
        if self._skipping or name in _SKIPPED or (name == "Fallback" and self._was_read()):
            self._skipping += 1
            if name == "del" and self._skipping == 1:
                self._delete_row()
        elif name == "t":
            self._reading = True
        elif name == "p":
            self._open.append(_Paragraph())
        elif name in _JOINED:
            self._open.append(_Container(name))
        elif name == "AlternateContent":
            self._choices.append(self._size)
        elif self._open and isinstance(paragraph := self._open[-1], _Paragraph):
            if name in _SIGNS:
                paragraph.text.append(_SIGNS[name])
            elif name == "pStyle":
                paragraph.style = next(iter(attributes.values()), "")
            elif name == "numPr":
                paragraph.listed = True

    def data(self, text: str) -> None:
        if self._reading and not self._skipping and self._open:
            self._size += len(text)
            if self._size > MAX_TEXT:
                raise UnreadableError(f"its text has more than {MAX_TEXT:,} characters: split it")
            if isinstance(paragraph := self._open[-1], _Paragraph):
                paragraph.text.append(text)

    def end(self, tag: str) -> None:
        name = tag.rsplit("}", 1)[-1]
        if self._skipping:
            self._skipping -= 1
        elif name == "t":
            self._reading = False
        elif name == "p" or name in _JOINED:
            self._close()
        elif name == "AlternateContent":
            self._choices.pop()

    def close(self) -> None:
        """The parser's last word."""

    def finish(self) -> None:
        """Closes what is open where a part breaks off."""
        while self._open:
            self._close()

    def _was_read(self) -> bool:
        """Whether the copy for new programs had text."""
        return bool(self._choices) and self._size > self._choices[-1]

    def _delete_row(self) -> None:
        """A row is marked as deleted among its properties, outside any paragraph."""
        if self._open and isinstance(container := self._open[-1], _Container) and container.kind == "tr":
            container.deleted = True

    def _close(self) -> None:
        done = self._open.pop()
        if isinstance(done, _Paragraph):
            lines = (" ".join(line.split()) for line in "".join(done.text).split("\n"))
            self._add("\n".join(lines).strip(), done)
            for box in done.boxes:
                self._add(box, None)
        elif not done.deleted and any(block.strip() for block in done.blocks):
            self._add(_JOINED[done.kind].join(done.blocks), None)
        elif done.kind == "tc":
            self._add("", None)

    def _add(self, block: str, paragraph: _Paragraph | None) -> None:
        if not self._open:
            if block:
                self.blocks.append((block, paragraph))
            return
        inside = self._open[-1]
        if isinstance(inside, _Container):
            if block or inside.kind == "tr":
                inside.blocks.append(block)
        elif block:
            inside.boxes.append(block)
