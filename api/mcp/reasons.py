"""Reasons in words: what a model reads instead of the terms of a score."""

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

OWN_NAMES = {"baseline": "what any text gets", "remainder": "what no topic accounts for"}
"""Maps kinds of terms without a name of their own to what they are."""


def reasons(terms: Iterable[Json], most: int) -> list[str]:
    """Says what a score is made of: the strongest terms first, at most so many."""
    strongest = sorted(terms, key=lambda term: -abs(term["value"]))
    return [f"{named(term)} {term['value']:+.3f}" for term in strongest[:most]]


def topical(terms: Iterable[Json]) -> list[Json]:
    """Leaves out terms that say nothing of a document."""
    return [term for term in terms if term["kind"] not in OWN_NAMES]


def differences(margins: Iterable[Json], most: int) -> list[str]:
    """Says in which terms two scores differ most."""
    largest = sorted(margins, key=lambda each: -abs(each["margin"]))
    return [
        f"{named(each)}: {each['first']:.3f} against {each['second']:.3f} ({each['margin']:+.3f})"
        for each in largest[:most]
    ]


def named(term: Json) -> str:
    """Names a term (or a margin), so that a topic cannot be taken for a word or for steering."""
    kind, label = term["kind"], term["label"]
    if kind == "word":
        return f"word {term['word']!r}"
    if kind in OWN_NAMES:
        return OWN_NAMES[kind]
    if kind != "feature":
        return f"{kind} {label!r}"
    return label if term["feature"] is None else f"topic {label!r} ({term['feature']})"


def restriction(given: Json) -> str:
    """Says what a search demands of all results."""
    wanted = given["filter"] or f'"{given["phrase"]}"'
    return f"{'must not have' if given['without'] else 'must have'} {wanted}"


def lost(knobs: Iterable[Json]) -> list[str]:
    """Says which knobs mean nothing here, and why."""
    return [f"A knob was left out: {knob['reason']}" for knob in knobs]


def remarks(found: Json) -> list[str]:
    """Says what a search understood otherwise than it may be meant."""
    told = [f"Only documents that {restriction(each)}." for each in found["restrictions"]]
    if found["weak"]:
        told.append("Nothing here is really about the question; these are only the nearest.")
    if spelling := found["spelling"]:
        searched = "Searched for" if spelling["used"] else "Perhaps meant:"
        told.append(f"{searched} {spelling['query']!r}: words of the question are nowhere.")
    told += [f"Another reading of -{each['word']}: {each['query']!r}." for each in found["readings"]]
    told += [f"{name!r} is no field here: it was searched as a word." for name in found["no_fields"]]
    if found["preset"]:
        told.append(f"Steered by the preset {found['preset']!r}.")
    if found["copies"]:
        told.append(f"{found['copies']} results that say the same as others are left out.")
    return told + lost(found["steering_lost"])
