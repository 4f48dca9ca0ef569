"""Labels without any service: each feature is named by a phrase of the corpus, and the name is put to a test.

The passages are split in two. On one half, phrases are proposed (those that occur more often in passages
that fire the feature, and those that, embedded, fire it themselves), and the best is chosen. On the other
half the choice is scored: a label's score is the AUC of ⟨label, x⟩ for telling passages that fire the
feature, weak and strong alike, from passages that do not, half of them chosen to be hard. 0.5 is chance.

Shape suffixes: N passages, D embedding width, F features, P phrases, C candidates of one feature.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array

from indexer.phrases import Phrases, mine
from indexer.trials import FloatArray, Half, IntArray, Trial, halves, trials
from search.dictionary import Dictionary
from search.labels import Label

# A name that tells firing passages from near misses and others three times in four. Of names put on the wrong
# feature 1 in 100 gets there, of names for features made to fire at random 1 in 200 (README's decision log).
RELIABLE = 0.75
FEWEST_POSITIVES = 10
FREQUENT = 8  # candidates a feature gets because its passages hold them
FIRING = 4  # candidates a feature gets because they fire it
NEAREST = 4  # and because they are nearest to what its passages have in common
PRIOR = 5.0
BLOCK = 256
EMBED_ROWS = 1024
# What decides between candidates besides their AUC, in units of it.
STRENGTH_BONUS = 0.15
TWO_WORDS_BONUS = 0.015
PAIR_COST = 0.02
PAIR_GAP = 0.05
TWIN_COST = 0.04

# What a feature may be about besides a topic.
FORMS = (
    "a question",
    "a list of steps",
    "a definition",
    "an exercise",
    "an example",
    "a quotation",
    "a list of names",
    "a mathematical formula",
    "source code",
    "a command line",
    "an error message",
    "a table of numbers",
    "dates and years",
    "first person story",
    "a complaint",
    "a political speech",
    "a short biography",
    "abbreviations",
    "a heading",
    "a legal notice",
    "advice to the reader",
    "a warning",
)

Embed = Callable[[list[str]], NDArray[np.float16]]


def label_features(
    texts: Sequence[str],
    x_ND: NDArray[Any],
    acts: csr_matrix,
    dictionary: Dictionary,
    embed: Embed,
    *,
    features: IntArray | None = None,
    vocabulary: Sequence[str] = (),
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
    seed: int = 0,
) -> dict[int, Label]:
    """One label for each feature, or for some `features`.

    `texts`, `x_ND` and `acts` (N, F) are the passages of a collection; at most 40,000 of them are read.
    A `vocabulary` of other names competes with the phrases of the corpus.
    `on_step(done, total)` is called as phrases are embedded and features get their names.
    """
    wanted = np.arange(dictionary.features) if features is None else features
    if not len(wanted):
        return {}
    naming, testing = halves(x_ND, acts, seed)
    phrases = mine([texts[row] for row in naming.rows], fewest=2 if len(naming.rows) < 500 else 3)
    frequent = _frequent(phrases, naming, wanted)
    proposed = [[phrases.shown[phrase] for phrase in row] for row in frequent]
    found = {name for names in proposed for name in names} | {*vocabulary, *FORMS}
    shortlist = sorted(found, key=lambda name: (-len(name), name))
    total = len(shortlist) + len(wanted)
    names = Names(embed)
    for start in range(0, len(shortlist), EMBED_ROWS):
        names.learn(shortlist[start : start + EMBED_ROWS])
        on_step(min(start + EMBED_ROWS, len(shortlist)), total)
    namer = _Namer(naming, dictionary, names, shortlist, seed)
    ranked: list[_Ranking] = []
    for block in _blocks(wanted):
        ranked += namer.rank(block, proposed[len(ranked) : len(ranked) + len(block)])
        on_step(len(shortlist) + len(ranked), total)
    chosen = dict(zip(wanted.tolist(), _distinct(ranked), strict=True))
    return score_labels(chosen, testing, dictionary, names, seed=seed)


def score_labels(
    texts: Mapping[int, str], half: Half, dictionary: Dictionary, names: "Names", *, seed: int = 0
) -> dict[int, Label]:
    """The labels of some features, each scored on a half of the passages that had no say in its naming."""
    names.learn(text for text in texts.values() if text)
    features = np.array(sorted(texts), dtype=np.int64)
    return {
        feature: _tested(texts[feature], test, names)
        for block in _blocks(features)
        for feature, test in zip(block.tolist(), trials(block, half, dictionary, seed), strict=True)
    }


class Names:
    """Texts and their vectors, each embedded once."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._vectors: dict[str, NDArray[np.float16]] = {}

    def learn(self, texts: Iterable[str]) -> None:
        # Texts of like length together: a batch is as slow as its longest.
        fresh = sorted(set(texts) - self._vectors.keys(), key=lambda text: (-len(text), text))
        if fresh:
            self._vectors.update(zip(fresh, self._embed(fresh), strict=True))

    def vectors(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self._vectors[text] for text in texts]).astype(np.float32)


