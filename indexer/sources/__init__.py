"""Where documents come from: folders of files, JSONL and CSV, BEIR folders, Python's own documentation.

A source is an iterable of `Item`, read as it is iterated and never held in memory as a whole. What cannot be
read is a `Failure` with a name and a reason, and the run goes on; what was assumed or left out is a `Note`;
only a source that cannot be read at all raises, and does so when it is opened.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from indexer.sources import beir, files
from indexer.sources.beir import read_qrels, read_queries
from indexer.sources.decoding import known_encoding
from indexer.sources.document import Failure, Item, Note, SourceDocument, Unchanged, checked
from indexer.sources.folders import ending
from indexer.sources.python_docs import pydoc
from indexer.sources.records.delimited import CSV_SUFFIXES, read_csv
from indexer.sources.records.jsonl import JSONL_SUFFIXES, holds_records, read_jsonl
from indexer.sources.records.roles import Columns
from indexer.sources.web.addresses import is_address, is_below, is_site, read_address, source_name
from indexer.sources.web.website import Bounds
from search.errors import SourceError

__all__ = [
    "FORMATS",
    "Bounds",
    "Failure",
    "Item",
    "Note",
    "SourceDocument",
    "Unchanged",
    "about_source",
    "checked",
    "guess_format",
    "is_address",
    "is_below",
    "is_site",
    "open_source",
    "read_qrels",
    "read_queries",
    "source_name",
]

FORMATS = ("beir", "jsonl", "csv", "files", "code", "pydoc")


def open_source(
    path: Path | str | None,
    format: str | None = None,
    *,
    id_column: str | None = None,
    title_column: str | None = None,
    text_column: str | None = None,
    url_column: str | None = None,
    as_text: Iterable[str] = (),
    known: Mapping[str, str] = files.NOTHING,
    exclude: Sequence[str] = (),
    encoding: str | None = None,
    query: str | None = None,
    table: str | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008 - it is frozen
) -> Iterator[Item]:
    """Opens a source; `format` is one of `FORMATS`, or None to guess it from the path.

    A path that is text is an address: of a database, of which a `query` or `table` is read, or of a
    web site, within its `bounds`.
    The columns name the fields of JSONL and CSV; those left None are guessed (see `roles.GUESSES`). Columns
    of a table that are to stay text, whatever they look like, are named `as_text`. The format pydoc is the
    documentation of the running Python and takes no path. Of a folder of files, what patterns to `exclude`
    fit is left out; they are written as in `.gitignore`. Text that is neither
    marked nor UTF-8 is of the `encoding`, if one is given. Files with the stamps that are `known` of them, by
    id, are not read again.

    Raises:
        SourceError: there is nothing at the path, nothing in it that can be read as the format, an unknown
            format or encoding, a pattern that is none, or a CSV without a named column.
    """
    if format is not None and format not in FORMATS:
        raise SourceError(f"Unknown format {format!r}.", hint=f"Formats are {', '.join(FORMATS)}.")
    if format == "pydoc":
        return checked(pydoc.read())
    encoding = encoding and known_encoding(encoding)
    columns = Columns(id_column, title_column, text_column, url_column, tuple(as_text))
    if isinstance(path, str):
        return checked(read_address(path, columns, query, table, bounds, known))
    if path is None or not path.exists():
        raise SourceError(
            f"There is nothing at {path}.", hint="Give the path of a file or folder that exists."
        )
    if not (path.is_dir() or path.is_file()):  # a pipe or device may never end
        raise SourceError(
            f"{path} is not a regular file.", hint="Give a file or folder; what a pipe brings is read as -."
        )
    try:
        match format or guess_format(path, columns):
            case "beir":
                return checked(beir.read(path))
            case "jsonl":
                return checked(read_jsonl(_file(path), columns, encoding))
            case "csv":
                return checked(read_csv(_file(path), columns, encoding))
            case named:
                found = files.read(path, exclude, known, code=named == "code", encoding=encoding)
                return checked(_not_empty(found, path))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None


def about_source(format: str | None) -> dict[str, str]:
    """Gives the title and description of a new collection made of a source, of those that have one."""
    return pydoc.ABOUT if format == "pydoc" else {}


def guess_format(path: Path, columns: Columns = Columns()) -> str:  # noqa: B008 - it is frozen
    """Gives the format that the path's name speaks for, or what is in the folder. A JSON file holds
    records, or is a document itself.

    Raises:
        SourceError: a file whose name says nothing.
    """
    if path.is_dir():
        return "beir" if beir.corpus_file(path) else "files"
    if ending(path.name) == ".json" and not holds_records(path, columns):
        return "files"
    for format, suffixes in (("jsonl", JSONL_SUFFIXES), ("csv", CSV_SUFFIXES)):
        if path.name.lower().removesuffix(".gz").endswith(suffixes):
            return format
    if ending(path.name) in files.KINDS:
        return "files"
    if ending(path.name) in files.CODE_KINDS:
        return "code"
    known = " ".join((*JSONL_SUFFIXES, *CSV_SUFFIXES, *files.KINDS))
    raise SourceError(
        f"The format of {path.name} is not known by its name.",
        hint=f"Known endings are {known}, and source code's; or name a format: {', '.join(FORMATS)}.",
    )


def _file(path: Path) -> Path:
    if path.is_dir():
        raise SourceError(f"{path} is a folder.", hint="Give one file, or the format files for a folder.")
    return path


def _not_empty(items: Iterator[Item], path: Path) -> Iterator[Item]:
    """The same items, once there is a first one that is more than a note."""
    notes: list[Item] = []
    for first in items:
        if not isinstance(first, Note):
            return chain(notes, [first], items)
        notes.append(first)
    told = "".join(f" ({note.text})" for note in notes if isinstance(note, Note))
    raise SourceError(
        f"{path} holds no file that can be read{told}.",
        hint=f"Files end in {' '.join(files.KINDS)}; a .jsonl or .csv file is indexed by its own path.",
    )
