"""Cards sum visibly, their bars are drawn to one scale."""

from dataclasses import replace

import pytest

from api.views import cards
from search.responses.search import DocumentRef, PassageText, Result, SearchResponse, Term, Timings


def response(*terms_of: list[Term]) -> SearchResponse:
    results = [
        Result(
            rank=rank,
            rank_unsteered=rank + 2,
            score=sum(term.value for term in terms),
            document=DocumentRef(f"d{rank}", f"Document {rank}"),
            passage=PassageText(rank, "Some text.", 0, 10),
            terms=terms,
        )
        for rank, terms in enumerate(terms_of, start=1)
    ]
    return SearchResponse(
        query="q",
        mode="hybrid",
        query_words=[],
        restrictions=[],
        collection="c",
        generation=1,
        dictionary=1,
        took_ms=Timings(1, 0, 1, 1, 1, 0, 0, 4),
        total=len(results),
        limit=10,
        offset=0,
        moved=1.0,
        query_features=[],
        preset=None,
        steering=[],
        steering_lost=[],
        results=results,
    )


def feature(number: int, value: float, *, shared: bool = True) -> Term:
    return Term("feature", value, f"topic {number}", feature=number, shared=shared)


TERMS = [
    feature(1, 0.2004),
    feature(2, 0.1004),
    feature(3, 0.0504),
    feature(4, 0.0304),
    feature(5, -0.0604, shared=False),
    Term("steering", 0.0704, "topic 1", feature=1),
    Term("baseline", 0.0204, "baseline"),
    Term("remainder", -0.0804, "remainder"),
]


def test_terms_and_segments_sum_to_the_shown_score() -> None:
    (card,) = cards.build_cards(response(TERMS))
    assert card.units == round(1000 * sum(term.value for term in TERMS))
    assert sum(item.units for item in card.terms) == card.units
    assert sum(segment.units for segment in card.segments) == card.units


def test_terms_come_largest_first() -> None:
    (card,) = cards.build_cards(response(TERMS))
    sizes = [abs(item.units) for item in card.terms]
    assert sizes == sorted(sizes, reverse=True)


def test_a_card_names_its_three_largest_shared_topics_and_groups_the_rest() -> None:
    (card,) = cards.build_cards(response(TERMS))
    assert [topic.feature for topic in card.topics] == [1, 2, 3]
    assert [group.label for group in card.groups] == ["other topics", "baseline", "everything else"]


def test_a_topic_that_is_turned_down_is_no_reason_and_one_that_raises_is() -> None:
    down = Term("steering", -0.1, "topic 1", feature=1)
    (card,) = cards.build_cards(response([feature(1, 0.3), feature(2, 0.2), down]))
    assert [topic.feature for topic in card.about] == [2]
    assert not card.is_raised
    (card,) = cards.build_cards(response(TERMS))
    assert [topic.feature for topic in card.about] == [1, 2, 3]
    assert card.is_raised
    (card,) = cards.build_cards(response([feature(1, -0.3), Term("steering", -0.01, "topic 2", feature=2)]))
    assert not card.is_raised, "others fell"
    little = Term("steering", 0.01, "topic 1", feature=1)
    (card,) = cards.build_cards(response([feature(1, 0.3), little]))
    assert not card.is_raised


def test_a_topic_that_is_turned_is_one_number_with_your_part_beside_it() -> None:
    (card,) = cards.build_cards(response(TERMS))
    (topic,) = [item for item in card.terms if item.term.feature == 1]
    assert (topic.units, topic.yours) == (271, 70)
    segment = card.topics[0]
    assert (segment.units, segment.yours) == (271, 70)
    assert segment.yours_width == pytest.approx(segment.width * 70 / 271, abs=0.02)
    assert segment.yours_x + segment.yours_width == pytest.approx(segment.x + segment.width, abs=0.02)


def test_what_is_turned_has_a_number_of_its_own_however_small_and_also_where_it_was_not_asked_for() -> None:
    turned = Term("steering", 0.001, "topic 9", feature=9)
    (card,) = cards.build_cards(response([*TERMS, turned, feature(8, 0.001), feature(7, 0.001)]))
    assert [item.yours for item in card.terms if item.term.feature == 9] == [1]
    assert 9 in [topic.feature for topic in card.topics]
    assert sum(item.units for item in (*card.terms, *card.smaller)) == card.units


def test_negative_segments_lie_left_of_zero_and_positive_ones_right() -> None:
    (card,) = cards.build_cards(response(TERMS))
    for segment in card.segments:
        if segment.units < 0:
            assert segment.x + segment.width <= card.zero + 0.01
        else:
            assert segment.x >= card.zero - 0.01
    assert min(segment.x for segment in card.segments) == pytest.approx(0, abs=0.01)
    assert max(segment.x + segment.width for segment in card.segments) == pytest.approx(100, abs=0.05)


