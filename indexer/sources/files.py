"""Reads a folder of documents, or one of them, of all kinds that have a parser."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from indexer.sources.containers import CONTAINERS
from indexer.sources.document import (
    Failure,
    Item,
    Note,
    Parsed,
    Part,
    SourceDocument,
    Unchanged,
    UnreadableError,
)
from indexer.sources.folders import Folder, ending
from indexer.sources.kinds.code import CODE, MADE, PYTHON
from indexer.sources.markup.html import without_data
from indexer.sources.parsers import PARSERS
from indexer.sources.reader import Reader, borrowed_reader
from search.embedding.folding import composed

__all__ = ["CODE_KINDS", "KINDS", "MANY", "read"]

KINDS = (*PARSERS, *CONTAINERS)
CODE_KINDS = (*CODE, *PYTHON)
MANY = (*CONTAINERS, *PYTHON)
"""Kinds of files that hold many documents."""


READING = 2
"""Grows with every change of what is made of a file's bytes, so that unchanged files are read again."""

SETTLED_NS = 2_000_000_000
"""A file that changed so shortly before it was read may change again within the same tick of its clock."""

NOTHING: Mapping[str, str] = MappingProxyType({})


def read(
    path: Path,
    exclude: Sequence[str] = (),
    known: Mapping[str, str] = NOTHING,
    *,
    code: bool = False,
    encoding: str | None = None,
) -> Iterator[Item]:
    """Reads the documents of a folder and its subfolders, in the order of their names, or the one file.

    Ids are paths relative to the folder, so are names of failures (those of folders end with /). A file with
    the stamp that is `known` of its id is not read. What is left out of a folder, and the patterns to
    exclude: see `folders.Folder`. With `code` source code is read too, but for what programs wrote of it.
    What is neither marked nor UTF-8 is of the `encoding`, if one is given.

    Raises:
        SourceError: a pattern is none.
    """
    if not path.is_dir():
        return _file(path, known, encoding, code)
    folder = Folder(path, (*KINDS, *CODE_KINDS), (*MADE, *exclude)) if code else Folder(path, KINDS, exclude)
    return _folder(folder, known, encoding, code)


def _folder(folder: Folder, known: Mapping[str, str], encoding: str | None, code: bool) -> Iterator[Item]:
    with borrowed_reader(encoding, code=code) as reader:
        for item in folder.walk():
            if isinstance(item, Failure):
                yield Failure(f"{Path(item.name).relative_to(folder.root).as_posix()}/", item.reason)
            else:
                yield from _items(reader, item, item.relative_to(folder.root).as_posix(), known)
    yield from folder.notes()


def _file(path: Path, known: Mapping[str, str], encoding: str | None, code: bool) -> Iterator[Item]:
    with borrowed_reader(encoding, code=code) as reader:
        yield from _items(reader, path, path.name, known)


def _items(reader: Reader, path: Path, name: str, known: Mapping[str, str]) -> Iterator[Item]:
    """Yields the documents of a file and the notes on them, or why there is none, or that it is as it was.

    A file that holds many has no stamp: it is read at each run, so that what it lost is known."""
    stamp = _stamp(path, reader.encoding)
    if stamp and known.get(composed(name)) == stamp:
        yield Unchanged(name)
        return
    holds_many = ending(path.name) in MANY
    try:
        for part in reader.read(path):
            yield from _found(part, path, name, None if holds_many else stamp)
    except UnreadableError as error:
        yield Failure(f"{name}/" if holds_many else name, str(error))


def _found(part: Part, path: Path, name: str, stamp: str | None) -> Iterator[Item]:
    """What was found in a file, under the file's name and behind it the part's own."""
    id = f"{name}/{part.name}" if part.name else name
    if not isinstance(part, Parsed):
        yield replace(part, name=id)
        return
    meta = {**part.meta, "format": part.kind or ending(path.name).lstrip("."), **_folders(id)}
    title, text = without_data(part.title).strip(), without_data(part.text)
    yield SourceDocument(id, title or path.stem, text, meta=meta, stamp=stamp)
    yield from (Note(id, note) for note in part.notes)


def _stamp(path: Path, encoding: str | None) -> str | None:
    """Tells whether a file changed: by its size, its place on the disk, when its content changed, and when
    anything of it did, which nobody can set back; and whether it is read in another encoding. None where it
    cannot be told, or changed just now."""
    try:
        found = path.stat()
    except OSError:
        return None
    if time.time_ns() - found.st_ctime_ns < SETTLED_NS:
        return None
    parts: tuple[int | str, ...] = (
        READING,
        found.st_size,
        found.st_ino,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )
    parts += (encoding,) if encoding else ()
    return "-".join(map(str, parts))


def _folders(name: str) -> dict[str, list[str]]:
    """The folders that a file is in, so that `path:projects/` finds all below that folder."""
    parents = [f"{parent}/" for parent in reversed(PurePosixPath(name).parents) if parent.name]
    return {"path": parents} if parents else {}
