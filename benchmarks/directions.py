"""How right it is to find a feature, or a family, of one dictionary in another by its direction alone.

    python -m benchmarks.directions SHARED_DATA_FOLDER

Dictionaries are adapted to, or trained on, paragraphs of textbooks: of one half of the books, of the other,
of all. Those compared have no paragraph in common (a third of all were in the mix that the shipped one is
trained on). For each feature that fires, the nearest of the other dictionary by cosine of decoder rows is
*right* where it is also the one whose activations correlate most on 12,000 paragraphs that none was fitted
to. Families likewise, by weighted mean directions and memberships. This is what a preset's file can be
matched by (`indexer.preset_import`).

Shape suffixes: N paragraphs, D embedding width, F features, G families.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.common import report, table
from benchmarks.openstax import Textbooks, load
from indexer.families import find_families
from indexer.identity import correlation
from indexer.preset_files import family_direction
from indexer.preset_import import LEAST_COSINE, LEAST_FAMILY_COSINE
from indexer.train import adapt, recipe_for, train
from search.artifact import shipped
from search.dictionary import Dictionary
from search.families import Family, concept_from_family
from search.labels import Label
from search.settings import DEFAULT_MODEL

HELD_OUT = 12_000
TRAINED, ADAPTED = 12_000, 5_500  # paragraphs; half of the books have as many of both
FIRES = 10
ALL = 1.01  # rounding may take a cosine beyond 1
EDGES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, ALL)

SAME_ORIGIN = [("shipped", "adapted, half A"), ("adapted, half A", "adapted, half B")]
OTHERS = [
    ("trained on all", "trained on others of all"),
    ("trained, half A", "trained, half B"),
    ("adapted, half A", "trained, half A"),
    ("adapted, half A", "trained, half B"),
    ("trained, half A", "adapted, half B"),
    ("shipped", "trained on all"),
    ("trained on all", "shipped"),
]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Known:
    """A dictionary, its activations on the held-out paragraphs, and its families there."""

    dictionary: Dictionary
    acts_NF: csr_matrix
    families: list[Family]


@dataclass(frozen=True, eq=False)
class Found:
    """Of each feature or family: the nearest one's cosine, its correlation, and whether it is highest."""

    cosine: FloatArray
    correlation: FloatArray
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, cosine: FloatArray, correlations: FloatArray) -> "Found":
        nearest, each = cosine.argmax(axis=1), np.arange(len(cosine))
        right = nearest == correlations.argmax(axis=1)
        return cls(cosine[each, nearest], correlations[each, nearest], right)

    @classmethod
    def together(cls, found: list["Found"]) -> "Found":
        parts = zip(*((one.cosine, one.correlation, one.right) for one in found), strict=True)
        return cls(*(np.concatenate(part) for part in parts))

    def between(self, least: float, below: float) -> list[object]:
        """How many have such a cosine, the share of these that is right, and their mean correlation."""
        there = (self.cosine >= least) & (self.cosine < below)
        if not there.any():
            return [0, "", ""]
        return [int(there.sum()), f"{self.right[there].mean():.0%}", float(self.correlation[there].mean())]


def main(shared: Path) -> None:
    """Fits the dictionaries, compares them and prints the tables."""
    known = _known(load(shared))
    features = {pair: _features(*(known[name] for name in pair)) for pair in SAME_ORIGIN + OTHERS}
    families = [_families(*(known[name] for name in pair)) for pair in OTHERS]
    all_features, all_families = Found.together([features[pair] for pair in OTHERS]), Found.together(families)
    thresholds = [(LEAST_COSINE, ALL), (LEAST_FAMILY_COSINE, ALL)]
    by_cosine = [
        [_range(least, below), *all_features.between(least, below), *all_families.between(least, below)]
        for least, below in [*pairwise(EDGES), *thresholds]
    ]
    header = ["cosine", "features", "right", "correlation", "families", "right", "correlation"]
    by_pair = [_pair(pair, found) for pair, found in features.items()]
    of_pair = ["features of", "in", "fire", "least", "median", f"from {LEAST_COSINE}", "right", "correlation"]
    markdown = f"{table(header, by_cosine)}\n\n{table(of_pair, by_pair)}"
    report("directions", markdown, {"by_cosine": by_cosine, "by_pair": by_pair})


def _range(least: float, below: float) -> str:
    return f"{least:.1f} to {below:.1f}" if below < ALL else f"{least:.1f} on"


def _pair(pair: tuple[str, str], found: Found) -> list[object]:
    """How alike the nearest features of two dictionaries are, and what the threshold lets through."""
    there, *figures = found.between(LEAST_COSINE, ALL)
    share = f"{there / len(found.cosine):.0%}" if isinstance(there, int) else ""
    return [
        *pair,
        len(found.cosine),
        float(found.cosine.min()),
        float(np.median(found.cosine)),
        share,
        *figures,
    ]


def _known(books: Textbooks) -> dict[str, Known]:
    base = shipped(DEFAULT_MODEL)
    assert base is not None
    order = np.random.default_rng(0).permutation(len(books.x_ND))
    held_ND, fitted = books.x_ND[np.sort(order[:HELD_OUT])], order[HELD_OUT:]
    is_first = books.book_N[fitted] < len(books.subjects) // 2
    halves = {"A": fitted[is_first], "B": fitted[~is_first]}
    rows = {"trained on all": fitted[:TRAINED], "trained on others of all": fitted[TRAINED : 2 * TRAINED]}
    rows |= {f"trained, half {half}": ids[:TRAINED] for half, ids in halves.items()}
    known = {"shipped": _on(held_ND, base.dictionary, base.families)}
    for name, ids in rows.items():
        dictionary = train(books.x_ND[np.sort(ids)], recipe_for(TRAINED), model=DEFAULT_MODEL)
        known[name] = _on(held_ND, dictionary)
    for half, ids in halves.items():
        adapted = adapt(base.dictionary, books.x_ND[np.sort(ids[TRAINED : TRAINED + ADAPTED])])
        known[f"adapted, half {half}"] = _on(held_ND, adapted, base.families)
    return known


def _on(x_ND: NDArray[np.float16], dictionary: Dictionary, families: list[Family] | None = None) -> Known:
    """Families are found here where a dictionary brings none, as a build does."""
    acts_NF = dictionary.encode(x_ND).matrix(dictionary.features)
    labels = [Label(f"feature{number}", 1.0, True) for number in range(dictionary.features)]
    return Known(dictionary, acts_NF, families or find_families(acts_NF, dictionary.w_dec_FD, labels))


def _features(there: Known, here: Known) -> Found:
    fires = np.flatnonzero(there.acts_NF.getnnz(axis=0) >= FIRES)
    cosine = there.dictionary.w_dec_FD[fires] @ here.dictionary.w_dec_FD.T
    return Found.of(cosine, correlation(there.acts_NF[:, fires], here.acts_NF))


def _families(there: Known, here: Known) -> Found:
    cosine = _directions(there) @ _directions(here).T
    return Found.of(cosine, correlation(_memberships(there), _memberships(here)))


def _directions(known: Known) -> FloatArray:
    w_dec_FD = known.dictionary.w_dec_FD
    return np.stack([family_direction(family, w_dec_FD) for family in known.families])


def _memberships(known: Known) -> csr_matrix:
    concepts = (concept_from_family(family, known.acts_NF) for family in known.families)
    return csr_matrix(np.stack([concept.membership(known.acts_NF) for concept in concepts], axis=1))


if __name__ == "__main__":
    typer.run(main)
