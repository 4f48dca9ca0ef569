"""What a source yields, sorted: documents, reasons of failures by name, and notes by name."""

from pathlib import Path
from typing import Any, NamedTuple

from indexer.sources import Failure, Note, SourceDocument, open_source


class Yield(NamedTuple):
    """What came of a source."""

    documents: list[SourceDocument]
    failures: dict[str, str]
    notes: list[Note]

    @property
    def texts(self) -> list[str]:
        return [document.text for document in self.documents]


def read_source(path: Path, format: str | None = None, **options: Any) -> Yield:
    """All that a source yields."""
    items = list(open_source(path, format, **options))
    return Yield(
        [item for item in items if isinstance(item, SourceDocument)],
        {item.name: item.reason for item in items if isinstance(item, Failure)},
        [item for item in items if isinstance(item, Note)],
    )


def written(folder: Path, name: str, content: bytes | str, **options: Any) -> Yield:
    """All that one file of the folder yields, once this is written to it."""
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return read_source(folder / name, **options)