def test_bars_of_one_page_share_their_scale_and_zero() -> None:
    long, short = cards.build_cards(response(TERMS, [feature(1, 0.1), Term("remainder", 0.05, "remainder")]))
    assert long.zero == short.zero
    per_unit = [c.segments[0].width / c.segments[0].units for c in (long, short)]
    assert per_unit[0] == pytest.approx(per_unit[1], rel=0.01)


def test_a_topic_has_the_same_colour_in_every_bar() -> None:
    page = response(TERMS, [feature(2, 0.3), feature(1, 0.1)])
    tones = cards.topic_tones(page)
    first, second = cards.build_cards(page)
    for card in (first, second):
        assert {t.feature: t.tone for t in card.topics}.items() <= tones.items()
    assert len(set(tones.values())) == len(tones)


def test_a_topic_keeps_its_colour_from_search_to_search() -> None:
    others = [[feature(number, 0.2) for number in numbers] for numbers in ((3, 20), (4, 9), (31, 6))]
    tones = [
        cards.topic_tones(response([feature(2, value), *each]))
        for value, each in zip((1, 0.1, 0.01), others, strict=True)
    ]
    assert {each[2] for each in tones} == {"t3"}


def test_of_two_topics_of_one_colour_one_always_keeps_it_and_the_other_takes_nobodys() -> None:
    for weights in ((0.5, 0.1), (0.1, 0.5)):
        both = [feature(number, value) for number, value in zip((2, 2 + cards.HUES), weights, strict=True)]
        tones = cards.topic_tones(response(both, [feature(3, 0.2)]))
        assert (tones[2], tones[3]) == ("t3", "t4")
        assert tones[2 + cards.HUES] == "t5"


def test_a_score_of_nothing_has_a_bar_of_nothing() -> None:
    (card,) = cards.build_cards(response([Term("remainder", 0.0, "remainder")]))
    assert card.units == 0
    assert card.segments[0].width == 0


def test_a_result_rises_by_the_places_it_gained() -> None:
    (card,) = cards.build_cards(response(TERMS))
    assert card.moved == 2


def test_terms_of_under_two_percent_share_a_row() -> None:
    small = [Term("word", 0.001, word, word=word) for word in ("one", "two")]
    (card,) = cards.build_cards(response([feature(1, 0.5), *small]))
    assert [item.term.label for item in card.terms] == ["topic 1"]
    assert [item.term.label for item in card.smaller] == ["one", "two"]
    assert sum(item.units for item in (*card.terms, *card.smaller)) == card.units
    (alone,) = cards.build_cards(response([feature(1, 0.5), small[0]]))
    assert alone.smaller == [], "one small term needs no row that hides its name"


def test_of_very_many_terms_the_smaller_ones_are_summed() -> None:
    terms = [Term("word", 0.02, f"w{number}", word=f"w{number}") for number in range(45)]
    (card,) = cards.build_cards(response(terms))
    assert (len(card.terms), len(card.smaller)) == (cards.MOST_TERMS, 45 - cards.MOST_TERMS)
    assert sum(item.units for item in (*card.terms, *card.smaller)) == card.units


def test_the_term_that_decides_is_the_one_without_which_the_result_would_fall_furthest() -> None:
    word = Term("word", 0.3, "sort", word="sort", rank_without=7)
    topic = Term("feature", 0.4, "sorting", feature=1, shared=True, rank_without=3)
    (card,) = cards.build_cards(response([word, topic]))
    assert card.deciding == word
    assert [topic.label for topic in card.about] == ["sorting"]
    assert card.words == ["sort"]
    (steady,) = cards.build_cards(response([Term("word", 0.3, "sort", word="sort", rank_without=1)]))
    assert steady.deciding is None


def test_where_no_term_decides_the_foremost_are_named() -> None:
    others = [Term("feature", 0.4, "other topics"), Term("baseline", 0.5, "baseline"), feature(3, -0.3)]
    named = [Term("word", 0.2, "sort", word="sort"), feature(1, 0.3), feature(2, 0.1)]
    (card,) = cards.build_cards(response([*others, *named]))
    assert [term.label for term in card.foremost] == ["topic 1", "sort"]
    (bare,) = cards.build_cards(response(others))
    assert bare.foremost == []


def test_a_word_that_adds_little_beside_others_is_no_reason() -> None:
    words = [
        Term("word", value, word, word=word)
        for word, value in (("regex", 0.3), ("slow", 0.06), ("why", 0.05))
    ]
    (card,) = cards.build_cards(response(words))
    assert card.words == ["regex", "slow"]
    (faint,) = cards.build_cards(response([feature(1, 0.5), Term("word", 0.004, "sort", word="sort")]))
    assert faint.words == ["sort"]


def test_where_nothing_is_near_no_card_says_it_is() -> None:
    assert not cards.build_cards(response(TERMS))[0].is_far
    assert cards.build_cards(replace(response(TERMS), weak=True))[0].is_far


@pytest.mark.parametrize(("strength", "shown"), [(1, "+0.150"), (-0.5, "−0.075"), (0, "0.000")])
def test_what_a_phrase_adds_at_most(strength: float, shown: str) -> None:
    assert cards.most_added(strength) == shown
