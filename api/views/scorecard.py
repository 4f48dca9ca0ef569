"""A dictionary's scorecard is put in words, for the terminal and for the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from search.responses.collections import Scorecard

PARTS = ((0.6, "Most"), (0.4, "About half"), (0.2, "Some"))
"""What a share of a score is called, from the least share on."""

SAFE = 0.75
"""Names explain an order from this share of its pairs on."""


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


def in_words(card: Scorecard) -> list[str]:
    """Says in three sentences what the figures mean for who reads reasons; nothing where none were
    measured."""
    found = card.explained
    if found is None:
        return []
    part = next((words for least, words in PARTS if found.shared >= least), "Little")
    trust = (
        "they are the main reasons" if found.ordered >= SAFE else "take them as hints, and read the passage"
    )
    return [
        f"{part} of why a result is found can be seen in it: names that question and passage share carry "
        f"{_whole(found.shared)} of its score.",
        f"Names of the question alone carry {_whole(found.carried - found.shared)}, any passage gets "
        f"{_whole(found.baseline)}, and no name accounts for {_whole(found.remainder)}: all of it is shown "
        "beside each result, summed.",
        f"Names alone put {found.ordered * 100:.0f} of 100 pairs of results in the order in which they "
        f"stand: {trust}.",
    ]


def _whole(share: float) -> str:
    return f"{share:.0%}"


def _percent(share: float) -> str:
    return f"{share:.1%}"
