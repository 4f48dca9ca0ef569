"""Office files written by hand, so that tests can put into them what no library writes."""

import io
import zipfile
from collections.abc import Mapping

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT_WORD = "http://purl.oclc.org/ooxml/wordprocessingml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def archive(members: Mapping[str, str | bytes]) -> bytes:
    """A zip of these members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


def relations(targets: Mapping[str, str], types: str = RELATIONS) -> str:
    """A list of relationships: from targets to the last word of their type."""
    listed = "".join(
        f'<Relationship Id="r{number}" Type="{types}/{kind}" Target="{target}"/>'
        for number, (target, kind) in enumerate(targets.items())
    )
    return f'<Relationships xmlns="{_PACKAGE}">{listed}</Relationships>'


def word(body: str, parts: Mapping[str, str] | None = None, *, strict: bool = False) -> bytes:
    """A Word document of this body; `parts` are the insides of others by their kind (header, footnotes …)."""
    names, types = (STRICT_WORD, STRICT_RELATIONS) if strict else (WORD, RELATIONS)
    targets = {f"{kind}.xml": kind.rstrip("0123456789") for kind in parts or {}}
    return archive(
        {
            "_rels/.rels": relations({"word/document.xml": "officeDocument"}, types),
            "word/document.xml": _part("document", f"<w:body>{body}</w:body>", names),
            "word/_rels/document.xml.rels": relations(targets, types),
            **{f"word/{kind}.xml": _part("part", inside, names) for kind, inside in (parts or {}).items()},
        }
    )


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of Word."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def slides(*texts: str, note: str = "") -> bytes:
    """A PowerPoint file with a paragraph on each slide, and a note to the first."""
    members = {
        "_rels/.rels": relations({"ppt/presentation.xml": "officeDocument"}),
        "ppt/presentation.xml": "<presentation/>",
        "ppt/_rels/presentation.xml.rels": relations(
            {f"slides/slide{number}.xml": "slide" for number in range(1, len(texts) + 1)}
        ),
        "ppt/slides/_rels/slide1.xml.rels": relations({"../notesSlides/n1.xml": "notesSlide"}),
        "ppt/notesSlides/n1.xml": f"<n><p><r><t>{note}</t></r></p></n>",
    }
    for number, text in enumerate(texts, start=1):
        members[f"ppt/slides/slide{number}.xml"] = f"<sld><p><r><t>{text}</t></r></p></sld>"
    return archive(members)


def sheet(*rows: tuple[str, ...]) -> bytes:
    """An Excel file: numbers as they are, other cells by the number of their text."""
    texts = [cell for row in rows for cell in row if not cell.isdigit()]
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    cells = [
        "".join(
            f"<c><v>{cell}</v></c>" if cell.isdigit() else f"<c t='s'><v>{texts.index(cell)}</v></c>"
            for cell in row
        )
        for row in rows
    ]
    names = "xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'"
    return archive(
        {
            "_rels/.rels": relations({"xl/workbook.xml": "officeDocument"}),
            "xl/workbook.xml": "<workbook/>",
            "xl/_rels/workbook.xml.rels": relations(
                {"worksheets/sheet1.xml": "worksheet", "sharedStrings.xml": "sharedStrings"}
            ),
            "xl/sharedStrings.xml": f"<sst {names}>{shared}</sst>",
            "xl/worksheets/sheet1.xml": f"<s {names}>{''.join(f'<row>{row}</row>' for row in cells)}</s>",
        }
    )


def open_document(body: str, title: str = "") -> bytes:
    """A file of LibreOffice with this body."""
    names = "xmlns:text='urn:text' xmlns:table='urn:table'"
    return archive(
        {
            "content.xml": f"<content {names}>{body}</content>",
            "meta.xml": f"<meta xmlns:dc='urn:dc'><dc:title>{title}</dc:title></meta>",
        }
    )


def book(*pages: str, title: str = "", missing: bool = False) -> bytes:
    """An EPUB of these pages."""
    listed = [f"p{number}.xhtml" for number in range(len(pages))] + ["gone.xhtml"] * missing
    items = "".join(f"<item id='i{number}' href='{name}'/>" for number, name in enumerate(listed))
    spine = "".join(f"<itemref idref='i{number}'/>" for number in range(len(listed)))
    about = f"<dc:title>{title}</dc:title><dc:creator>Doe</dc:creator>"
    return archive(
        {
            "META-INF/container.xml": "<c xmlns='urn:c'><rootfile full-path='OEBPS/book.opf'/></c>",
            "OEBPS/book.opf": f"<p xmlns='urn:o' xmlns:dc='urn:dc'>{about}{items}{spine}</p>",
            **{f"OEBPS/p{number}.xhtml": page for number, page in enumerate(pages)},
        }
    )


def _part(root: str, inside: str, names: str) -> str:
    prefixes = f'xmlns:w="{names}" xmlns:mc="urn:mc" xmlns:wps="urn:wps" xmlns:v="urn:v" xmlns:a="urn:a"'
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{root} {prefixes}>{inside}</w:{root}>'
