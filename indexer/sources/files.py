"""A folder of documents, or one of them: Markdown, reStructuredText, HTML, PDF, Word and plain text."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from indexer.sources.document import MAX_BYTES, Failure, Item, Note, SourceDocument, UnreadableError
from indexer.sources.folders import Folder
from indexer.sources.html import without_data
from indexer.sources.parsers import PARSERS

__all__ = ["PARSERS", "read"]


def read(path: Path, exclude: Sequence[str] = ()) -> Iterator[Item]:
    """The documents of a folder and its subfolders, in the order of their names, or the one file.

    Ids are paths relative to the folder, so are names of failures (those of folders end with /). What is left
    out of a folder, and the patterns to exclude: see `folders.Folder`.

    Raises:
        SourceError: a pattern is none.
    """
    if not path.is_dir():
        return _items(path, path.name)
    return _folder(Folder(path, PARSERS, exclude))


def _folder(folder: Folder) -> Iterator[Item]:
    for item in folder.walk():
        if isinstance(item, Failure):
            yield Failure(f"{Path(item.name).relative_to(folder.root).as_posix()}/", item.reason)
        else:
            yield from _items(item, item.relative_to(folder.root).as_posix())
    yield from folder.notes()


def _items(path: Path, name: str) -> Iterator[Item]:
    """A document and the notes on it, or why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = PARSERS[path.suffix.lower()](_content(path))
    except UnreadableError as error:
        yield Failure(name, str(error))
    except OSError as error:
        yield Failure(name, f"it cannot be read: {error.strerror or error}")
    except Exception as error:  # a broken file makes a parser raise anything at all
        yield Failure(name, f"it cannot be read: {type(error).__name__}: {str(error)[:200]}")
    else:
        meta = {**parsed.meta, "format": path.suffix.lower().lstrip("."), **_folders(name)}
        title, text = without_data(parsed.title).strip(), without_data(parsed.text)
        yield SourceDocument(name, title or path.stem, text, meta=meta)
        yield from (Note(name, text) for text in parsed.notes)


def _folders(name: str) -> dict[str, list[str]]:
    """The folders that a file is in, so that `path:projects/` finds all below that folder."""
    parents = [f"{parent}/" for parent in reversed(PurePosixPath(name).parents) if parent.name]
    return {"path": parents} if parents else {}


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise UnreadableError("it is not a regular file")  # reading a pipe would wait for ever
    size = path.stat().st_size
    if size == 0:
        raise UnreadableError("it is empty")
    if size > MAX_BYTES:
        raise UnreadableError(f"it has {size >> 20} MiB, {MAX_BYTES >> 20} MiB is the most")
    return path.read_bytes()
