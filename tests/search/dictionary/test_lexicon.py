"""The lexicon that ships, and files of names that cannot be one."""

from pathlib import Path

import pytest

from search.dictionary.lexicon import MOST_BYTES, checked_names, general_lexicon, read_names
from search.errors import LexiconError


def test_the_lexicon_that_ships_has_names_that_people_say() -> None:
    lexicon = general_lexicon()
    names = [name for group in lexicon.groups for name in group]
    assert 20_000 <= len(names) <= 40_000
    assert {"natural selection", "late fee", "regex", "matrix inversion", "toxicity", "JSON"} <= set(names)
    assert all(1 <= len(name.split()) <= 4 for name in names)
    for name in names:
        words = [word.casefold() for word in name.split()]
        assert len(set(words)) == len(words), name  # no "parameter parameter"
    assert lexicon.classes["compute"] == "v"
    assert "n" in lexicon.classes["table"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["whale", "", "sea"], "line 2: a name is blank"),
        (["whale\t \tship"], "line 1: a name is blank"),
        (["whale", "sea\tWhale"], "line 2: 'Whale' stands in line 1"),
        (["sea\tsea"], "line 1: 'sea' stands in line 1"),
        (["sea" * 40], "line 1: a name has 120 characters"),
        (["a\0b"], "control characters"),
    ],
)
def test_a_line_that_is_wrong_is_named(lines: list[str], told: str) -> None:
    with pytest.raises(LexiconError, match=told) as refused:
        checked_names(lines, "names.txt")
    assert refused.value.hint


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("name\n" * (MOST_BYTES // 4), encoding="utf-8")
    with pytest.raises(LexiconError, match="bytes"):
        read_names(path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(LexiconError, match="cannot be read"):
        read_names(path)
    with pytest.raises(LexiconError, match="cannot be read"):
        read_names(tmp_path / "missing.txt")


def test_odd_names_are_kept_as_they_are() -> None:
    odd = ["<b>bold</b>", "שלום עולם", "🐳 whales", "a name that is a whole sentence, with a comma"]
    assert checked_names(odd, "odd") == [(name,) for name in odd]
