"""A folder of documents, or one of them: Markdown, reStructuredText, HTML, PDF, Word and plain text."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from indexer.sources.document import Failure, Item, Note, SourceDocument, UnreadableError
from indexer.sources.folders import Folder
from indexer.sources.html import without_data
from indexer.sources.parsers import PARSERS
from indexer.sources.reader import Reader, borrowed_reader

__all__ = ["PARSERS", "read"]


def read(path: Path, exclude: Sequence[str] = ()) -> Iterator[Item]:
    """The documents of a folder and its subfolders, in the order of their names, or the one file.

    Ids are paths relative to the folder, so are names of failures (those of folders end with /). What is left
    out of a folder, and the patterns to exclude: see `folders.Folder`.

    Raises:
        SourceError: a pattern is none.
    """
    if not path.is_dir():
        return _file(path)
    return _folder(Folder(path, PARSERS, exclude))


def _folder(folder: Folder) -> Iterator[Item]:
    with borrowed_reader() as reader:
        for item in folder.walk():
            if isinstance(item, Failure):
                yield Failure(f"{Path(item.name).relative_to(folder.root).as_posix()}/", item.reason)
            else:
                yield from _items(reader, item, item.relative_to(folder.root).as_posix())
    yield from folder.notes()


def _file(path: Path) -> Iterator[Item]:
    with borrowed_reader() as reader:
        yield from _items(reader, path, path.name)


def _items(reader: Reader, path: Path, name: str) -> Iterator[Item]:
    """A document and the notes on it, or why there is none."""
    try:
        parsed = reader.read(path)
    except UnreadableError as error:
        yield Failure(name, str(error))
        return
    meta = {**parsed.meta, "format": path.suffix.lower().lstrip("."), **_folders(name)}
    title, text = without_data(parsed.title).strip(), without_data(parsed.text)
    yield SourceDocument(name, title or path.stem, text, meta=meta)
    yield from (Note(name, note) for note in parsed.notes)


def _folders(name: str) -> dict[str, list[str]]:
    """The folders that a file is in, so that `path:projects/` finds all below that folder."""
    parents = [f"{parent}/" for parent in reversed(PurePosixPath(name).parents) if parent.name]
    return {"path": parents} if parents else {}
