"""PDF files: what can be read of them is read, and what cannot is named."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pytest
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from indexer.sources.document import UnreadableError
from indexer.sources.pdf.parser import parse_pdf
from tests.support.pdfs import pdf
from tests.support.sources import written

PROSE = "Sea water holds about thirty-five grams of salt in every litre."


def changed(data: bytes, change: Callable[[pypdf.PdfWriter], object]) -> bytes:
    """A PDF after a change of its objects."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    change(writer)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def locked(user: str, algorithm: str = "RC4-128") -> bytes:
    return changed(pdf([PROSE]), lambda writer: writer.encrypt(user, "owner", algorithm=algorithm))


def test_a_pdf_has_the_text_of_its_pages(tmp_path: Path) -> None:
    (found,) = written(
        tmp_path, "a.pdf", pdf(["Salt exam-\nple.", "Second page."], title="The sea")
    ).documents
    assert (found.title, found.text) == ("The sea", "Salt example.\n\nSecond page.")


def test_a_pdf_that_cannot_be_read_says_why(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    broken = {
        "protected by a password": locked("secret"),
        "by a password": pdf([PROSE], aes=True),
        "its 2 pages hold no text: scanned or empty": pdf(["", ""]),
        "cyclic": pdf(["x"], kids="2 0 R 4 0 R"),
        "none of its pages is there": pdf(["x"])[:200],
        "PdfReadError": b"%PDF-1.4\n" + bytes(range(256)) * 8 + b"\n%%EOF",
    }
    for reason, data in broken.items():
        assert reason in written(tmp_path, "a.pdf", data).failures["a.pdf"]
    with pytest.raises(UnreadableError, match="more than 50 pages"):
        parse_pdf(pdf(["x"], kids="4 0 R " * 51), most_pages=50)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_a_pdf_that_only_restricts_printing_is_read(tmp_path: Path, algorithm: str) -> None:
    assert written(tmp_path, "a.pdf", locked("", algorithm)).texts == [PROSE]


def _unknown_filter(writer: pypdf.PdfWriter) -> None:
    contents = writer.pages[1]["/Contents"].get_object()
    assert isinstance(contents, StreamObject)
    contents[NameObject("/Filter")] = NameObject("/FooDecode")


def _damaged(writer: pypdf.PdfWriter) -> None:
    contents = writer.pages[1]["/Contents"].get_object()
    assert isinstance(contents, StreamObject)
    contents[NameObject("/Filter")] = NameObject("/FlateDecode")


def _no_numbers(writer: pypdf.PdfWriter) -> None:
    writer.pages[1][NameObject("/Resources")] = NumberObject(3)


@pytest.mark.parametrize("change", [_unknown_filter, _damaged, _no_numbers])
def test_a_broken_page_costs_itself_and_is_named(
    tmp_path: Path, change: Callable[[pypdf.PdfWriter], None]
) -> None:
    found = written(tmp_path, "a.pdf", changed(pdf(["Whales sing.", "Bats hunt.", "Cats nap."]), change))
    assert found.texts == ["Whales sing.\n\nCats nap."]
    (note,) = found.notes
    assert note.text.startswith("page 2 could not be read: ")


def test_an_info_entry_of_the_wrong_kind_costs_nothing(tmp_path: Path) -> None:
    whole = pdf(["Whales sing.", "Bats hunt."], title="The sea")
    for wrong in (b"[ ]", b"<< /Title [1 2] >>", b"<< /Title 5 >>", b"<< /Title /Sea >>", b"null"):
        data = whole.replace(b"<< /Title (The sea) >>", wrong)
        (found,) = written(tmp_path, "sea.pdf", data).documents
        assert (found.title, found.text) == ("sea", "Whales sing.\n\nBats hunt.")


def test_a_file_that_lost_its_end_is_read_by_the_objects_that_are_there(tmp_path: Path) -> None:
    data = pdf(["Whales sing.", "Bats hunt."])
    for end in (data.rindex(b"%%EOF"), data.index(b"startxref"), data.index(b"xref\n")):
        assert written(tmp_path, "a.pdf", data[:end]).texts == ["Whales sing.\n\nBats hunt."]
    found = written(tmp_path, "a.pdf", data[: data.index(b"6 0 obj")])
    assert found.texts == ["Whales sing."]
    assert [note.text for note in found.notes] == ["it is to have 2 pages, and 1 are there"]


def test_signs_of_a_broken_font_are_no_text(tmp_path: Path) -> None:
    broken = pdf(["Whales sing."]).replace(b"/BaseFont /Helvetica", b"/BaseFont [ 1 2 3 ] ")
    assert "cannot be decoded" in written(tmp_path, "a.pdf", broken).failures["a.pdf"]


def test_a_table_of_objects_that_is_wrong_is_made_anew(tmp_path: Path) -> None:
    data = pdf(["Whales sing."])
    start = data.rindex(b"startxref\n") + len(b"startxref\n")
    assert written(tmp_path, "a.pdf", data[:start] + b"7\n%%EOF\n").texts == ["Whales sing."]


@pytest.mark.parametrize(
    "title",
    [
        "Microsoft Word - Document1.doc",
        "Microsoft PowerPoint - whales",
        "untitled",
        "Untitled-2",
        "i-xx_fm.indd",
        "Document1",
        "PowerPoint Presentation",
        "Slide 1",
        "C:/Users/me/whales",
        "/home/me/whales/paper",
        "paper.dvi",
        "whale report final.docx",
        "tmp81f.tmp",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "d41d8cd98f00b204e9800998ecf8427e",
        "---",
    ],
)
def test_a_title_that_a_program_wrote_is_none(tmp_path: Path, title: str) -> None:
    (found,) = written(tmp_path, "whales.pdf", pdf(["Whales sing."], title=title)).documents
    assert found.title == "whales"


@pytest.mark.parametrize(
    "title", ["Whales", "Word by word", "1984 and 1985", "The document", "A facade", "Node.js"]
)
def test_a_title_that_somebody_chose_stays(tmp_path: Path, title: str) -> None:
    (found,) = written(tmp_path, "a.pdf", pdf(["Whales sing."], title=title)).documents
    assert found.title == title


def annotated(**entries: Any) -> Callable[[pypdf.PdfWriter], None]:
    """Adds an annotation to the first page."""

    def change(writer: pypdf.PdfWriter) -> None:
        annotation = DictionaryObject({NameObject(f"/{name}"): value for name, value in entries.items()})
        page = writer.pages[0]
        known = page.get("/Annots", ArrayObject())
        page[NameObject("/Annots")] = ArrayObject([*known, writer._add_object(annotation)])

    return change


def form(kind: str, name: str, value: Any, **more: Any) -> Callable[[pypdf.PdfWriter], None]:
    field = {"FT": NameObject(f"/{kind}"), "T": TextStringObject(name), "V": value, **more}
    return annotated(Subtype=NameObject("/Widget"), **field)


def test_what_was_filled_into_a_form_is_read_once(tmp_path: Path) -> None:
    text = TextStringObject
    data = pdf(["Name of the boat: Pequod", "Second page."])
    for change in (
        form("Tx", "captain", text("Ahab Öst")),
        form("Tx", "captain", text("Ahab Öst")),
        form("Tx", "boat", text("Pequod")),
        form("Tx", "secret", text("hidden"), Ff=NumberObject(1 << 13)),
        form("Ch", "port", text("nb"), Opt=ArrayObject([ArrayObject([text("nb"), text("New Bedford")])])),
        form("Btn", "insured", NameObject("/Yes")),
        form("Btn", "sunk", NameObject("/Off")),
        annotated(Subtype=NameObject("/FreeText"), Contents=text("Beware of whales")),
        annotated(Subtype=NameObject("/Text"), Contents=text("Who wrote this?")),
        annotated(Subtype=NameObject("/Link"), Contents=text("no")),
        annotated(Subtype=NumberObject(3), FT=NumberObject(3)),
    ):
        data = changed(data, change)
    assert written(tmp_path, "a.pdf", data).texts == [
        "Name of the boat: Pequod\ncaptain: Ahab Öst\nport: New Bedford\ninsured: Yes\nBeware of whales\n"
        "Who wrote this?\n\nSecond page."
    ]


def _scanned(writer: pypdf.PdfWriter) -> None:
    image = StreamObject()
    image.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Image")})
    objects = DictionaryObject({NameObject("/Im0"): writer._add_object(image)})
    for page in list(writer.pages)[1:]:
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): objects})


