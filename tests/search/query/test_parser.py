"""What people type, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import InvalidQuery
from search.query.parser import Condition, ParsedQuery, may_restrict, parse_query

FIELDS = {"year", "lang"}

TAKEN_APART = {
    "how do stars shine": ParsedQuery("how do stars shine"),
    '"black hole" mass -fusion': ParsedQuery("black hole mass", ("black hole",), ("fusion",)),
    'stars -"neutron star" shine': ParsedQuery("stars shine", (), ("neutron star",)),
    "title:sun spots": ParsedQuery("sun spots", (), (), (Condition("title", ("sun",)),)),
    'title:"two words"': ParsedQuery("two words", (), (), (Condition("title", ("two words",)),)),
    "-title:moon tides": ParsedQuery("tides", (), (), (Condition("title", ("moon",), negated=True),)),
    "stars year:1990..2000": ParsedQuery("stars", (), (), (Condition("year", least="1990", most="2000"),)),
    "stars year:..2000": ParsedQuery("stars", (), (), (Condition("year", most="2000"),)),
    "stars lang:en,de -year:1999": ParsedQuery(
        "stars", (), (), (Condition("lang", ("en", "de")), Condition("year", ("1999",), negated=True))
    ),
    'stars lang:"en,de"': ParsedQuery("stars", (), (), (Condition("lang", ("en,de",)),)),
}


@pytest.mark.parametrize("query", TAKEN_APART)
def test_operators_are_taken_out_of_the_text(query: str) -> None:
    assert parse_query(query, FIELDS) == TAKEN_APART[query]
    assert may_restrict(query) == TAKEN_APART[query].restricts


@pytest.mark.parametrize(
    "query",
    [
        'a "b c',
        '"',
        '"" x',
        'x -""',
        "- x",
        "-- x",
        "-5 degrees",
        "well-known facts",
        "http://host/path note: this std::vector",
        "color:red wine",
        "year: 1990",
        "year:",
        "a:b:c",
        "12:30 lunch",
    ],
)
def test_what_only_looks_like_an_operator_is_text(query: str) -> None:
    assert parse_query(query, FIELDS) == ParsedQuery(query)


@pytest.mark.parametrize("query", ["-only", '-"only this"', "year:1990", "lang:en -x", "-title:sun"])
def test_restrictions_alone_ask_for_nothing(query: str) -> None:
    with pytest.raises(InvalidQuery, match="nothing to look for"):
        parse_query(query, FIELDS)


@given(st.text('ab "-:.,0year', max_size=30))
def test_any_text_is_taken_apart_or_refused(query: str) -> None:
    try:
        typed = parse_query(query, FIELDS)
    except InvalidQuery:
        return
    assert typed.restricts or typed.text == query
    assert may_restrict(query) or not typed.restricts
