"""Where a feature comes from: a name of the lexicon, or one that the collection's passages brought. What
passages had to do with it is worked out from their stored activations, as they are now.

The direction of a name is its own embedding: no passage shapes that. But which names a collection has of its
own is decided by its passages (`search.dictionary.own_names`), and each one's part in that is its vote. Votes
add up, so a passage's share is what would be missing without it.

Shape suffixes: N passages, P some passages, V voters.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.dictionary.own_names import MINED_ROWS, NEAREST, fewest_votes
from search.engine.reader import Reader
from search.index.agreement import name_stems
from search.index.passage_texts import LocatedPassage
from search.index.snapshot import Snapshot
from search.responses.features import Came, FeatureOrigin, Shaping

SHOWN = 5

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Origin:
    """Holds where a feature comes from, before texts are read: the passages that had most to do with it, and
    their values."""

    came: Came
    names: tuple[str, ...]
    passages_P: IntArray
    value_P: FloatArray
    total: float = 0.0
    voters: int | None = None
    needed: int | None = None

    def told(self, texts: dict[int, LocatedPassage]) -> FeatureOrigin:
        """Says it, with the texts of its passages."""
        return FeatureOrigin(
            came=self.came,
            names=list(self.names),
            voters=self.voters,
            needed=self.needed,
            passages=[
                Shaping(
                    value,
                    value / self.total if self.total else None,
                    texts[passage].document,
                    texts[passage].passage,
                )
                for passage, value in zip(self.passages_P.tolist(), self.value_P.tolist(), strict=True)
            ],
        )


def find_origin(reader: Reader, feature: int) -> Origin:
    """Finds where a feature comes from."""
    snapshot, dictionary = reader.snapshot, reader.snapshot.dictionary
    if not dictionary.names:
        return Origin("learned", (), np.zeros(0, np.int64), np.zeros(0, np.float32))
    names, general = dictionary.names[feature], dictionary.features - dictionary.card.training.own_names
    if feature < general:
        return Origin("lexicon", names, *_strongest(*_without_words(snapshot, feature)))
    passages_V, vote_V = _votes(snapshot, feature, general)
    return Origin(
        "collection",
        names,
        *_strongest(passages_V, vote_V),
        total=float(vote_V.sum()),
        voters=len(vote_V),
        needed=fewest_votes(min(snapshot.passages, MINED_ROWS)),
    )


def _votes(snapshot: Snapshot, feature: int, general: int) -> tuple[IntArray, FloatArray]:
    """Finds the passages that vote for a name of the collection's own, and how strongly (V,): those that have
    its words and are nearer to it than to the fifth nearest name of the lexicon."""
    passages_P, act_P = _near(snapshot, feature)
    has_P = _words(snapshot, feature, passages_P).all(axis=1)
    passages_P, act_P = passages_P[has_P], act_P[has_P]
    acts_NF, least = snapshot.acts_NF, snapshot.dictionary.card.threshold
    bar_P = np.full(len(passages_P), least, np.float32)
    for at, passage in enumerate(passages_P.tolist()):
        start, end = acts_NF.indptr[passage : passage + 2]
        others = acts_NF.data[start:end][acts_NF.indices[start:end] < general]
        if len(others) >= NEAREST:
            bar_P[at] = max(float(np.partition(others, -NEAREST)[-NEAREST]), least)
    vote_P = act_P - bar_P
    return passages_P[vote_P > 0], vote_P[vote_P > 0]


def _without_words(snapshot: Snapshot, feature: int) -> tuple[IntArray, FloatArray]:
    """Finds the passages near a name that say none of its words, and so are not about it: what its direction
    means here beyond its words."""
    passages_P, act_P = _near(snapshot, feature)
    has_P = _words(snapshot, feature, passages_P).any(axis=1)
    return passages_P[~has_P], act_P[~has_P]


def _words(snapshot: Snapshot, feature: int, passages_P: IntArray) -> NDArray[np.bool_]:
    """Says which words of a name some passages have (P, T)."""
    stems = name_stems(snapshot.dictionary.names[feature][0])
    return snapshot.lexicon.holding(np.asarray(passages_P, np.int64), stems)


def _near(snapshot: Snapshot, feature: int) -> tuple[IntArray, FloatArray]:
    """Finds the passages that a feature is among the nearest of, and how near it is."""
    acts_NF = snapshot.acts_NF
    at = np.flatnonzero(acts_NF.indices == feature)
    passages = np.searchsorted(acts_NF.indptr, at, side="right") - 1
    return passages.astype(np.int64), acts_NF.data[at]


def _strongest(passages_P: IntArray, value_P: FloatArray) -> tuple[IntArray, FloatArray]:
    order = np.argsort(-value_P, kind="stable")[:SHOWN]
    return passages_P[order], value_P[order]
