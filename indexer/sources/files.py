"""Reads a folder of documents, or one of them, of all kinds that have a parser."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from indexer.sources.document import Failure, Item, Note, SourceDocument, Unchanged, UnreadableError
from indexer.sources.folders import Folder
from indexer.sources.html import without_data
from indexer.sources.parsers import PARSERS
from indexer.sources.reader import Reader, borrowed_reader
from search.embedding.folding import composed

__all__ = ["PARSERS", "read"]

READING = 2
"""Grows with every change of what is made of a file's bytes, so that unchanged files are read again."""

SETTLED_NS = 2_000_000_000
"""A file that changed so shortly before it was read may change again within the same tick of its clock."""

NOTHING: Mapping[str, str] = MappingProxyType({})


def read(path: Path, exclude: Sequence[str] = (), known: Mapping[str, str] = NOTHING) -> Iterator[Item]:
    """Reads the documents of a folder and its subfolders, in the order of their names, or the one file.

    Ids are paths relative to the folder, so are names of failures (those of folders end with /). A file with
    the stamp that is `known` of its id is not read. What is left out of a folder, and the patterns to
    exclude: see `folders.Folder`.

    Raises:
        SourceError: a pattern is none.
    """
    if not path.is_dir():
        return _file(path, known)
    return _folder(Folder(path, PARSERS, exclude), known)


def _folder(folder: Folder, known: Mapping[str, str]) -> Iterator[Item]:
    with borrowed_reader() as reader:
        for item in folder.walk():
            if isinstance(item, Failure):
                yield Failure(f"{Path(item.name).relative_to(folder.root).as_posix()}/", item.reason)
            else:
                yield from _items(reader, item, item.relative_to(folder.root).as_posix(), known)
    yield from folder.notes()


def _file(path: Path, known: Mapping[str, str]) -> Iterator[Item]:
    with borrowed_reader() as reader:
        yield from _items(reader, path, path.name, known)


def _items(reader: Reader, path: Path, name: str, known: Mapping[str, str]) -> Iterator[Item]:
    """Yields a document and the notes on it, or why there is none, or that it is as it was."""
    stamp = _stamp(path)
    if stamp and known.get(composed(name)) == stamp:
        yield Unchanged(name)
        return
    try:
        parsed = reader.read(path)
    except UnreadableError as error:
        yield Failure(name, str(error))
        return
    meta = {**parsed.meta, "format": path.suffix.lower().lstrip("."), **_folders(name)}
    title, text = without_data(parsed.title).strip(), without_data(parsed.text)
    yield SourceDocument(name, title or path.stem, text, meta=meta, stamp=stamp)
    yield from (Note(name, note) for note in parsed.notes)


def _stamp(path: Path) -> str | None:
    """Tells whether a file changed: by its size, its place on the disk, when its content changed, and when
    anything of it did, which nobody can set back. None where it cannot be told, or changed just now."""
    try:
        found = path.stat()
    except OSError:
        return None
    if time.time_ns() - found.st_ctime_ns < SETTLED_NS:
        return None
    parts = (READING, found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
    return "-".join(map(str, parts))


def _folders(name: str) -> dict[str, list[str]]:
    """The folders that a file is in, so that `path:projects/` finds all below that folder."""
    parents = [f"{parent}/" for parent in reversed(PurePosixPath(name).parents) if parent.name]
    return {"path": parents} if parents else {}
