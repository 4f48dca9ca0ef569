"""What a request may ask for."""

import math

import pytest

from search.errors import InvalidRequest
from search.query.limits import check_min_score


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_least_score_is_a_finite_number(wrong: float) -> None:
    with pytest.raises(InvalidRequest, match="is no number"):
        check_min_score(wrong)


def test_any_finite_least_score_is_taken_and_none() -> None:
    for score in (None, 0.0, -1.0, 99.0):
        check_min_score(score)
