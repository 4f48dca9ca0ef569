"""A folder of documents, or one of them: Markdown, reStructuredText, HTML, PDF, Word and plain text."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from indexer.sources.document import MAX_BYTES, Failure, Item, Note, SourceDocument, UnreadableError
from indexer.sources.html import without_data
from indexer.sources.parsers import PARSERS

__all__ = ["PARSERS", "read"]


def read(path: Path) -> Iterator[Item]:
    """The documents of a folder and its subfolders, in the order of their names, or the one file.

    Ids are paths relative to the folder, so are names of failures (those of folders end with /). Hidden
    files and folders and the lock files of Word are left out, files of other kinds too.
    """
    root = path if path.is_dir() else path.parent
    for item in _walk(path, set()) if path.is_dir() else [path]:
        if isinstance(item, Failure):
            yield Failure(f"{Path(item.name).relative_to(root).as_posix()}/", item.reason)
        else:
            yield from _items(item, item.relative_to(root).as_posix())


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
        if entry.name.startswith((".", "~$")):  # hidden; locks of Word
            continue
        if entry.is_dir():
            yield from _walk(entry, seen)
        elif entry.suffix.lower() in PARSERS:
            yield entry


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
        meta = {**parsed.meta, "format": path.suffix.lower().lstrip(".")}
        title, text = without_data(parsed.title).strip(), without_data(parsed.text)
        yield SourceDocument(name, title or path.stem, text, meta=meta)
        yield from (Note(name, text) for text in parsed.notes)


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise UnreadableError("it is not a regular file")  # reading a pipe would wait for ever
    size = path.stat().st_size
    if size == 0:
        raise UnreadableError("it is empty")
    if size > MAX_BYTES:
        raise UnreadableError(f"it has {size >> 20} MiB, {MAX_BYTES >> 20} MiB is the most")
    return path.read_bytes()
