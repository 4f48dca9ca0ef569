"""Estimates what readers agree with: that a passage is about a name, and that question and passage share it.

Two logistic models, learned from what readers said of names beside passages (`benchmarks.readers` prints both
and how well they tell). They look at how near name and text are, and whether the text has the name's words.

Shape suffixes: M passages of a generation, N passages, F features, V names.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix
from scipy.special import expit, logit

from search.dictionary.autoencoder import Dictionary
from search.embedding.words import stems
from search.index.bm25 import Counts

ABOUT = 0.5
"""A passage is about a name where readers agree so likely at least."""

SHARED = 0.75
"""Question and passage share a name where readers agree so likely (docs/decisions/0002 has the curve)."""

UNDERSTOOD = 0.5
"""A question has a topic that one of its first answers shares so likely."""

MOST_WORDS = 10
"""A longer question counts as if it had no more words than this."""

FEW_PASSAGES = 1000
"""A collection counts as so many passages larger, so that a name is rare in a small one too."""

WORD = re.compile(r"\w+")
_PUNCTUATION = re.compile(r"[!-/:-@]")

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NameWords:
    """Holds the words of V names: their stems, and their literal forms."""

    names: Sequence[str]

    @functools.cached_property
    def stems(self) -> list[tuple[str, ...]]:
        """Holds the stems of each name."""
        return [name_stems(name) for name in self.names]

    @functools.cached_property
    def sizes(self) -> FloatArray:
        """Counts the stems of each name, 1 at least."""
        return np.array([max(len(each), 1) for each in self.stems], dtype=np.float64)

    @functools.cached_property
    def known(self) -> list[str]:
        """Lists all stems, each once."""
        return list(dict.fromkeys(stem for own in self.stems for stem in own))

    def share(self, has_PT: NDArray[np.bool_]) -> FloatArray:
        """Computes the share of each name's stems that each text has (P, V); `has_PT` says it of all `known`
        ones."""
        column = {stem: number for number, stem in enumerate(self.known)}
        share_PV = np.zeros((len(has_PT), len(self.stems)))
        for name, own in enumerate(self.stems):
            share_PV[:, name] = has_PT[:, [column[stem] for stem in own]].sum(axis=1)
        return share_PV / self.sizes

    def said(self, text: str) -> NDArray[np.bool_]:
        """Says which names a text says word for word, in the singular or the plural (V,)."""
        there = frozenset(form for word in WORD.findall(text.casefold()) for form in _forms(word))
        return np.array([all(forms & there for forms in _literal(name)) for name in self.names], np.bool_)

    @functools.cached_property
    def lettered(self) -> NDArray[np.bool_]:
        """Says which names turn on a single letter or digit, as hepatitis B does."""
        return np.array([any(len(word) == 1 for word in WORD.findall(name)) for name in self.names], np.bool_)

    def parts(self, whole_V: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Says which names are but a part of another one that is `whole` in the question (V,)."""
        own = [frozenset(each) for each in self.stems]
        longer = [each for each, whole in zip(own, whole_V.tolist(), strict=True) if whole]
        return np.array([any(each < other for other in longer) for each in own], np.bool_)


@functools.lru_cache(maxsize=100_000)
def _literal(name: str) -> tuple[frozenset[str], ...]:
    return tuple(_forms(word) for word in WORD.findall(name.casefold()))


def _forms(word: str) -> frozenset[str]:
    """Gives a word and what it can be the plural of."""
    endings = (("", ""), ("s", ""), ("es", ""), ("ies", "y"))
    return frozenset(word.removesuffix(old) + new for old, new in endings if word.endswith(old))


@functools.lru_cache(maxsize=100_000)
def name_stems(name: str) -> tuple[str, ...]:
    """Gives the stems of a name's words, each once: of those that the models were learned with, which have
    two letters and no punctuation."""
    return tuple(stem for stem in stems(name) if len(stem) > 1 and not _PUNCTUATION.search(stem))


def about(acts_MF: csr_matrix, counts: Counts, dictionary: Dictionary) -> csr_matrix:
    """Keeps, of the activations of passages with these counted words, those of names that the passage is
    about.

    Features that are no names have no words to look for: a passage is about what it fires.
    """
    if not dictionary.names:
        return acts_MF
    near = acts_MF.tocsc()
    kept = np.zeros(near.nnz, np.bool_)
    for feature in np.flatnonzero(np.diff(near.indptr)).tolist():
        at = slice(near.indptr[feature], near.indptr[feature + 1])
        own = name_stems(dictionary.names[feature][0])
        held = counts.holding(near.indices[at], own)
        share_P = held.sum(axis=1) / max(len(own), 1)
        kept[at] = about_score(near.data[at], share_P, len(own)) >= logit(ABOUT)
    left = near.copy()
    left.data = np.where(kept, left.data, 0)
    left.eliminate_zeros()
    return csc_matrix(left).tocsr()


def about_score(near: NDArray[np.floating], share: FloatArray, words: int | FloatArray) -> FloatArray:
    """Computes the logit of a reader's agreement that a text is about a name: `near` is how far it points the
    name's way, `share` how much of the name's words it has."""
    whole = share >= 1
    return np.asarray(
        -4.858 + 6.41 * near + 1.955 * share - 0.189 * words + (0.886 + 2.307 * near) * whole,
        dtype=np.float64,
    )


def shared(
    words: NameWords,
    query: str,
    near_V: NDArray[np.floating],
    near_PV: NDArray[np.floating],
    has_PT: NDArray[np.bool_],
    score_P: NDArray[np.floating],
    density_V: FloatArray,
    *,
    beside: bool,
) -> FloatArray:
    """Estimates how likely a reader agrees that a question and each passage share each name (P, V), 0 to 1.

    `near_V` is the cosine of name and question, `near_PV` how far the passage points the name's way, `has_PT`
    which of the names' stems it has, `score_P` the cosine of question and passage, `density_V` how often any
    passage is about each name (see `density`). Where the names stand `beside` each other, one
    that is part of another says less.
    """
    asked = frozenset(stems(query))
    share_V = words.share(np.array([[stem in asked for stem in words.known]], np.bool_))[0]
    said_V = words.said(query)
    part_V = words.parts(share_V >= 1) if beside else np.zeros(len(said_V), np.bool_)
    of_name_V = (
        5.029 * near_V
        + 0.127 * share_V
        + 1.015 * said_V
        - 0.495 * words.sizes
        - 0.674 * part_V
        - 1.285 * (words.lettered & ~said_V)
        + 0.233 * density_V
    )
    of_question = 0.187 * min(len(asked), MOST_WORDS) - 5.852
    whole_PV = words.share(has_PT) >= 1
    of_passage_PV = 3.29 * near_PV + 1.556 * whole_PV + 3.414 * score_P[:, None]
    return np.asarray(expit(of_question + of_name_V + of_passage_PV), dtype=np.float64)


def density(about_V: NDArray[np.integer], passages: int) -> FloatArray:
    """Computes the logarithm of the share of a collection's passages that are about each name, from their
    numbers."""
    return np.asarray(np.log(np.maximum(about_V, 1) / (passages + FEW_PASSAGES)), dtype=np.float64)
