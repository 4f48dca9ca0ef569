"""Word documents: all that a reader may see is text, and what was deleted is not."""

import io
import zipfile
from pathlib import Path

import docx
import pytest

from indexer.sources import document, open_source
from indexer.sources.document import SourceDocument, UnreadableError
from indexer.sources.office.word import parse_word
from tests.support.office import archive, paragraph, relations, word

WHALES, BATS = paragraph("Whales sing."), paragraph("Bats hunt.")
CONTROL = "<w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt>"
SING = "<w:r><w:t> sing.</w:t></w:r>"
RUN = "<w:r><w:t>Whales</w:t></w:r>"
BOX = "<w:txbxContent>{}</w:txbxContent>"


def text(body: str, **parts: str) -> str:
    return parse_word(word(body, parts)).text


@pytest.mark.parametrize(
    "body",
    [
        f"<w:sdt><w:sdtPr><w:alias w:val='x'/></w:sdtPr><w:sdtContent>{WHALES}</w:sdtContent></w:sdt>{BATS}",
        CONTROL.format(CONTROL.format(WHALES + BATS)),
        f"<w:p>{RUN}<w:sdt><w:sdtContent>{SING}</w:sdtContent></w:sdt></w:p>{BATS}",
        f"<w:p><w:ins w:id='1'><w:r><w:t>Whales </w:t></w:r></w:ins><w:r><w:t>sing.</w:t></w:r></w:p>{BATS}",
        f"<w:p><w:moveTo w:id='1'><w:r><w:t>Whales sing.</w:t></w:r></w:moveTo></w:p>{BATS}",
        f"<w:p><w:hyperlink>{RUN}</w:hyperlink>{SING}</w:p>{BATS}",
        f"<w:p><w:smartTag><w:smartTag>{RUN}</w:smartTag></w:smartTag>{SING}</w:p>{BATS}",
        f"<w:p><w:fldSimple w:instr='AUTHOR'>{RUN}</w:fldSimple>{SING}</w:p>{BATS}",
        "<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>REF x</w:instrText></w:r>"
        f"<w:r><w:fldChar w:fldCharType='separate'/></w:r><w:r><w:t>Whales sing.</w:t></w:r></w:p>{BATS}",
        f"<w:customXml>{WHALES}</w:customXml>{BATS}",
        f"<w:p><w:dir w:val='ltr'><w:r><w:t>Whales</w:t><w:tab/><w:t>sing.</w:t></w:r></w:dir></w:p>{BATS}",
        f"{WHALES}<w:p><w:del w:id='1'><w:r><w:delText>No</w:delText><w:t>no</w:t></w:r></w:del></w:p>{BATS}",
        f"{WHALES}<w:p><w:moveFrom w:id='1'><w:r><w:t>Bats hunt.</w:t></w:r></w:moveFrom></w:p>{BATS}",
        f"{WHALES}<w:p><w:pPr><w:rPr><w:del w:id='1'/></w:rPr></w:pPr></w:p>{BATS}",
        f"{WHALES}<w:tbl><w:tr><w:trPr><w:del w:id='1'/></w:trPr><w:tc>{BATS}</w:tc></w:tr></w:tbl>{BATS}",
        f"<w:p><w:r><w:ruby><w:rt><w:r><w:t>x</w:t></w:r></w:rt><w:rubyBase>{RUN}</w:rubyBase></w:ruby></w:r>{SING}</w:p>{BATS}",
    ],
)
def test_what_is_seen_is_text_and_what_was_deleted_is_not(body: str) -> None:
    assert text(body) == "Whales sing.\n\nBats hunt."


@pytest.mark.parametrize(
    ("cell", "row"),
    [
        (CONTROL.format(BATS), "Whales sing. | Bats hunt."),
        (
            f"<w:tbl><w:tr><w:tc>{BATS}</w:tc><w:tc>{BATS}</w:tc></w:tr></w:tbl><w:p/>",
            "Whales sing. | Bats hunt. | Bats hunt.",
        ),
        (f"<w:tcPr><w:gridSpan w:val='2000000'/></w:tcPr>{BATS}", "Whales sing. | Bats hunt."),
        (f"{BATS}{BATS}", "Whales sing. | Bats hunt.\nBats hunt."),
    ],
)
def test_cells_hold_controls_tables_and_spans(cell: str, row: str) -> None:
    one, wrapped = f"<w:tc>{WHALES}</w:tc>", f"<w:tc>{cell}</w:tc>"
    assert text(f"<w:tbl><w:tr>{one}{wrapped}</w:tr></w:tbl>") == row
    inside = CONTROL.format(f"<w:tr>{one}{CONTROL.format(wrapped)}</w:tr>")
    assert text(f"<w:tbl>{inside}</w:tbl>") == row


def test_text_boxes_come_once_after_their_paragraph() -> None:
    new = f"<mc:Choice><w:drawing><wps:txbx>{BOX.format(WHALES)}</wps:txbx></w:drawing></mc:Choice>"
    old = f"<mc:Fallback><w:pict><v:textbox>{BOX.format(WHALES)}</v:textbox></w:pict></mc:Fallback>"
    for inside in (
        f"<mc:AlternateContent>{new}{old}</mc:AlternateContent>",
        f"<mc:AlternateContent>{old}</mc:AlternateContent>",
        f"<mc:AlternateContent><mc:Choice Requires='x'/>{old}</mc:AlternateContent>",
        f"<w:pict><v:textbox>{BOX.format(WHALES)}</v:textbox></w:pict>",
    ):
        body = f"<w:p><w:r><w:t>See </w:t></w:r><w:r>{inside}</w:r><w:r><w:t>the box.</w:t></w:r></w:p>{BATS}"
        assert text(body) == "See the box.\n\nWhales sing.\n\nBats hunt."


