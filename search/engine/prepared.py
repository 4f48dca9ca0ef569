"""Works a question out on one snapshot: what it asks and leaves out, how it is steered, what answers it.

Shape suffixes: N passages, P some of them.
"""

import functools
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.cache import LRUCache
from search.dictionary.attribution import Question, attribute, decompose
from search.dictionary.steer import SteeredQuery
from search.engine.response import NOT_ASKED, AskedWords, PageTerms, RanksWithout, Seen, SteeredConcept
from search.index.agreement import SHARED, UNDERSTOOD
from search.index.snapshot import Snapshot
from search.query.limits import MAX_DEPTH
from search.query.parser import ParsedQuery
from search.query.remapping import RemappedSteering
from search.query.request import SearchRequest
from search.responses.search import Spelling, Term
from search.scoring.copies import Copies
from search.scoring.pursuit import CANDIDATES
from search.scoring.ranking import POOL, Pool, Ranking, rank, score
from search.scoring.reasons import FAVOURED, agreement, explaining

RANKINGS = 8
"""Of so many rankings of one question it is known which passages are copies."""


@dataclass(frozen=True, eq=False)
class Understanding:
    """Holds what a question means in a collection, whatever restricts its answers: its features, its words,
    which of the features are `understood`: those that readers see in its first answers, and these
    (`first`)."""

    question: Question
    words: AskedWords
    understood: frozenset[int]
    first: Ranking

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        text: str,
        q_D: NDArray[np.float32],
        words: AskedWords,
        pool: Pool = POOL,
    ) -> "Understanding":
        """Works a question out from its first answers among all that there are: so an answer has the same
        reasons whichever filter is set (docs/decisions/0031)."""
        first = rank(snapshot, q_D, [], pool.documents, words.scores, None, pool)
        active = explaining(snapshot, text, q_D, first.passages[:CANDIDATES])
        question = decompose(q_D, active, snapshot.dictionary)
        seen_PA = _likely(snapshot, text, question, first.passages[:FAVOURED]) >= UNDERSTOOD
        understood = frozenset(np.array(list(active), np.int64)[seen_PA.any(axis=0)].tolist())
        return cls(question, words, understood, first)