@dataclass(frozen=True)
class _Ranking:
    """The candidates of one feature and their worth, best first."""

    texts: list[str]
    worth: list[float]

    @classmethod
    def of(cls, worth: dict[str, float]) -> "_Ranking":
        texts = sorted(worth, key=lambda text: (-worth[text], text))
        return cls(texts, [worth[text] for text in texts])


@dataclass(frozen=True)
class _Namer:
    """Ranks candidates on the naming half."""

    half: Half
    dictionary: Dictionary
    names: Names
    shortlist: list[str]
    seed: int

    def rank(self, block: IntArray, proposed: list[list[str]]) -> list[_Ranking]:
        """The rankings of some features, from phrases alone and in pairs."""
        if not self.shortlist:
            return [_Ranking([], []) for _ in block]
        strength_PF = self._strength(block, self.names.vectors(self.shortlist))
        loudest_PF = np.argsort(-strength_PF, axis=0, kind="stable")[:FIRING]
        nearest_PF = np.argsort(-self._likeness(block), axis=0, kind="stable")[:NEAREST]
        tests = list(trials(block, self.half, self.dictionary, self.seed))
        singles = [
            self._worth(texts + self._shortlisted(loudest_PF[:, row], nearest_PF[:, row]), feature, test)
            for row, (feature, texts, test) in enumerate(zip(block.tolist(), proposed, tests, strict=True))
        ]
        pairs = [_pairs(_Ranking.of(worth)) for worth in singles]
        self.names.learn(text for texts in pairs for text in texts)
        return [
            _Ranking.of(worth | self._worth(texts, feature, test))
            for worth, texts, feature, test in zip(singles, pairs, block.tolist(), tests, strict=True)
        ]

    def _shortlisted(self, *places: IntArray) -> list[str]:
        return [self.shortlist[place] for place in np.concatenate(places)]

    def _likeness(self, block: IntArray) -> FloatArray:
        """(P, F): how near names are to what the passages of a feature have in common beyond all passages."""
        acts_NF = self.half.acts_NF[:, block]
        weight_F = np.maximum(np.asarray(acts_NF.sum(axis=0)).ravel(), 1e-9)
        mean_FD = (acts_NF.T @ self.half.x_ND) / weight_F[:, None] - self.half.x_ND.mean(axis=0)
        return np.asarray(self.names.vectors(self.shortlist) @ mean_FD.T, dtype=np.float32)

    def _worth(self, texts: list[str], feature: int, test: Trial) -> dict[str, float]:
        if not texts:
            return {}
        names_CD = self.names.vectors(texts)
        strength_C = self._strength(np.array([feature]), names_CD)[:, 0]
        worth_C = (
            test.auc(names_CD, weighted=True)
            + STRENGTH_BONUS * strength_C
            + [_form_bonus(text) for text in texts]
        )
        return dict(zip(texts, worth_C.tolist(), strict=True))

    def _strength(self, block: IntArray, names_CD: FloatArray) -> FloatArray:
        """(C, F): how strongly names fire features, 1 being about as the passages that fire them most."""
        fired = [self.half.firing(feature)[1] for feature in block]
        high_F = np.array([np.quantile(values, 0.9) if len(values) else 1.0 for values in fired])
        strength_CF = self.dictionary.preactivations(names_CD, block.tolist()) / high_F
        return np.asarray(np.clip(strength_CF, 0, 1), dtype=np.float32)


