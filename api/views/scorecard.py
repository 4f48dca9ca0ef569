"""A dictionary's scorecard is put in words, for the terminal and for the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from search.responses.collections import Scorecard


@dataclass(frozen=True)
class Figure:
    """Holds one line: what is measured, the value, and what it means."""

    name: str
    value: str
    meaning: str


def figures(card: Scorecard) -> Iterator[Figure]:
    """Yields the lines of a scorecard, as far as it was measured."""
    if card.names is not None:
        own = f"{card.own:,} of them found in this collection." if card.own else "All general."
        yield Figure("Names", f"{card.names:,}", own)
        yield Figure("Names near a passage", f"{card.l0:.1f}", "On the average, at most 40.")
        yield Figure("Names that no passage is near", _percent(card.dead), "They are never shown.")
        yield Figure("Variance unexplained", f"{card.fvu:.3f}", "What the nearest names leave out.")
    if found := card.explained:
        yield Figure("Score carried by features", _percent(found.carried), "Of the first 20 results.")
        yield Figure("By features both share", _percent(found.shared), "Active in question and result.")
        yield Figure("Baseline", _percent(found.baseline), "What every passage has in common.")
        yield Figure("Remainder", _percent(found.remainder), "What no feature accounts for.")
        yield Figure("Order explained", _percent(found.ordered), "Pairs that features alone put in order.")


def _percent(share: float) -> str:
    return f"{share:.1%}"
