"""Shown numbers sum exactly, bars are drawn to one scale, excerpts keep what matters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.views import cards
from search.responses.search import DocumentRef, PassageText, Result, SearchResponse, Term, Timings

VALUES = st.lists(st.floats(-2, 2), min_size=1, max_size=80)


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


@given(VALUES)
def test_rounded_terms_sum_to_the_rounded_total_and_stay_close(values: list[float]) -> None:
    units = cards.round_to_sum(values, sum(values))
    assert sum(units) == round(sum(values) * 1000)
    assert all(abs(unit - value * 1000) < 1 + 1e-9 for unit, value in zip(units, values, strict=True))


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
    assert [group.label for group in card.groups] == [
        "other topics",
        "steering",
        "baseline",
        "everything else",
    ]


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


def test_a_score_of_nothing_has_a_bar_of_nothing() -> None:
    (card,) = cards.build_cards(response([Term("remainder", 0.0, "remainder")]))
    assert card.units == 0
    assert card.segments[0].width == 0


def test_a_result_rises_by_the_places_it_gained() -> None:
    (card,) = cards.build_cards(response(TERMS))
    assert card.moved == 2


@pytest.mark.parametrize(
    ("units", "shown"), [(0, "0.000"), (-34, "−0.034"), (1234, "1.234"), (-1000, "−1.000")]
)
def test_thousandths(units: int, shown: str) -> None:
    assert cards.thousandths(units) == shown


@pytest.mark.parametrize(
    ("score", "reliable", "words"),
    [
        (0.97, True, "holds well"),
        (0.7, True, "holds weakly"),
        (0.5, False, "no reliable label"),
        (None, False, "not tested"),
    ],
)
def test_how_a_label_holds_is_said_in_words(score: float | None, reliable: bool, words: str) -> None:
    assert cards.holds(score, reliable) == words


@pytest.mark.parametrize(
    ("cosine", "words"), [(1.0, "not at all"), (0.98, "a little"), (0.92, "somewhat"), (0.1, "very far")]
)
def test_how_far_a_question_moved_is_said_in_words(cosine: float, words: str) -> None:
    assert cards.moved_words(cosine) == words


@pytest.mark.parametrize(
    ("part", "shown"), [(0, "0%"), (0.0001, "under 0.1%"), (0.0123, "1.2%"), (0.5, "50%")]
)
def test_shares_never_round_something_to_nothing(part: float, shown: str) -> None:
    assert cards.share(part) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(12, "12 s"), (200, "3 min"), (4800, "1 h 20 min")])
def test_durations(seconds: float, shown: str) -> None:
    assert cards.duration(seconds) == shown
