"""Source code is read when it is asked for: Python by its functions, the rest a file a document."""

from pathlib import Path

import pytest

from indexer.sources import Note
from tests.support.sources import read_source, written

pytestmark = pytest.mark.slow

MODULE = '''"""About whales."""
import os

LEAST = 3


# How they sing.
@wraps
def sing(song: str) -> str:
    """Sings."""
    def inner():
        return 1

    return song


class Whale(Animal):
    """A large one."""

    size = 1

    @property
    def name(self):
        return self._name

    @name.setter
    def name(self, value):
        self._name = value

    class Fin:
        async def move(self): ...

if __name__ == "__main__":
    def main(): ...
'''


def test_functions_methods_and_classes_are_documents_and_so_is_what_is_outside(tmp_path: Path) -> None:
    found = written(tmp_path, "whales.py", MODULE)
    texts = {each.id: each.text for each in found.documents}
    assert list(texts) == [
        "whales.py",
        "whales.py/sing",
        "whales.py/Whale",
        "whales.py/Whale.name",
        "whales.py/Whale.Fin",
        "whales.py/Whale.Fin.move",
    ]
    assert texts["whales.py/sing"].startswith("# How they sing.\n@wraps\ndef sing(")
    assert texts["whales.py/sing"].endswith("    return song")
    assert '"""A large one."""\n\n    size = 1' in texts["whales.py/Whale"]
    assert "self._name = value" in texts["whales.py/Whale.name"]
    assert "return self._name" in texts["whales.py/Whale.name"]
    assert "LEAST = 3" in texts["whales.py"]
    assert "def main" in texts["whales.py"]
    assert found.documents[1].title == "sing"
    assert found.documents[0].title == "whales"


def test_every_line_is_in_one_document(tmp_path: Path) -> None:
    found = written(tmp_path, "whales.py", MODULE)
    lines = sorted(line.strip() for text in found.texts for line in text.splitlines() if line.strip())
    assert lines == sorted(line.strip() for line in MODULE.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", "print 'Whales sing.'"),
        ("a.py", "x = " + "(" * 5_000 + ")" * 5_000),
        ("a.py", "x = 1\n" + "-" * 200_000 + "1"),
    ],
)
def test_what_this_python_cannot_parse_is_one_document_with_a_note(
    tmp_path: Path, name: str, content: str
) -> None:
    found = written(tmp_path, name, content)
    assert found.texts == [content]
    assert "not divided" in found.notes[0].text


def test_odd_line_ends_do_not_shift_functions(tmp_path: Path) -> None:
    found = written(tmp_path, "a.py", 'x = "\x0c\u2028"\r\n\x0c\r\ndef sing():\r\n    return 1\r\n')
    assert found.texts[1] == "def sing():\n    return 1"


def test_other_languages_are_whole_text_and_binary_ones_named(tmp_path: Path) -> None:
    assert written(tmp_path, "a.rs", "fn sing() {}\n").texts == ["fn sing() {}"]
    assert "not text" in written(tmp_path, "b.c", bytes(range(256)) * 9).failures["b.c"]


def test_a_folder_of_documents_has_no_code_unless_it_is_asked_for(tmp_path: Path) -> None:
    for name in ("a.md", "b.py", "c.go", "package-lock.json", "jquery.min.js", "d.js"):
        (tmp_path / name).write_text('"x = 1"')
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "e.js").write_text("x = 1")
    (tmp_path / "__init__.py").write_text("")
    documents = read_source(tmp_path)
    assert [each.id for each in documents.documents] == ["a.md", "package-lock.json"]
    assert documents.notes[0].text.startswith("passed over: ")
    code = read_source(tmp_path, "code")
    assert [each.id for each in code.documents] == ["a.md", "b.py", "c.go", "d.js"]
    assert code.notes == [
        Note(f"{tmp_path.name}/", "left out by .gitignore or excluded: 2 files and 1 folder")
    ]
    assert not code.failures
    again = read_source(tmp_path, "code", exclude=["!jquery.min.js", "*.py"])
    assert [each.id for each in again.documents] == ["a.md", "c.go", "d.js", "jquery.min.js"]
