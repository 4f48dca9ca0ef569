"""Phrases in any spelling and script, and what of a document's counted words has to be there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.embedding.words import words_between_blanks
from search.filtering.phrases import Phrase

SAID = [
    ("Alzheimer's disease", "Alzheimer’s disease is common."),
    ("Alzheimer’s", "Alzheimer's disease"),
    ("café crème", "Cafe\u0301 cre\u0300me"),
    ("cafe", "the CAFÉ"),
    ("finance report", "a ﬁnance\nreport."),
    ("ABC123", "ＡＢＣ１２３"),
    ("Donaudampfschiff", "Donau\u00addampf\u00adschiff"),
    ("東京", "今日は東京都庁に行く"),
    ("東京 都庁", "今日は東京都庁に行く"),
    ("海", "海岸は静か"),
    ("ภาษาไทย", "ฉันรักภาษาไทยมาก"),
    ("도서관", "도서관에서 책을"),
    ("हिन्दी भाषा", "यह हिन्दी भाषा है"),
    ("black hole", "a black-hole"),
    ("well-known", "a well known name"),
    ("2.4", "Release 2.4 fixes"),
    ("json", "call json.dumps"),
    ("dumps", "call json.dumps(x)"),
    ("AB-123", "part AB-123/4"),
    ("C++", "in C++, of course"),
    ("-xzf", "tar -xzf archive"),
    ("example.org", "see https://example.org/a"),
    ("东京", "https://example.org/东京塔"),
    ("to be or not", "To be or not to be"),
    ("Python", "Python入門"),
    ("user", "jane.user@example.org"),
]
NOT_SAID = [
    ("hole bend", "a hole bends"),
    ("2.4", "Release 2.41"),
    ("2.4", "section 2. 4 parts"),
    ("C", "C++ or C#"),
    ("हिन्द", "हिन्दी"),
    ("京都塔", "東京都駅"),
    ("user", "get_user"),
    ("か", "が"),
    ("…", "what…"),
]


def counted(text: str) -> set[str]:
    return {word.stem for chunk in text.split() for word in words_between_blanks(chunk)}


def may_say(phrase: Phrase, text: str) -> bool:
    """Whether the counted words of a text leave it to be read; for one letter those that have it."""
    there = counted(text)
    return all(
        there & part or any(len(each) == 1 and each in "".join(there) for each in part)
        for part in phrase.parts
    )


@pytest.mark.parametrize(("phrase", "text"), SAID)
def test_a_phrase_is_found_in_any_spelling(phrase: str, text: str) -> None:
    assert Phrase(phrase).in_text(text)
    assert may_say(Phrase(phrase), text)


@pytest.mark.parametrize(("phrase", "text"), NOT_SAID)
def test_what_is_not_said_is_not_found(phrase: str, text: str) -> None:
    assert not Phrase(phrase).in_text(text)


TEXTS = st.text("abAB19 .-_/'&:,@#+éß東京は가กา", max_size=40)


@settings(deadline=None)
@given(TEXTS, st.data())
def test_every_part_of_a_text_that_it_says_can_be_found(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    phrase = Phrase(text[start : data.draw(st.integers(start, len(text)))])
    if phrase.in_text(text):
        assert may_say(phrase, text)


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=40))
def test_any_phrase_is_looked_for_in_any_text(phrase: str, text: str) -> None:
    found = Phrase(phrase).in_text(text)
    assert not found or may_say(Phrase(phrase), text)
