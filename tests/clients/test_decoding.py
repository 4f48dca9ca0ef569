"""Records are made of JSON, however much more or less of it there is."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import pytest

from refract_client.decoding import decode


@dataclass(frozen=True)
class Inner:
    at: datetime | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner | None
    strength: float | Literal["off"] = 0.0
    inners: list[Inner] = field(default_factory=list)
    rows: list[list[Inner]] = field(default_factory=list)


def test_records_are_made_down_to_their_leaves() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    moment = {"at": "2026-01-02T00:00:00Z"}
    given = {"name": "a", "inner": moment, "strength": "off", "inners": [moment, {}], "rows": [[moment]]}
    assert decode(Outer, given) == Outer("a", Inner(at), "off", [Inner(at), Inner()], [[Inner(at)]])
    assert decode(list[Outer], [{"name": "a", "inner": None, "new": 1}]) == [Outer("a", None)]


@pytest.mark.parametrize("given", [{}, {"name": "a"}, [], "a", {"name": "a", "inner": {"at": "soon"}}])
def test_what_has_not_the_form_is_an_error(given: object) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        decode(Outer, given)
