"""What printing does to words is undone, and what belongs to them stays."""

import pytest

from indexer.sources.pdf.print import mended


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("the o\ufb03ce \ufb01le", "the office file"),
        ("exam-\nple", "example"),
        ("Über-\nfälle, caf\xe9-\nteria", "Überfälle, cafeteria".replace("cafeteria", "caf\xe9teria")),
        ("exam\u2010 \n ple", "example"),
        ("exam\xad\nple and ex\xadample", "example and example"),
        ("EXAM-\nPLE", "EXAMPLE"),
        ("a well-known, well-\nknown word", "a well-known, well-known word"),
        ("COVID-\n19 of 1914-\n1918", "COVID-19 of 1914-1918"),
        ("Anglo-\nSaxon", "Anglo-Saxon"),
        ("a list\n- of\n- two", "a list\n- of\n- two"),
        ("an end -\nthe next", "an end -\nthe next"),
        ("exam-\n\nple on the next page", "example on the next page"),
    ],
)
def test_words_are_as_they_were_meant(printed: str, meant: str) -> None:
    assert mended(printed) == meant
