"""Facets are lists of what the answers can be narrowed down to, those that people know first."""

from dataclasses import dataclass
from math import log2

from api.views.page_state import PageState
from search.embedding.folding import fold
from search.filtering.field_values import DATE, NUMBER
from search.presentation.provenance import familiarity
from search.responses.search import Facet, Facets, FacetValue

SHOWN = 8
"""Values of a list that are seen at once."""

LEGIBLE = 24
"""Characters of a value that stands on a line."""


@dataclass(frozen=True)
class FacetList:
    """Holds what one field can be narrowed down to: some of its `total` values, those that answers have most.
    `measured`: it is a field of numbers or dates, so that two boxes take a range, which now is from `least`
    to `most`."""

    field: str
    values: list[FacetValue]
    measured: bool
    total: int
    least: str = ""
    most: str = ""

    @property
    def name(self) -> str:
        """Names the field as a sentence begins: `Package`, `Published at`."""
        return f"{self.field[:1].upper()}{self.field[1:]}".replace("_", " ")

    @property
    def others(self) -> list[FacetValue]:
        """Gives the values after the first, in the order of the alphabet: who unfolds them looks for one."""
        return sorted(self.values[SHOWN:], key=lambda value: fold(value.value))

    @property
    def unlisted(self) -> int:
        """Counts the values that are not here."""
        return max(self.total - len(self.values), 0)


def facet_lists(found: Facets, state: PageState) -> list[FacetList]:
    """Lists the fields of the metadata, first those that people look for first, then those that divide the
    first answers best into what can be read; nothing that would leave no document."""
    lists = [_list(facet, state) for facet in found.fields]
    return sorted((each for each in lists if each.values), key=_place)


def _list(facet: Facet, state: PageState) -> FacetList:
    values = [value for value in facet.values if value.documents or value.chosen]
    least, most = state.range_of(facet.field)
    return FacetList(facet.field, values, facet.kind in (NUMBER, DATE), facet.total, least, most)


def _place(shown: FacetList) -> tuple[int, float]:
    legible = sum(len(value.value) <= LEGIBLE for value in shown.values) / len(shown.values)
    return familiarity(shown.field), -legible * _divides(shown.values)


def _divides(values: list[FacetValue]) -> float:
    """Says how much is known of an answer by its value, in bits."""
    tops = [value.top for value in values if value.top]
    return sum(top * log2(sum(tops) / top) for top in tops) / (sum(tops) or 1)
