"""Excel: the cells of each sheet, a line a row. Dates are stored as numbers, and come as such."""

from indexer.sources.document import MAX_TEXT, Parsed, UnreadableError
from indexer.sources.office.ooxml import Package, TextReader, read_part


def parse_sheets(data: bytes) -> Parsed:
    """Title and text of an `.xlsx` file.

    Raises:
        UnreadableError: it is encrypted or too large.
    """
    package = Package(data)
    parts = package.parts(package.main("xl/workbook.xml"))
    strings, lines, notes = list[str](), list[str](), list[str | None]()
    for path in (part.path for part in parts if part.kind == "sharedStrings"):
        shared, note = read_part(package, path, _Strings)
        strings += shared.found
        notes.append(note)
    for path in sorted(
        (part.path for part in parts if part.kind == "worksheet"), key=lambda path: (len(path), path)
    ):
        sheet, note = read_part(package, path, lambda: _Sheet(strings))
        notes.append(note)
        lines += [*sheet.lines, ""]
    return Parsed(package.title(), "\n".join(lines).strip(), notes=tuple(note for note in notes if note))


class _Strings(TextReader):
    """The texts that cells share, by their number."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:  # noqa: ARG002  # as its base has it
        self._reading = tag.endswith("}t")

    def data(self, text: str) -> None:
        if self._reading:
            self._text.append(text)

    def end(self, tag: str) -> None:
        self._reading = False
        if tag.endswith("}si"):
            self.found.append(" ".join("".join(self._text).split()))
            self._text.clear()


class _Sheet(TextReader):
    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._strings = strings
        self._cells: list[str] = []
        self._value: list[str] = []
        self._kind = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rsplit("}", 1)[-1]
        if name == "c":
            self._kind = attributes.get("t", "")
        self._reading = name in ("v", "t")

    def data(self, text: str) -> None:
        if self._reading:
            self._value.append(text)

    def end(self, tag: str) -> None:
        name = tag.rsplit("}", 1)[-1]
        self._reading = False
        if name == "c":
            value = " ".join("".join(self._value).split())
            self._value.clear()
            self._cell(self._shared(value) if self._kind == "s" else value)
        elif name == "row" and self._cells:
            self.lines.append(" | ".join(self._cells))
            self._cells.clear()

    def _shared(self, number: str) -> str:
        known = number.isdecimal() and len(number) < 10 and int(number) < len(self._strings)
        return self._strings[int(number)] if known else ""

    def _cell(self, value: str) -> None:
        self._size += len(value)
        if self._size > MAX_TEXT:
            raise UnreadableError(f"its text has more than {MAX_TEXT:,} characters: split it")
        if value:
            self._cells.append(value)
