"""Word documents: all that a reader may see, wherever Word keeps it.

Why not by python-docx: docs/decisions/0019-word-by-its-xml.md.
"""

from collections.abc import Iterator

from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.office.ooxml import Package, TextReader, read_part

_BESIDE = ("footnotes", "endnotes", "comments", "header", "footer", "diagramData", "chart")
"""Parts beside the body, in the order in which their text follows it; comments are searched, too."""

_DEPTH = 20


def parse_word(data: bytes) -> Parsed:
    """Title and text of a `.docx` (`.docm`, `.dotx`) file.

    Raises:
        UnreadableError: it is encrypted, too large, or no Word document.
    """
    package = Package(data)
    main = package.main("word/document.xml")
    if main not in package:
        raise UnreadableError("there is no document in it")
    styles = _styles(package, main)
    body, note = read_part(package, main, TextReader)
    notes = [note]
    title, blocks = "", []
    for block, paragraph in body.blocks:
        style = styles.get(paragraph.style, paragraph.style.lower()) if paragraph else ""
        named = style.startswith(("title", "heading"))
        if named and not title:
            title = " ".join(block.split())
        else:
            listed = paragraph is not None and (paragraph.listed or style.startswith("list")) and not named
            blocks.append(f"- {block}" if listed else block)
    seen: set[str] = set()
    for path in _beside(package, main):
        reader, note = read_part(package, path, TextReader)
        notes.append(note)
        blocks += [block for block, _ in reader.blocks if block not in seen]
        seen.update(block for block, _ in reader.blocks)
    told = tuple(note for note in notes if note)
    return Parsed(title or package.title(), "\n\n".join(blocks), notes=told)


def _beside(package: Package, main: str) -> Iterator[str]:
    parts = sorted(package.parts(main))
    for kind in _BESIDE:
        yield from (part.path for part in parts if part.kind == kind)


def _styles(package: Package, main: str) -> dict[str, str]:
    """What each style is, in Word's small English words: its name, or that of a heading or list that it
    is based on."""
    root = package.first(main, "styles")
    names, based = {}, {}
    for style in () if root is None else root.iter("{*}style"):
        values = {str(child.tag).rsplit("}", 1)[-1]: next(iter(child.attrib.values()), "") for child in style}
        number = next(
            (str(value) for name, value in style.attrib.items() if str(name).endswith("}styleId")), ""
        )
        names[number], based[number] = str(values.get("name", number)).lower(), str(values.get("basedOn", ""))
    return {number: _known(number, names, based) for number in names}


def _known(number: str, names: dict[str, str], based: dict[str, str]) -> str:
    each = number
    for _ in range(_DEPTH):
        if names.get(each, "").startswith(("title", "heading", "list")):
            return names[each]
        each = based.get(each, "")
    return names[number]
