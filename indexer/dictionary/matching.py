"""Matching finds the feature of a new dictionary that is the same as one of an earlier dictionary.

The same name is the same feature, whatever the model. A feature that an earlier version learned has no name:
it is the one that points most the same way, in the same model's space.

Shape suffixes: F features of the new dictionary, B features of the old one in a block.
"""

from dataclasses import dataclass

from search.dictionary.autoencoder import Dictionary

BLOCK = 512
LEAST = 0.5
"""Of the nearest features with a cosine below it only about half fire on the same passages
(docs/decisions/0008)."""


@dataclass(frozen=True)
class Match:
    """Says where a feature of the old dictionary went; `feature` is None (and `confidence` 0) if none is
    alike.

    `confidence` is 1 for the same name, else the cosine of the two directions, LEAST to 1.
    """

    old: int
    feature: int | None
    confidence: float


def keeps_numbers(old: Dictionary, new: Dictionary) -> bool:
    """Tells whether each feature of the old dictionary is the new one's of the same number."""
    return bool(old.names) and _is_one_space(old, new) and new.names[: old.features] == old.names


def match(old: Dictionary, new: Dictionary, *, block: int = BLOCK) -> list[Match]:
    """Finds a match for each feature of `old`, in order; `new` is a dictionary of names. Directions are
    compared a block at a time."""
    if old.names:
        return _by_name(old, new)
    if not _is_one_space(old, new):  # nothing can be compared
        return [Match(feature, None, 0.0) for feature in range(old.features)]
    return _by_direction(old, new, block)


def _is_one_space(old: Dictionary, new: Dictionary) -> bool:
    return (old.card.model, old.width) == (new.card.model, new.width)


def _by_name(old: Dictionary, new: Dictionary) -> list[Match]:
    number = {group[0].casefold(): feature for feature, group in enumerate(new.names)}
    found = [number.get(group[0].casefold()) for group in old.names]
    return [Match(feature, new_one, float(new_one is not None)) for feature, new_one in enumerate(found)]


def _by_direction(old: Dictionary, new: Dictionary, block: int) -> list[Match]:
    """Matches each feature with the one that points most the same way; several may go to one."""
    matches: list[Match] = []
    for start in range(0, old.features, block):
        cosine_BF = old.w_dec_FD[start : start + block] @ new.w_dec_FD.T
        nearest = cosine_BF.argmax(axis=1)
        for row, feature in enumerate(nearest.tolist()):
            cosine = min(float(cosine_BF[row, feature]), 1.0)
            is_alike = cosine >= LEAST
            matches.append(Match(start + row, feature if is_alike else None, cosine if is_alike else 0.0))
    return matches