@dataclass(eq=False)
class AnalyzedQuery:
    """Holds what of a request has nothing to do with its steering: the text it asks for, the passages that
    may answer it (N,) (None: all), what it means, how it may be meant, the `parts` it is embedded in, and the
    `floor` that a passage about it reaches, and the `copies` among its first passages, by which and in what
    order these are. It is kept while its steering changes."""

    typed: ParsedQuery
    allowed_N: NDArray[np.bool_] | None
    understanding: Understanding
    pool: Pool
    _ranking: tuple[int, Ranking]
    spelling: Spelling | None
    parts: int
    floor: float
    copies: LRUCache[bytes, Copies] = field(default_factory=lambda: LRUCache(RANKINGS, name="copies"))

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        typed: ParsedQuery,
        allowed_N: NDArray[np.bool_] | None,
        understanding: Understanding,
        *,
        spelling: Spelling | None = None,
        pool: Pool = POOL,
        parts: int = 1,
        floor: float = 0.0,
    ) -> "AnalyzedQuery":
        """Puts what a question means together with what may answer it."""
        first = understanding.first
        if allowed_N is not None:
            q_D, words = understanding.question.vector_D, understanding.words.scores
            first = rank(snapshot, q_D, [], pool.documents, words, allowed_N, pool)
        return cls(
            typed=typed,
            allowed_N=allowed_N,
            understanding=understanding,
            pool=pool,
            _ranking=(pool.documents, first),
            spelling=spelling,
            parts=parts,
            floor=floor,
        )

    @property
    def question(self) -> Question:
        return self.understanding.question

    @property
    def words(self) -> AskedWords:
        return self.understanding.words

    @property
    def understood(self) -> frozenset[int]:
        return self.understanding.understood

    @property
    def is_weak(self) -> bool:
        """Whether no passage is near enough to be about the question, which is no document's name and not
        repaired either."""
        nearest = float(self._ranking[1].candidates.semantic_P.max(initial=-1.0))
        return nearest < self.floor and not (self.words.is_name or self.words.repaired)

    def shared(self, snapshot: Snapshot, passages: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Says which of the question's features are shown as shared with each of some passages (P, A)."""
        return _likely(snapshot, self.typed.text, self.question, passages) >= SHARED

    def documents(self, snapshot: Snapshot) -> int:
        """Counts the documents that may answer."""
        return len(snapshot.documents_of(self.allowed_N))

    def rank(self, snapshot: Snapshot, documents: int) -> Ranking:
        """Ranks at least so many documents without steering."""
        ranked, ranking = self._ranking
        if ranked >= documents:
            return ranking
        q_D, words = self.question.vector_D, self.words.scores
        found = rank(snapshot, q_D, [], documents, words, self.allowed_N, self.pool)
        if documents <= MAX_DEPTH:  # all documents in order would be too much to keep
            self._ranking = documents, found
        return found


@dataclass(frozen=True, eq=False)
class PreparedQuery:
    """Holds a request on a snapshot: what was asked, the steered question, and the concepts that are
    turned."""

    request: SearchRequest
    snapshot: Snapshot
    translation: RemappedSteering
    asked: AnalyzedQuery
    steered: SteeredQuery
    concepts: list[SteeredConcept]

    @property
    def is_steered(self) -> bool:
        return bool(self.translation.steering.knobs)

    def rank(self, documents: int) -> Ranking:
        """Ranks at least so many documents by their scores, fewer only where there are no more."""
        if not self.is_steered:
            return self.asked.rank(self.snapshot, documents)
        allowed_N, pool = self.asked.allowed_N, self.asked.pool
        return self._scored(
            functools.partial(rank, self.snapshot, documents=documents, allowed_N=allowed_N, pool=pool)
        )

    def allowed(self, passages: NDArray[np.int64]) -> NDArray[np.int64]:
        """Keeps those of some passages that may answer."""
        allowed_N = self.asked.allowed_N
        return passages if allowed_N is None else passages[allowed_N[passages]]

    def score(self, passages: NDArray[np.int64]) -> Ranking:
        """Ranks some passages and no others by their scores."""
        return self._scored(functools.partial(score, self.snapshot, passages=passages))

    def terms(
        self,
        ranking: Ranking,
        rows: NDArray[np.int64],
        without: RanksWithout = NOT_ASKED,
        named: Collection[int] = (),
    ) -> list[list[Term]]:
        """Explains the score of each document of some rows by its terms, largest first. A feature has a term
        of its own where readers see it in the passage, where it is turned or is to be `named`; the others are
        summed."""
        passages, words = ranking.passages[rows], self.asked.words
        x_PD = self.snapshot.index.vectors(passages)
        question, dictionary = self.asked.question, self.snapshot.dictionary
        shared_PA = self.asked.shared(self.snapshot, passages)
        named_PA = shared_PA | np.isin(list(question.active), [*named, *self.steered.features])
        made = PageTerms(
            snapshot=self.snapshot,
            passages=passages.tolist(),
            attribution=attribute(question, self.steered, x_PD, dictionary),
            seen=Seen(shared_PA, named_PA),
            concepts=self.concepts,
            concepts_PC=ranking.concepts_PC[rows],
            words=words.terms,
            words_PT=words.values(passages),
            without=without,
        )
        return [made.of(row) for row in range(len(passages))]

    def _scored(self, by: functools.partial[Ranking]) -> Ranking:
        preferred = [(turned.concept, turned.strength) for turned in self.concepts]
        return by(q_D=self.steered.vector_D, concepts=preferred, words=self.asked.words.scores)


def _likely(
    snapshot: Snapshot, text: str, question: Question, passages: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Estimates how likely readers see each of a question's features in each of some passages (P, A)."""
    features = list(question.active)
    return agreement(snapshot, text, question.vector_D, features, passages, beside=True)
