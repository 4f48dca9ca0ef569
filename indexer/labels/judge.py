"""One test for labels from anywhere: that of the offline labeller, on the same two halves of the passages."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from indexer.label import Embed, Names, score_labels
from indexer.trials import Half, halves, trials
from search.dictionary import Dictionary
from search.labels import Label


class Judge:
    """Chooses among proposals on one half of the passages and scores labels on the other, so that the score
    of the one chosen is as honest as if it had been the only one."""

    def __init__(
        self,
        x_ND: NDArray[Any],
        acts: csr_matrix,
        dictionary: Dictionary,
        embed: Embed,
        *,
        testing: Half | None = None,
        seed: int = 0,
    ) -> None:
        """`testing`: passages to test on that nobody has seen, instead of half of those given."""
        self._naming, other = halves(x_ND, acts, seed)
        self._testing = testing or other
        self._dictionary = dictionary
        self._names = Names(embed)
        self._seed = seed

    def choose(self, proposals: Mapping[int, Sequence[str]]) -> dict[int, str]:
        """The best of each feature's proposals; the first of equals."""
        self._names.learn(text for texts in proposals.values() for text in texts)
        return {
            feature: texts[0] if len(texts) == 1 else self._best(feature, texts)
            for feature, texts in proposals.items()
        }

    def score(self, texts: Mapping[int, str]) -> dict[int, Label]:
        """Labels of some features with their scores, None where too few passages fire to test on."""
        return score_labels(texts, self._testing, self._dictionary, self._names, seed=self._seed)

    def _best(self, feature: int, texts: Sequence[str]) -> str:
        (trial,) = trials(np.array([feature]), self._naming, self._dictionary, self._seed)
        return texts[int(np.argmax(trial.auc(self._names.vectors(texts))))]


def is_better(new: Label, old: Label) -> bool:
    """Whether a label should replace another, both from one test: only what is known to be better does, and
    what could not be tested yields only to what holds."""
    if new.score is None:
        return False
    return new.reliable if old.score is None else new.score > old.score