SCANNED = changed(pdf(["Whales sing.", "", ""]), _scanned)


def test_scanned_pages_are_named(tmp_path: Path) -> None:
    found = written(tmp_path, "a.pdf", SCANNED)
    assert found.texts == ["Whales sing."]
    assert [note.text for note in found.notes] == ["pages 2-3: scanned; no text"]
    whole = changed(pdf(["", ""]), _scanned)
    assert "REFRACT_OCR" in written(tmp_path, "a.pdf", whole).failures["a.pdf"]


def test_pages_without_contents_are_named(tmp_path: Path) -> None:
    def emptied(writer: pypdf.PdfWriter) -> None:
        del writer.pages[1]["/Contents"]
        writer.pages[2][NameObject("/Contents")] = ArrayObject()

    data = changed(pdf(["Whales sing.", "x", "x", "Bats hunt.", ""]), emptied)
    found = written(tmp_path, "a.pdf", data)
    assert found.documents[0].text == "Whales sing.\n\nBats hunt."
    assert [note.text for note in found.notes] == ["pages 2-3, 5: no text; scanned or empty"]


def test_scanned_pages_are_recognized_by_the_program_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.pdf").write_bytes(pdf(["Whales sing.", "Read", "out."]))
    program = tmp_path / "recognize"
    program.write_text(
        f"#!{sys.executable}\nimport shutil, sys\nassert open(sys.argv[2], 'rb').read(5) == b'%PDF-'\n"
        "shutil.copy(sys.argv[1], sys.argv[3])\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("REFRACT_OCR", f"{program} {tmp_path / 'good.pdf'}")
    assert parse_pdf(SCANNED).text == "Whales sing.\n\nRead\n\nout."
    monkeypatch.setenv("REFRACT_OCR", "nowhere-to-be-found")
    found = parse_pdf(SCANNED)
    assert found.text == "Whales sing."
    assert "nowhere-to-be-found is not installed" in found.notes[0]
    monkeypatch.setenv("REFRACT_OCR", f"{program} /nowhere")
    assert "could not recognize" in parse_pdf(SCANNED).notes[0]
