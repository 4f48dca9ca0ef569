"""Markdown files: all their text, what they say about themselves, and no embedded files."""

import base64
import os
from pathlib import Path

import pytest

from indexer.sources import Note, SourceDocument, open_source

FILE = base64.b64encode(os.urandom(30_000)).decode()
DRAWING = "<svg xmlns='http://www.w3.org/2000/svg'><g transform='rotate(45)'/></svg>"


def read(folder: Path, text: str, name: str = "a.md") -> SourceDocument:
    (folder / name).write_text(text, "utf-8")
    document = next(iter(open_source(folder / name)))
    assert isinstance(document, SourceDocument), document
    return document


def test_a_file_that_begins_with_a_rule_keeps_its_text(tmp_path: Path) -> None:
    found = read(tmp_path, "---\n\nWhales sing at night.\n\n---\n\nBats hunt by echo.\n")
    assert found.text == "Whales sing at night.\n\nBats hunt by echo."
    assert (
        read(tmp_path, "---\n---\n# Sea\n\nWhales sing.\n\n---\n\nBats hunt.\n").text
        == "Whales sing.\n\nBats hunt."
    )


def test_front_matter_becomes_title_and_metadata(tmp_path: Path) -> None:
    found = read(
        tmp_path, "---\ntitle: The sea\ntags: [sea, salt]\ndate: 2024-05-01\nauthor: Doe\n---\nWhales sing.\n"
    )
    assert (found.title, found.text) == ("The sea", "Whales sing.")
    assert found.meta == {"tags": ["sea", "salt"], "date": "2024-05-01", "author": "Doe", "format": "md"}


def test_front_matter_with_the_line_ends_of_windows(tmp_path: Path) -> None:
    found = read(tmp_path, "\ufeff---\r\ntitle: The sea\r\n---\r\nWhales sing.\r\n")
    assert (found.title, found.text) == ("The sea", "Whales sing.")


def test_front_matter_that_is_almost_yaml_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: Whales: a life\n---\nBats hunt.\n")
    document, note = open_source(tmp_path / "a.md")
    assert isinstance(document, SourceDocument)
    assert document.title == "Whales: a life"
    assert isinstance(note, Note)
    assert note.name == "a.md"


@pytest.mark.parametrize(
    "embedded",
    [
        f"![logo](data:image/svg+xml;base64,{FILE})",
        f"![logo](data:image/avif;base64,{FILE} 'a title')",
        f"![logo](<data:image/png;base64,{FILE}>)",
        f"[logo](data:application/pdf;base64,{FILE})",
        f"[![logo](data:image/gif;base64,{FILE})](data:text/html;base64,{FILE})",
        f"[logo][1]\n\n[1]: data:font/woff2;base64,{FILE}",
        f"![logo](data:image/svg+xml;utf8,{DRAWING})",
        f"![logo](DATA:image/svg+xml,{DRAWING * 500})",
        f"<img alt='logo' src='data:image/webp;base64,{FILE}'>logo",
        f'logo <a href="data:application/pdf;base64,{FILE}">here</a>',
        f"<data:image/svg+xml;base64,{FILE}>",
        f"data:image/svg+xml;base64,{FILE}",
        f"```css\nlogo {{ background: url(data:font/ttf;charset=utf-8;base64,{FILE}) }}\n```",
    ],
)
def test_embedded_files_are_no_text(tmp_path: Path, embedded: str) -> None:
    found = read(tmp_path, f"Whales sing.\n\n{embedded}\n\nBats hunt.\n")
    assert found.text.startswith("Whales sing.")
    assert found.text.endswith("Bats hunt.")
    assert len(found.text) < 150


@pytest.mark.parametrize("name", ["a.html", "a.rst", "a.txt"])
def test_embedded_files_are_no_text_in_other_kinds_either(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, f"Whales sing.\n\ndata:image/svg+xml;base64,{FILE}\n\nBats hunt.\n", name)
    assert found.text.startswith("Whales sing.")
    assert found.text.endswith("Bats hunt.")
    assert len(found.text) < 40


def test_short_addresses_and_words_about_data_stay(tmp_path: Path) -> None:
    text = "Write data:text/plain,hi or data: 5, and [see](https://example.org/data:x)."
    assert read(tmp_path, text).text == "Write data:text/plain,hi or data: 5, and see."


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.rst", "a.txt"])
def test_characters_that_are_not_seen_are_dropped(tmp_path: Path, name: str) -> None:
    assert (
        read(tmp_path, "Donau\xaddampf\u200bschiff\u2060fahrt\ufeff.", name).text == "Donaudampfschifffahrt."
    )
    joined = "\u0646\u0645\u06cc\u200c\u062e\u0648 \U0001f469\u200d\U0001f52c"  # these are seen
    assert read(tmp_path, joined, name).text == joined


def test_soft_hyphens_written_as_entities_are_dropped(tmp_path: Path) -> None:
    for name in ("a.md", "a.html"):
        assert (
            read(tmp_path, "<p>Donau&shy;dampf&shy;schiff f&auml;hrt.</p>", name).text
            == "Donaudampfschiff fährt."
        )


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.rst", "a.txt"])
def test_a_line_of_any_length_is_read(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, "Whales sing. " * 5_000 + "Bats hunt.", name).text.endswith(
        "Whales sing. Bats hunt."
    )
