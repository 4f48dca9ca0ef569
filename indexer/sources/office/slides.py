"""PowerPoint: the text of each slide and of its speaker's notes."""

import re

from indexer.sources.document import Parsed
from indexer.sources.office.ooxml import Package, TextReader, read_part


def parse_slides(data: bytes) -> Parsed:
    """Title and text of a `.pptx` file.

    Raises:
        UnreadableError: it is encrypted or too large.
    """
    package = Package(data)
    slides = [
        part.path for part in package.parts(package.main("ppt/presentation.xml")) if part.kind == "slide"
    ]
    blocks, notes = [], []
    for slide in sorted(set(slides), key=_number):
        told = [
            part.path for part in package.parts(slide) if part.kind in ("notesSlide", "diagramData", "chart")
        ]
        for path in (slide, *told):
            reader, note = read_part(package, path, TextReader)
            notes.append(note)
            blocks += [block for block, _ in reader.blocks if not block.isdigit()]  # numbers of slides
    return Parsed(package.title(), "\n\n".join(blocks), notes=tuple(note for note in notes if note))


def _number(path: str) -> int:
    found = re.search(r"(\d{1,6})\.xml$", path)
    return int(found[1]) if found else 0
