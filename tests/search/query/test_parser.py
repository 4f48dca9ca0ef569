"""What people type, taken apart."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import InvalidQuery
from search.query.parser import Condition, ParsedQuery, may_restrict, parse_query
from search.responses.search import Reading

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


WORDS = {"orca", "car", "snake", "whale"}


def taken_apart(query: str) -> ParsedQuery:
    return parse_query(query, FIELDS, WORDS.__contains__)


def restrictions(query: str) -> ParsedQuery:
    """A query taken apart, without its other readings."""
    return replace(taken_apart(query), readings=(), undone=(), no_fields=())


@pytest.mark.parametrize("query", TAKEN_APART)
def test_operators_are_taken_out_of_the_text(query: str) -> None:
    assert restrictions(query) == TAKEN_APART[query]
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
        "store at -5C",
        "git push --force",
        "“stem cells ageing",
        "5” pipe",
        'print("whale song")',
        "–title:moon tides",
    ],
)
def test_what_only_looks_like_an_operator_is_text(query: str) -> None:
    assert replace(taken_apart(query), no_fields=()) == ParsedQuery(query)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("w:sym crystals", ("w",)),
        ('color:red wine colour:"dark red" color:pale', ("color", "colour")),
        ("year:1990 whales lang:en title:sun", ()),
        ("http://host/path note: this std::vector 12:30 –title:moon", ()),
    ],
)
def test_a_name_before_a_colon_that_is_no_field_is_said(query: str, names: tuple[str, ...]) -> None:
    assert taken_apart(query).no_fields == names


def test_capitals_of_a_field_do_not_matter() -> None:
    assert (
        taken_apart("whales Year:1990 TITLE:sun").conditions
        == taken_apart("whales year:1990 title:sun").conditions
    )
    alike = parse_query("whales YEAR:1990", ["Year", "year"], WORDS.__contains__)
    assert (alike.conditions, alike.no_fields) == ((), ("YEAR",))


@pytest.mark.parametrize("query", ["-only", '-"only this"', "year:1990", "lang:en -orca", "-title:sun"])
def test_restrictions_alone_ask_for_nothing(query: str) -> None:
    with pytest.raises(InvalidQuery, match="nothing to look for"):
        taken_apart(query)


@pytest.mark.parametrize(
    "quoted",
    ["“{}”", "„{}“", "„{}”", "”{}”", "«{}»", "« {} »", "»{}«", "‹{}›", "「{}」", "『{}』", "＂{}＂", '“{}"'],
)
def test_a_phrase_stands_between_quotes_of_any_kind(quoted: str) -> None:
    phrase = quoted.format("stem cells")
    assert restrictions(f"{phrase} ageing") == ParsedQuery("stem cells ageing", ("stem cells",))
    assert restrictions(f"ageing -{phrase}") == ParsedQuery("ageing", (), ("stem cells",))
    titled = (Condition("title", ("stem cells",)),)
    assert restrictions(f"title：{phrase}") == ParsedQuery("stem cells", (), (), titled)


@pytest.mark.parametrize(
    "query", ['what is "red ink"?', '("red ink")', '"red ink", please', "「red ink」を", "紙に「red ink」を"]
)
def test_punctuation_may_follow_a_phrase(query: str) -> None:
    assert taken_apart(query).phrases == ("red ink",)


def test_a_phrase_stands_among_letters_where_there_are_no_blanks() -> None:
    assert restrictions("「東京」の天気") == ParsedQuery("東京の天気", ("東京",))
    assert restrictions("海　－東京") == ParsedQuery("海", (), ("東京",))


def test_what_is_left_out_has_another_reading_and_can_be_undone() -> None:
    typed = taken_apart('whales -orca -"killer whale"')
    assert typed.without == ("orca", "killer whale")
    assert typed.readings == (Reading("orca", True, 'whales orca -"killer whale"'),)
    assert [each.query for each in typed.undone] == ['whales -"killer whale"', "whales -orca"]


def test_an_option_is_a_word_and_quotes_make_it_an_exclusion() -> None:
    typed = taken_apart("tar -xzf")
    assert (typed.text, typed.without) == ("tar -xzf", ())
    assert typed.readings == (Reading("xzf", False, 'tar -"xzf"'),)
    assert taken_apart('tar -"xzf"').without == ("xzf",)
    assert taken_apart('tar "-xzf"').phrases == ("-xzf",)


def test_nothing_is_left_out_that_the_rest_asks_for() -> None:
    typed = taken_apart("whale song -whales")
    assert (typed.text, typed.without) == ("whale song -whales", ())
    assert taken_apart('whale song -"whales"').without == ("whales",)


def test_a_dash_leaves_nothing_out_and_says_so() -> None:
    typed = taken_apart("whales –orca")
    assert (typed.text, typed.without) == ("whales –orca", ())
    assert typed.readings == (Reading("orca", False, 'whales -"orca"'),)


@given(st.text('ab “-:.,0year”"「」–：＂c', max_size=30))
def test_any_text_is_taken_apart_or_refused(query: str) -> None:
    try:
        typed = taken_apart(query)
    except InvalidQuery:
        return
    assert typed.restricts or typed.text == query
    assert may_restrict(query) or not typed.restricts
    for reading in typed.readings:
        assert taken_apart(reading.query).without != typed.without
