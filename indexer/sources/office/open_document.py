"""OpenDocument: texts, sheets and slides of LibreOffice."""

from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.office.ooxml import Package, TextReader, read_part

_NAMES = {"h": "p", "table-row": "tr", "table-cell": "tc", "table": "tbl", "line-break": "br"}
_SKIPPED = {"tracked-changes", "forms", "scripts"}


def parse_open_document(data: bytes) -> Parsed:
    """Title and text of an `.odt`, `.ods` or `.odp` file.

    Raises:
        UnreadableError: it is no OpenDocument, or too large.
    """
    package = Package(data)
    if "content.xml" not in package:
        raise UnreadableError("there is no document in it")
    reader, note = read_part(package, "content.xml", _Reader)
    title = package.tree("meta.xml").findtext(".//{*}title") if "meta.xml" in package else ""
    text = "\n\n".join(block for block, _ in reader.blocks)
    return Parsed((title or "").strip(), text, notes=(note,) if note else ())


class _Reader(TextReader):
    """The same blocks under OpenDocument's names; all characters in a paragraph are text."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rsplit("}", 1)[-1]
        if self._skipping or name in _SKIPPED:
            self._skipping += 1
        elif name == "s":
            self.data(" ")
        else:
            super().start(_NAMES.get(name, name), attributes)
            self._reading = True

    def end(self, tag: str) -> None:
        name = tag.rsplit("}", 1)[-1]
        super().end(_NAMES.get(name, name) if name != "s" or self._skipping else "span")
        self._reading = True