def test_notes_comments_headers_and_footers_follow_the_body_once() -> None:
    found = text(
        BATS,
        header1=paragraph("A header."),
        header2=paragraph("A header."),
        footer1=CONTROL.format(paragraph("A footer.")),
        endnotes=f"<w:endnote>{paragraph('An endnote.')}</w:endnote>",
        footnotes="<w:footnote w:type='separator'><w:p><w:r><w:separator/></w:r></w:p></w:footnote>"
        f"<w:footnote>{paragraph('A footnote.')}</w:footnote>",
        comments=f"<w:comment>{paragraph('A comment.')}</w:comment>",
        diagramData="<a:p><a:r><a:t>A drawing.</a:t></a:r></a:p>",
        glossaryDocument=paragraph("A building block."),
    )
    assert (
        found
        == "Bats hunt.\n\nA footnote.\n\nAn endnote.\n\nA comment.\n\nA header.\n\nA footer.\n\nA drawing."
    )


def test_titles_headings_and_lists_are_known_by_their_style_in_any_language() -> None:
    styles = (
        "<w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>"
        "<w:style w:styleId='Mein'><w:name w:val='Mein Kapitel'/><w:basedOn w:val='berschrift1'/></w:style>"
        "<w:style w:styleId='Kreis'><w:name w:val='Kreis'/><w:basedOn w:val='Kreis'/></w:style>"
    )
    body = (
        paragraph("The sea", "<w:pStyle w:val='Mein'/>")
        + paragraph("one", "<w:numPr/>")
        + paragraph("Salt", "<w:pStyle w:val='berschrift1'/><w:numPr/>")
        + paragraph("Plain", "<w:pStyle w:val='Kreis'/>")
    )
    found = parse_word(word(body, {"styles": styles}))
    assert (found.title, found.text) == ("The sea", "- one\n\nSalt\n\nPlain")


def test_strict_documents_and_odd_relationships_are_read() -> None:
    assert parse_word(word(WHALES, strict=True)).text == "Whales sing."
    for listed in (
        relations({"NULL": "image", "../gone.xml": "header", "media/none.png": "image", "": "footer"}),
        "<Relationships><Relationship/></Relationships>",
        "not xml",
        "",
    ):
        body = f"<w:document xmlns:w='urn:w'><w:body>{WHALES}</w:body></w:document>"
        assert (
            parse_word(archive({"word/document.xml": body, "word/_rels/document.xml.rels": listed})).text
            == "Whales sing."
        )
    other = {"_rels/.rels": relations({"/doc/main.xml": "officeDocument"}), "doc/main.xml": body}
    assert parse_word(archive(other)).text == "Whales sing."


def test_a_document_that_breaks_off_is_read_up_to_there() -> None:
    data = io.BytesIO(word(WHALES + BATS, {"header": WHALES}))
    with zipfile.ZipFile(data) as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["word/document.xml"] = members["word/document.xml"][:-40]
    found = parse_word(archive(members))
    assert found.text.startswith("Whales sing.\n\nBats")
    (note,) = found.notes
    assert note.startswith("word/document.xml breaks off: ")


def test_what_is_no_word_document_says_so() -> None:
    for data, reason in (
        (b"\xd0\xcf\x11\xe0" + bytes(600), "protected by a password, or of a format before 2007"),
        (archive({"a.txt": "x"}), "there is no document in it"),
        (word(paragraph("x" * (document.MAX_TEXT + 1))), "its text has more than"),
    ):
        with pytest.raises(UnreadableError, match=reason):
            parse_word(data)


def test_what_python_docx_writes_is_read(tmp_path: Path) -> None:
    written = docx.Document()
    written.core_properties.title = "The sea"
    written.add_paragraph("Whales sing.")
    written.add_comment(written.paragraphs[0].runs, text="Do they?", author="Doe")
    written.sections[0].header.paragraphs[0].text = "Notes of the sea"
    written.save(str(tmp_path / "a.docx"))
    (found,) = open_source(tmp_path / "a.docx")
    assert isinstance(found, SourceDocument)
    assert (found.title, found.text) == ("The sea", "Whales sing.\n\nDo they?\n\nNotes of the sea")


def test_entities_are_not_resolved() -> None:
    body = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
    inside = f"{body}<d><p><t>Whales &a;&f; sing.</t></p></d>"
    assert "root:" not in parse_word(archive({"word/document.xml": inside})).text


def test_names_of_parts_are_the_same_in_any_case() -> None:
    body = f"<w:document xmlns:w='urn:w'><w:body>{WHALES}</w:body></w:document>"
    for members in (
        {"word/Document.xml": body},
        {"_rels/.rels": relations({"Word/document.XML": "officeDocument"}), "WORD/Document.xml": body},
        {"_RELS/.rels": relations({"\\doc\\main.xml": "officeDocument"}), "Doc/Main.xml": body},
    ):
        assert parse_word(archive(members)).text == "Whales sing."


def test_names_with_backslashes_are_names_of_parts() -> None:
    with zipfile.ZipFile(
        io.BytesIO(word(paragraph("Whales sing."), {"header": paragraph("By night")}))
    ) as file:
        members = {name.replace("/", "\\"): file.read(name) for name in file.namelist()}
    assert parse_word(archive(members)).text == "Whales sing.\n\nBy night"
