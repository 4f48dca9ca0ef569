"""Which of a feature's examples are shown first."""

import pytest

from api.views.examples import spread_out
from search.responses.features import Example
from search.responses.search import DocumentRef, PassageText


def examples(count: int) -> list[Example]:
    return [
        Example(1.0, None, DocumentRef(f"d{number}", ""), PassageText(number, "text", 0, 4))
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 20])
def test_a_few_are_shown_first_and_none_is_lost(count: int) -> None:
    all_of_them = examples(count)
    first, more = spread_out(all_of_them, 6)
    assert len(first) == min(count, 6)
    assert sorted([*first, *more], key=lambda example: example.passage.id) == all_of_them
    assert first == sorted(first, key=lambda example: example.passage.id)


def test_the_strongest_and_the_weakest_are_among_the_first() -> None:
    all_of_them = examples(20)
    first, _ = spread_out(all_of_them, 6)
    assert (first[0], first[-1]) == (all_of_them[0], all_of_them[-1])
