"""Filters as text: what they mean, what they may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import InvalidFilter
from search.query.filters import bounded, checked, format_filter, parse_filter, parse_filters
from search.query.parser import MAX_RESTRICTIONS, MAX_VALUES, Condition

MEANT = {
    "lang:en": Condition("lang", ("en",)),
    "lang: en , de ": Condition("lang", ("en", "de")),
    "-lang:fr": Condition("lang", ("fr",), negated=True),
    'author:"Doe, Jane",Roe': Condition("author", ("Doe, Jane", "Roe")),
    'said:"a ""b"" c"': Condition("said", ('a "b" c',)),
    "year:1990..2000": Condition("year", least="1990", most="2000"),
    "year:..2000": Condition("year", most="2000"),
    'range:"1..2"': Condition("range", ("1..2",)),
    "date of birth:2020-05..": Condition("date of birth", least="2020-05"),
    'folder:0,".."': Condition("folder", ("0", "..")),
    "title:sun": Condition("title", ("sun",)),
    'title:"two words"': Condition("title", ("two words",)),
    "url:http://x": Condition("url", ("http://x",)),
    '"a:b":c': Condition("a:b", ("c",)),
    '"feature":7': Condition("feature", ("7",)),
    "feature:7": Condition("", feature=7),
    "-feature:0": Condition("", feature=0, negated=True),
}


@pytest.mark.parametrize("text", MEANT)
def test_a_filter_means_what_people_expect(text: str) -> None:
    assert parse_filter(text) == MEANT[text]
    assert parse_filter(format_filter(MEANT[text])) == MEANT[text]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x",
            ":x",
            "x:",
            "-",
            "-:y",
            'x:""',
            "x:,",
            "x:..",
            "feature:x",
            "feature:-1",
            "feature:1,2",
            "a:\0",
        ),
        *("x:" + "y" * 501, "x" * 501 + ":y", "x:" + ",".join("y" * 101), "x:" + "y" * 20_000, "a:\ud800"),
    ],
)
def test_what_is_no_filter_is_told(text: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    assert len(caught.value.message) < 200
    assert caught.value.hint


values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(str.strip)
fields = values.filter(lambda name: name not in ("", "title"))


@given(fields, st.lists(values.filter(bool), min_size=1, max_size=5), st.booleans())
def test_every_list_of_values_is_written_and_read(field: str, given: list[str], negated: bool) -> None:
    condition = Condition(field, tuple(given), negated=negated)
    assert parse_filter(format_filter(condition)) == condition


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        condition = parse_filter(text)
    except InvalidFilter:
        return
    assert parse_filter(format_filter(condition)) == condition


def test_there_are_not_too_many() -> None:
    assert parse_filters(["a:1", " ", "a:1", "b:2"]) == (Condition("a", ("1",)), Condition("b", ("2",)))
    with pytest.raises(InvalidFilter, match=f"{MAX_RESTRICTIONS + 1} filters"):
        bounded(Condition("a", (str(number),)) for number in range(MAX_RESTRICTIONS + 1))
    with pytest.raises(InvalidFilter, match=f"{MAX_VALUES + 1} values of 'a'"):
        checked(Condition("a", tuple(map(str, range(MAX_VALUES + 1)))))
