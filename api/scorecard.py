"""A dictionary's scorecard in words, for the terminal and for the page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

RETRAINED = {"seed": "on the texts in another order", "landmarks": "from other texts to start with"}


@dataclass(frozen=True)
class Figure:
    """One line: what is measured, the value, and what it means."""

    name: str
    value: str
    meaning: str


def figures(card: Mapping[str, Any]) -> Iterator[Figure]:
    """The lines of a scorecard, as far as it was measured."""
    yield from _reconstruction(card)
    yield from _explanation(card)
    yield from _names(card)


def _reconstruction(card: Mapping[str, Any]) -> Iterator[Figure]:
    if "names" in card:
        own = f"{card['own']:,} of them found in this collection." if card.get("own") else "All general."
        yield Figure("Names", f"{card['names']:,}", own)
        yield Figure("Names near a passage", f"{card['l0']:.1f}", "On the average, at most 40.")
        yield Figure("Names that no passage is near", _percent(card["dead"]), "They are never shown.")
        yield Figure("Variance unexplained", f"{card['fvu']:.3f}", "What the nearest names leave out.")
    elif "fvu" in card:
        rows = f"{card['rows']:,} passages it was not fitted to"
        yield Figure("Variance unexplained", f"{card['fvu']:.3f}", f"What features leave out, on {rows}.")
        yield Figure("Features a passage", f"{card['l0']:.1f}", "On the average.")
        yield Figure(
            "Silent features", _percent(card["dead"]), "Fire on none of these, nor of those it was fitted to."
        )
    if "rare" in card:
        yield Figure("Rare features", _percent(card["rare"]), "Fire on fewer than one passage in 10,000.")
    if density := card.get("density"):
        between = f"{_percent(density['0.1'])} to {_percent(density['0.9'])}"
        yield Figure("How often a feature fires", _percent(density["0.5"]), f"The middle 80%: {between}.")
    if "decoder_cosine" in card:
        meaning = "How alike a feature is to the one most like it (1: the same)."
        yield Figure("Nearest neighbour", f"{card['decoder_cosine']:.2f}", meaning)


def _explanation(card: Mapping[str, Any]) -> Iterator[Figure]:
    if judged := card.get("scifact"):
        meaning = f"nDCG@10 of SciFact rebuilt from features alone; by its embeddings {judged['dense']:.3f}."
        yield Figure("Ranking kept", f"{judged['ndcg']:.3f}", meaning)
    if found := card.get("explained") or judged:
        yield Figure("Score carried by features", _percent(found["carried"]), "Of the first 20 results.")
        yield Figure("By features both share", _percent(found["shared"]), "Active in question and result.")
        yield Figure("Baseline", _percent(found["baseline"]), "What every passage has in common.")
        yield Figure("Remainder", _percent(found["remainder"]), "What no feature accounts for.")
        yield Figure("Order explained", _percent(found["ordered"]), "Pairs that features alone put in order.")


def _names(card: Mapping[str, Any]) -> Iterator[Figure]:
    if labels := card.get("labels"):
        between = f"a tenth is below {labels['0.1']:.2f}, a tenth above {labels['0.9']:.2f}"
        meaning = f"How well a label tells passages that fire from others; {between}, chance is .50."
        yield Figure("Label score", f"{labels['0.5']:.2f}", meaning)
    for kind, what in RETRAINED.items():
        if twins := card.get(f"stability_{kind}"):
            firing = f"{_percent(twins['firing'])} of those that a text fires"
            yield Figure("Found again", _percent(twins["twins"]), f"By training {what}; {firing}.")


def _percent(share: float) -> str:
    return f"{share:.1%}"