def _blocks(features: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(features), BLOCK):
        yield features[start : start + BLOCK]


def _frequent(phrases: Phrases, half: Half, features: IntArray) -> list[IntArray]:
    """For each feature the phrases that its passages, weighted by activation, hold more often than others do.

    Ordered by the z-score of the log-odds with a prior (Monroe et al. 2008, "Fightin' Words").
    """
    held_by_P = np.asarray(phrases.held_NP.sum(axis=0)).ravel()
    background_P = (held_by_P + 0.5) / (len(half.rows) + 1)
    found: list[IntArray] = []
    for block in _blocks(features):
        acts_FN = half.acts_NF[:, block].T.tocsr()
        strongest_F = np.maximum(acts_FN.max(axis=1).toarray().ravel(), 1e-9)
        # Squared, because many weak activations say less of a feature than a few strong ones.
        weights_FN = (diags_array(1 / strongest_F) @ acts_FN).tocsr().power(2)
        weight_F = np.asarray(weights_FN.sum(axis=1)).ravel()
        counts_FP = (weights_FN @ phrases.held_NP).tocsr()
        for row, weight in enumerate(weight_F):
            at = slice(counts_FP.indptr[row], counts_FP.indptr[row + 1])
            phrase, count = counts_FP.indices[at], counts_FP.data[at]
            z = _log_odds_z(count, float(weight), background_P[phrase])
            found.append(phrase[np.argsort(-z, kind="stable")[:FREQUENT]])
    return found


def _log_odds_z(count: FloatArray, weight: float, background: FloatArray) -> NDArray[np.float64]:
    rate = np.minimum((count + PRIOR * background) / (weight + PRIOR), 1 - 1e-6)
    odds = np.log(rate / (1 - rate)) - np.log(background / (1 - background))
    return np.asarray(odds * np.sqrt(count))


def _form_bonus(text: str) -> float:
    if " · " in text:
        return -PAIR_COST
    return TWO_WORDS_BONUS if len(text.split()) == 2 else 0.0


def _pairs(ranking: _Ranking) -> list[str]:
    """The best phrase together with the next two that are nearly as good and share no word with it."""
    good = [
        t
        for t, worth in zip(ranking.texts, ranking.worth, strict=True)
        if worth > ranking.worth[0] - PAIR_GAP
    ]
    apart = [text for text in good[1:] if not _words(text) & _words(good[0])]
    return [f"{good[0]} · {text}" for text in apart[:2]]


def _words(text: str) -> set[str]:
    return {word.lower().rstrip("s") for word in text.split()}


def _distinct(ranked: list[_Ranking]) -> list[str]:
    """One text for each feature: its best, unless another has that already and the next is about as good."""
    taken: set[str] = set()
    chosen = [""] * len(ranked)
    for feature in sorted(range(len(ranked)), key=lambda place: -max(ranked[place].worth, default=0.0)):
        ranking = ranked[feature]
        if ranking.texts:
            worth = [
                w - TWIN_COST * (t.lower() in taken)
                for t, w in zip(ranking.texts, ranking.worth, strict=True)
            ]
            chosen[feature] = ranking.texts[int(np.argmax(worth))]
            taken.add(chosen[feature].lower())
    return chosen


def _tested(text: str, test: Trial, names: Names) -> Label:
    if not text or len(test.firing_ND) < FEWEST_POSITIVES:
        return Label(text, None, reliable=False)
    score = float(test.auc(names.vectors([text]))[0])
    return Label(text, score, reliable=score >= RELIABLE)
