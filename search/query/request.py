"""Holds what is asked, as it came."""

from dataclasses import dataclass

from search.query.limits import USUAL_MODE
from search.query.parser import Condition
from search.query.steering import UNSTEERED, Steering


@dataclass(frozen=True)
class SearchRequest:
    """Holds what is asked, as it came. `dictionary` is the one that features of steering and filters are
    numbered in, where it is not the live one. Knobs of the `preset` are turned too ("none": of none; None: of
    the default one, where there is no steering). `as_typed`: words that look mistyped are meant."""

    query: str
    steering: Steering = UNSTEERED
    dictionary: int | None = None
    preset: str | None = None
    mode: str = USUAL_MODE
    filters: tuple[Condition, ...] = ()
    as_typed: bool = False
