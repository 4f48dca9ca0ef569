"""Spellings of the same text that have to meet, and those that must not."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.embedding.folding import composed, fold, plain

SAME = [
    ("Café crème", "Cafe\u0301 CRE\u0300ME"),
    ("Alzheimer’s", "Alzheimer's"),
    ("“stem cells”", '"stem cells"'),
    ("the oﬃce ﬁnance", "the office finance"),
    ("ＡＢＣ１２３", "abc123"),
    ("ｶﾞﾗｽ", "ガラス"),
    ("Donau\u00addampf\u200bschiff", "Donaudampfschiff"),
    ("STRASSE", "straße"),
    ("İzmir Łódź Malmø", "izmir lodz malmo"),
    ("ΟΔΟΣ", "οδός"),
    ("ёлка", "ЕЛКА"),
    ("\ufefb \ufef3", "لا ي"),
    ("العَـرَبِيّة", "العربية"),
    ("٢٠٢٤", "2024"),
    ("well‑known – yes", "well-known - yes"),
    ("H₂O x²", "h2o x2"),
    ("한국어", unicodedata.normalize("NFD", "한국어")),
    ("น้ำ", unicodedata.normalize("NFKD", "น้ำ")),
]
DIFFERENT = [("が", "か"), ("हिन्दी", "हन्द"), ("กา", "กี"), ("пар", "пор"), ("2.4", "2.5"), ("C++", "C#")]
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")
SPELLED_OUT = "™℠´\u1ffd″‶"
"""Punctuation that Unicode spells with a blank or with letters: ™ is not tm."""


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_the_same_are_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_readers_tell_apart_stays_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def forms(text: str) -> set[str]:
    return {*(unicodedata.normalize(form, text) for form in FORMS), text.upper(), text.lower(), fold(text)}


def test_every_character_is_the_same_in_all_its_forms() -> None:
    seen = (chr(code) for code in range(0x20000))
    known = [each for each in seen if unicodedata.category(each) not in ("Cn", "Co", "Cs")]
    wrong = [
        each
        for each in known
        if each not in SPELLED_OUT and {*map(fold, forms(each) - {each})} - {fold(each)}
    ]
    assert wrong == []


@settings(deadline=None)
@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_and_keeps_places(text: str) -> None:
    given = plain(text)
    assert fold(text) == given.text.casefold()
    assert len(given.starts) == len(given.ends) == len(given.text)
    assert all(0 <= start < end <= len(text) for start, end in zip(given.starts, given.ends, strict=True))
    assert list(given.starts) == sorted(given.starts)


def test_places_are_those_of_the_original_text() -> None:
    text = "Cafe\u0301 ﬁx \u00adsoft"
    given = plain(text)
    assert given.text == "Cafe fix soft"
    for word, original in (("Cafe", "Cafe\u0301"), ("fix", "ﬁx"), ("soft", "soft")):
        at = given.text.index(word)
        assert text[given.starts[at] : given.ends[at + len(word) - 1]] == original


def test_identifiers_are_composed_and_keep_their_capitals() -> None:
    assert composed("Cafe\u0301.txt") == "Café.txt"
