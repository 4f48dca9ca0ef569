"""Files as commands take them: of any kind, from standard input, and watched."""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from api.cli.terminal.output import console
from search.errors import SourceError

if TYPE_CHECKING:
    from watchfiles import Change

    from indexer.sources import Item

PYDOC = "pydoc"
"""What the documentation of the running Python is called as a source."""

STDIN = "-"
NAMED = "stdin"
"""What standard input is called as a source and as a file."""

SUFFIXES = {"jsonl": ".jsonl", "csv": ".csv", "files": ".txt"}
BEGINNINGS = (
    (b"%PDF-", ".pdf"),
    (b"PK\x03\x04", ".docx"),
    (b"{", ".jsonl"),
    (b"<!doctype html", ".html"),
    (b"<html", ".html"),
)
"""How kinds of files begin, for what has no name."""

BLANK = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
"""Byte order marks, blanks, and the other half of wide characters."""

DEBOUNCE, QUIET, TIMEOUT = 2000, 200, 500
"""Milliseconds: changes are gathered for so long at most, or until nothing changed for so long."""


@contextlib.contextmanager
def given_path(path: Path | str | None, format: str | None) -> Iterator[Path | str | None]:
    """The path to read: the same, or for `-` a file with all of standard input."""
    if path is None or str(path) != STDIN:
        yield path
        return
    with _spooled(sys.stdin.buffer, SUFFIXES.get(format or "", "")) as file:
        yield file


def is_document(path: str) -> bool:
    """Whether this is the path of a file of a kind that is read, and not only an id."""
    from indexer.sources.files import KINDS
    from indexer.sources.folders import ending

    return ending(path) in KINDS and Path(path).is_file()


def named_source(given: str | None, query: str | None, table: str | None) -> tuple[Path | str | None, str]:
    """A path or an address as it was given, and what it is called as a source.

    Raises:
        SourceError: there is no such address.
    """
    from indexer.sources import is_address, source_name

    if given is None or given == STDIN:
        return (Path(STDIN), NAMED) if given else (None, PYDOC)
    if is_address(given):
        return given, source_name(given, query, table)
    return Path(given), str(Path(given).resolve())


def is_whole(given: Path | str | None) -> bool:
    """Whether documents come and go there: at an address, in a folder, or in a file that is like one."""
    from indexer.sources.files import MANY
    from indexer.sources.folders import ending

    return isinstance(given, str) or (given is not None and (given.is_dir() or ending(given.name) in MANY))


def read_document(id: str, path: Path | None, *, title: str = "", url: str | None = None) -> "Item":
    """One document from a file, or from standard input where there is none, under an id. Its kind is that of
    the file's name, else of its id, else how it begins; what is none of these is text.

    Raises:
        SourceError: there is no such file.
    """
    from indexer.sources import Failure, SourceDocument
    from indexer.sources.files import KINDS, read
    from indexer.sources.folders import ending

    with _content(path) as content:
        if path is not None and ending(path.name) in KINDS:
            found = _document(read(path))
        else:
            kind = ending(id) if path is None or str(path) == STDIN else ""
            with _spooled(content, kind if kind in KINDS else "") as file:
                is_text = file.suffix not in KINDS  # a record of its own is no document's kind
                found = _document(read(file.rename(file.with_suffix(".txt")) if is_text else file))
    if isinstance(found, Failure):
        return replace(found, name=id)
    if not isinstance(found, SourceDocument):
        return found
    named = found.title if found.title != NAMED else path.stem if path and str(path) != STDIN else id
    return replace(found, id=id, title=title or named, url=url, stamp=None)


def _document(items: "Iterator[Item]") -> "Item":
    """The document that a file holds, or why it cannot be read; what is noted of it is printed."""
    from indexer.sources import Failure, Note

    found = list(items)
    for note in (item for item in found if isinstance(item, Note)):
        console.print(f"  noted {note.name}: {note.text}", markup=False)
    documents = [item for item in found if not isinstance(item, Note)]
    if len(documents) != 1:
        return Failure("", f"it holds {len(documents):,} documents; refract index reads them")
    return documents[0]


def _content(path: Path | None) -> contextlib.AbstractContextManager[BinaryIO]:
    """The bytes of a file, or of standard input.

    Raises:
        SourceError: it cannot be read.
    """
    if path is None or str(path) == STDIN:
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None


@contextlib.contextmanager
def _spooled(content: BinaryIO, suffix: str = "") -> Iterator[Path]:
    """A file with what comes, named by its kind: the one that is known, or how it begins."""
    with TemporaryDirectory(prefix="refract-") as folder:
        spool = Path(folder) / NAMED
        with spool.open("wb") as file:
            shutil.copyfileobj(content, file)
        with spool.open("rb") as file:
            begins = file.read(1024).lstrip(BLANK).lower()
        kinds = (kind for beginning, kind in BEGINNINGS if begins.startswith(beginning.lower()))
        yield spool.rename(spool.with_suffix(suffix or next(kinds, ".txt")))


def watched(path: Path) -> Iterator[bool]:
    """Says every now and then whether something changed at a path that may be the user's."""
    import watchfiles

    if not path.exists():
        return
    root = path.resolve()

    def is_news(_: "Change", changed: str) -> bool:
        return not _is_passing(root, Path(changed))

    news = watchfiles.watch(
        path,
        watch_filter=is_news,
        debounce=DEBOUNCE,
        step=QUIET,
        rust_timeout=TIMEOUT,
        yield_on_timeout=True,
    )
    for changes in news:
        yield bool(changes)


def _is_passing(root: Path, changed: Path) -> bool:
    """Whether a change is of what programs keep beside a file while somebody writes it, or hidden."""
    from indexer.sources.folders import is_passing

    try:
        parts = changed.relative_to(root).parts
    except ValueError:
        parts = (changed.name,)
    return any(is_passing(part) for part in parts)
