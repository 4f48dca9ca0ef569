"""What is a word, in texts and questions alike."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.embedding.words import WHOLE, stems, words

WORDS = {
    "The whales sing": ["whale", "sing"],
    "vitamin D, in R": ["vitamin", "d", "r"],
    "C++ and C# or F#, not C": ["c++", "c#", "f#", "c"],
    ".NET (ASP.NET)": [".net", "net", "asp.net", "asp"],
    "2.4, v1.2.3; 1,000,000": ["2.4", "v1.2.3", "1000000"],
    "json.dumps(x)": ["json.dumps", "json", "dump", "x"],
    "foo_bar getUserName": ["foo_bar", "foo", "bar", "getusernam", "get", "user", "name"],
    "AB-123/4": ["ab-123/4", "ab-123", "ab", "123"],
    "covid-19 well-known and/or": ["covid-19", "covid", "19", "well", "known"],
    "jane@example.org": ["jane@example.org", "jane", "example.org", "exampl", "org"],
    "@user #tag node.js AT&T": ["@user", "user", "#tag", "tag", "node.js", "node", "js", "at&t"],
    "(https://example.org/a?q=tea).": [
        "https://example.org/a?q=tea",
        "example.org",
        "exampl",
        "org",
        "tea",
    ],
    "Alzheimer’s it's": ["alzheim"],
    "O'Brien": ["o'brien", "brien"],
    "tar -xzf --force": ["tar", "xzf", "forc"],
    "東京に行く": ["東京", "に", "行く"],
    "ภาษาไทย": ["ภาษา", "ไทย"],
    "हिन्दी भाषा": ["हिन्दी", "भाषा"],
    "اللغة العربية": ["اللغة", "العربية"],
    "도서관에서": ["도서관에서", "도서", "서관", "관에", "에서"],
    "Python入門": ["python", "入門"],
    "___ … — 😀": [],
}


@pytest.mark.parametrize("text", WORDS)
def test_words_and_their_parts_are_found(text: str) -> None:
    assert stems(text) == WORDS[text]


def test_words_are_found_where_they_stand() -> None:
    text = "The İzmir Cafe\u0301 whale's Donau\u00addampf; don't SING: 東京！"
    shown = [text[word.start : word.end] for word in words(text) if word.kind == WHOLE]
    assert shown == ["İzmir", "Cafe\u0301", "whale's", "Donau\u00addampf", "don't", "SING", "東京"]


def test_long_stretches_without_blanks_are_taken_apart() -> None:
    for stretch in ("a", "a-", "1.", "a@", "a://", "東", "ก", "'", "1,000,", "aB", "é-"):
        words(stretch * 5_000)


Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD", "NFKC", "NFKD")

SCRIPTS = st.text(
    st.characters(codec="utf-8", categories=["L", "Nd", "Mn", "Mc"], exclude_characters="\u0345"), min_size=1
)
TEXTS = st.lists(st.one_of(st.text("abcXYZ.-_/'&@#+19", min_size=1, max_size=12), SCRIPTS), max_size=5)


@settings(deadline=None)
@given(TEXTS, st.sampled_from(FORMS), st.booleans())
def test_any_form_of_a_text_has_its_words(parts: list[str], form: Form, soft: bool) -> None:
    text = " ".join(parts)
    other = unicodedata.normalize(form, "\u00ad".join(text) if soft else text)
    assert stems(other) == stems(text)


@settings(deadline=None)
@given(st.lists(st.text("abcdefghij", min_size=1, max_size=12), max_size=5))
def test_capitals_and_full_width_forms_are_the_same_words(parts: list[str]) -> None:
    text = " ".join(parts)
    wide = "".join(chr(ord(each) + 0xFEE0) if each.isalpha() else each for each in text)
    assert stems(text.upper()) == stems(wide) == stems(text)
