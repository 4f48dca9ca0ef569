"""Facets are lists of what the answers can be narrowed down to, those that people know first."""

import re
from dataclasses import dataclass
from math import log2

from api.views.page_state import PageState
from search.engine.provenance import USUAL
from search.responses.search import Facet, Facets, FacetValue

SHOWN = 8
"""Values of a list; those after them are folded."""

LEGIBLE = 24
"""Characters of a value that stands on a line."""

_MEASURED = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\d{4}(?:-\d\d){1,2}(?:[T ].*)?")


@dataclass(frozen=True)
class FacetList:
    """Holds what one field can be narrowed down to. `measured`: its values are numbers or dates, so that two
    boxes take a range of them, which now is from `least` to `most`."""

    field: str
    values: list[FacetValue]
    measured: bool
    least: str = ""
    most: str = ""

    @property
    def name(self) -> str:
        """Names the field as a sentence begins: `Package`, `Published at`."""
        return f"{self.field[:1].upper()}{self.field[1:]}".replace("_", " ")


def facet_lists(found: Facets, state: PageState) -> list[FacetList]:
    """Lists the fields of the metadata, first those that people look for first, then those that divide the
    first answers best into what can be read; nothing that would leave no document."""
    lists = [_list(facet, state) for facet in found.fields]
    return sorted((each for each in lists if each.values), key=_place)


def _list(facet: Facet, state: PageState) -> FacetList:
    values = [value for value in facet.values if value.documents or value.chosen]
    ends = (end for value in values for end in value.value.split(".."))
    least, most = state.range_of(facet.field)
    measured = all(_MEASURED.fullmatch(end) for end in ends)
    return FacetList(facet.field, values, measured, least, most)


def _place(shown: FacetList) -> tuple[int, float]:
    usual = USUAL.index(shown.field) if shown.field in USUAL else len(USUAL)
    legible = sum(len(value.value) <= LEGIBLE for value in shown.values) / len(shown.values)
    return usual, -legible * _divides(shown.values)


def _divides(values: list[FacetValue]) -> float:
    """Says how much is known of an answer by its value, in bits."""
    tops = [value.top for value in values if value.top]
    return sum(top * log2(sum(tops) / top) for top in tops) / (sum(tops) or 1)
