"""PDF files: what can be read of them is read, and what cannot is named."""

import io
from pathlib import Path

import pypdf
import pytest

from indexer.sources.document import UnreadableError
from indexer.sources.pdf import parse_pdf
from tests.support.pdfs import pdf
from tests.support.sources import written

PROSE = "Sea water holds about thirty-five grams of salt in every litre."


def test_a_pdf_has_the_text_of_its_pages(tmp_path: Path) -> None:
    (found,) = written(
        tmp_path, "a.pdf", pdf(["Salt exam-\nple.", "Second page."], title="The sea")
    ).documents
    assert (found.title, found.text) == ("The sea", "Salt example.\n\nSecond page.")


def locked(user: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf([PROSE])))
    writer.encrypt(user, "owner", algorithm="RC4-128")
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def test_a_pdf_that_cannot_be_read_says_why(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    broken = {
        "protected by a password": locked("secret"),
        "by a password": pdf([PROSE], aes=True),
        "hold no text": pdf(["", ""]),
        "cyclic": pdf(["x"], kids="2 0 R 4 0 R"),
        "PdfStreamError": pdf(["x"])[:200],
        "PdfReadError": b"%PDF-1.4\n" + bytes(range(256)) * 8 + b"\n%%EOF",
    }
    for reason, data in broken.items():
        assert reason in written(tmp_path, "a.pdf", data).failures["a.pdf"]
    with pytest.raises(UnreadableError, match="more than 50 pages"):
        parse_pdf(pdf(["x"], kids="4 0 R " * 51), most_pages=50)
    assert capfd.readouterr() == ("", "")


def test_a_pdf_that_only_restricts_printing_is_read(tmp_path: Path) -> None:
    assert written(tmp_path, "a.pdf", locked("")).texts == [PROSE]
