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


def _part(root: str, inside: str, names: str) -> str:
    prefixes = f'xmlns:w="{names}" xmlns:mc="urn:mc" xmlns:wps="urn:wps" xmlns:v="urn:v" xmlns:a="urn:a"'
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{root} {prefixes}>{inside}</w:{root}>'
