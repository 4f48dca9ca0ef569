"""What clients send: the first mistake is told, and no more is made of it than that."""

from typing import Any

import pytest
from pydantic import ValidationError

from search.query.sent import MAX_FIELDS, MAX_ITEMS, Listed, Sent


class Inner(Sent):
    name: str


class Outer(Sent):
    numbers: Listed[int] = []  # noqa: RUF012
    inner: Listed[Inner | int] = []  # noqa: RUF012


def told(given: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate(given)
    return [error["msg"] for error in refused.value.errors()]


def test_what_is_of_the_form_is_taken() -> None:
    taken = Outer.model_validate({"numbers": list(range(MAX_ITEMS)), "inner": [{"name": "a"}, 1]})
    assert taken.inner == [Inner(name="a"), 1]


@pytest.mark.parametrize("count", [MAX_ITEMS + 1, 100_000])
def test_a_list_of_mistakes_is_one_mistake(count: int) -> None:
    assert len(told({"numbers": ["x"] * count})) == 1
    assert len(told({"inner": [{}] * count})) == 2  # one for each that it might be
    assert told({"numbers": [1] * count}) == [
        f"List should have at most {MAX_ITEMS} items after validation, not {count}"
    ]


@pytest.mark.parametrize("count", [MAX_FIELDS + 1, 100_000])
def test_an_object_of_unknown_fields_is_one_mistake_at_any_depth(count: int) -> None:
    many = {f"field{number}": 1 for number in range(count)}
    assert told(many) == ["The fields are numbers, inner"]
    assert told({"inner": [{"name": "a", **many}]})[0] == "The fields are name"


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(ValidationError, match="nmae"):
        Inner.model_validate({"nmae": "a", "name": "a"})
