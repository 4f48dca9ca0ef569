"""Details are what of an answer is there beside its first lines: `details=` of its address, as often as
needed.

The first answer has none of them, because they are dear or long. With htmx they come when they are looked at,
each in its own place; without it a link leads to the same page with them.
"""

from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

from api.views.page_state import PageState

ALL, REST, NUMBERS = "all", "rest", "numbers"
VALUES = "values:"
"""Stands before a field of which many values are there."""


@dataclass(frozen=True)
class Details:
    """Says what of the answer to a state, by a generation, is there: the `rest` (the words that the model
    marks, and what answers can be narrowed down to), the `numbers` of every card, and why each of some
    passages stands where it stands. What was `asked` for by its own name is unfolded, too."""

    state: PageState
    generation: int
    asked: frozenset[str] = frozenset()

    @property
    def counted(self) -> bool:
        """Tells whether it is there what the answers can be narrowed down to."""
        return self.rest or bool(self.values_of)

    @property
    def values_of(self) -> frozenset[str]:
        """Gives the fields of which many values are there."""
        return frozenset(each.removeprefix(VALUES) for each in self.asked if each.startswith(VALUES))

    @property
    def rest(self) -> bool:
        return bool(self.asked & {ALL, REST})

    @property
    def numbers(self) -> bool:
        return bool(self.asked & {ALL, NUMBERS})

    @property
    def any_why(self) -> bool:
        return any(each not in (REST, NUMBERS) and not each.startswith(VALUES) for each in self.asked)

    def why(self, passage: int) -> bool:
        """Tells whether it is there why a passage stands where it stands."""
        return ALL in self.asked or self.unfolds(passage)

    def unfolds(self, detail: str | int) -> bool:
        """Tells whether a detail was asked for by its own name."""
        return str(detail) in self.asked

    def more(self, detail: str | int) -> str:
        """Makes the address of a detail of this answer, for htmx."""
        return self.state.url_with([("details", str(detail)), ("generation", str(self.generation))])

    def whole(self, *details: str | int) -> str:
        """Makes the address of the page with some details."""
        return self.state.url_with([("details", str(each)) for each in details])

    def place(self, name: str, passage: int | str = "") -> str:
        """Names the place of a detail, by an id that only this answer has: what comes late for another one
        finds none."""
        return f"{name}-{passage}-{self._mark}"

    @cached_property
    def _mark(self) -> str:
        return f"{crc32(f'{self.generation} {self.whole()}'.encode()):x}"
