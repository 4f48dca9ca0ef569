"""Turns numbers into the records of an answer: terms with their labels, results, features of the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.dictionary.attribution import Attribution, Question
from search.dictionary.concepts import Concept
from search.index.passage_texts import LocatedPassage
from search.index.snapshot import Snapshot
from search.query.filters import format_filter
from search.query.parser import ParsedQuery
from search.query.steering import FeatureTarget, FittedTarget, Steering, Target, flat
from search.responses.search import (
    Part,
    QueryFeature,
    QueryWord,
    Restriction,
    Result,
    SteeringTerm,
    Term,
    TermKind,
)
from search.scoring.copies import Copies
from search.scoring.hybrid import WordScores, counted_words, no_words, with_name, word_scores
from search.scoring.ranking import Ranking
from search.scoring.repaired import repaired_words, with_pins

EXAMPLE_CHARACTERS = 160
MOST_PARTS = 5


@dataclass(frozen=True)
class TermKey:
    """Names a term of scores: its kind, and the feature, knob or word that it belongs to."""

    kind: TermKind
    of: str | int


RanksWithout = Mapping[TermKey, list[int]]
"""Says for a term which rank each result of a page would have without it."""

NOT_ASKED: RanksWithout = {}

NAMED = "its name is what you asked for"
PINNED = "pinned for this question"
KEYWORD = "keyword “{}”"

OTHER_TOPICS = "other topics"
"""Names the sum of those of the question's features that nobody would see in a passage."""

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

NOBODY: IntArray = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class SteeredConcept:
    """Holds a target that is turned, how strongly, and the concept that it means here."""

    target: FittedTarget
    strength: float
    concept: Concept


@dataclass(frozen=True, eq=False)
class AskedWords:
    """Holds the words of a question, each as it was typed first, and what they add to scores; behind these
    what keywords, the question that is a name, and pins have `added`, each a term without its value.
    `repaired`: somebody has said what some of it means here."""

    words: list[str]
    scores: WordScores
    added: tuple[Term, ...] = ()
    repaired: bool = False

    @property
    def is_name(self) -> bool:
        """Says whether the question is the name of a document."""
        return any(term.kind == "name" for term in self.added)

    @cached_property
    def terms(self) -> list[Term]:
        """Makes a term for each column of the scores, without its value."""
        return [*(Term("word", 0.0, word, shared=True, word=word) for word in self.words), *self.added]

    def values(self, passages: NDArray[np.int64]) -> NDArray[np.float64]:
        """Gives what each term adds to the score of each of some passages (P, T)."""
        return np.asarray(self._by_passage[passages].toarray(), dtype=np.float64)

    @cached_property
    def _by_passage(self) -> csr_matrix:
        return self.scores.parts_NT.tocsr()

    def found(self) -> list[QueryWord]:
        """Counts for each word the passages that have it."""
        counts = np.diff(self.scores.parts_NT.indptr).tolist()
        return [QueryWord(word, passages) for word, passages in zip(self.words, counts, strict=False)]


@dataclass(frozen=True, eq=False)
class Seen:
    """Says which of the question's features readers see in each of P results (P, A), and which have a term of
    their own there."""

    shared_PA: NDArray[np.bool_]
    named_PA: NDArray[np.bool_]


def asked_words(
    snapshot: Snapshot, query: str, mode: str, named: IntArray = NOBODY, pinned: Sequence[str] = ()
) -> AskedWords:
    """Finds the words of a question, none where it is searched by meaning alone; `named` are the documents
    (row ids) that it is the name of, `pinned` those (ids as given) that stand first for it."""
    typed = counted_words(query) if mode == "hybrid" else {}
    words, added = list(typed.values()), list[Term]()
    is_repaired = snapshot.repairs.touch(typed)
    if is_repaired:
        repaired = repaired_words(snapshot, typed)
        words, scores = repaired.words, repaired.scores
        added += [
            Term("repair", 0.0, KEYWORD.format(word), shared=True, word=word) for word in repaired.keywords
        ]
    else:
        scores = word_scores(snapshot.lexicon, list(typed)) if typed else no_words(snapshot)
    if len(named):
        scores = with_name(scores, np.flatnonzero(np.isin(snapshot.document_N, named)))
        added.append(Term("name", 0.0, NAMED, shared=True))
    if pinned:
        scores = with_pins(snapshot, scores, pinned)
        added.append(Term("repair", 0.0, PINNED, shared=True))
    return AskedWords(words, scores, tuple(added), is_repaired or bool(pinned))


@dataclass(frozen=True, eq=False)
class PageTerms:
    """Holds what the terms of a page's results are made from: the passage of each of P results, the terms of
    the question's features, what concepts, words and names add, and the ranks without a term that are
    known."""

    snapshot: Snapshot
    passages: list[int]
    attribution: Attribution
    seen: Seen
    concepts: list[SteeredConcept]
    concepts_PC: NDArray[np.float64]
    words: list[Term]
    words_PT: NDArray[np.float64]
    without: RanksWithout

    def of(self, row: int) -> list[Term]:
        """Gives the terms of one result, largest first."""
        asked, turned = self._asked(row), [*self._turned(row), *self._concepts(row)]
        return sorted([*asked, *turned, *self._words(row)], key=lambda term: -abs(term.value))

    def _asked(self, row: int) -> list[Term]:
        """Makes the terms of the question's features that readers see in the passage, of the others together,
        of the baseline and of the remainder."""
        attribution, named_A = self.attribution, self.seen.named_PA[row].tolist()
        value_A = attribution.asked_NA[row].tolist()
        terms = [
            Term("baseline", float(attribution.baseline_N[row]), "baseline"),
            Term("remainder", float(attribution.remainder_N[row]), "remainder"),
        ]
        for column, feature in enumerate(attribution.asked):
            if named_A[column]:
                shared = bool(self.seen.shared_PA[row, column])
                rank = self._rank_without(row, TermKey("feature", feature))
                label = self.snapshot.labels[feature].shown
                terms.append(
                    Term("feature", value_A[column], label, feature, shared=shared, rank_without=rank)
                )
        if not all(named_A):
            others = sum(value for value, named in zip(value_A, named_A, strict=True) if not named)
            terms.append(Term("feature", others, OTHER_TOPICS, shared=False))
        return terms

    def _turned(self, row: int) -> list[Term]:
        """Makes the terms of the features that are turned."""
        about = self.snapshot.active(self.passages[row])
        values = self.attribution.steered_NS[row].tolist()
        return [
            Term(
                "steering",
                value,
                self.snapshot.labels[feature].shown,
                feature,
                shared=feature in about,
                knob=str(feature),
                rank_without=self._rank_without(row, TermKey("steering", str(feature))),
            )
            for feature, value in zip(self.attribution.steered, values, strict=True)
        ]

    def _concepts(self, row: int) -> list[Term]:
        """Makes one term for each other knob, with the features that make the passage a member or speak
        against it."""
        values = self.concepts_PC[row].tolist()
        return [
            self._concept(row, turned, value) for turned, value in zip(self.concepts, values, strict=True)
        ]

    def _concept(self, row: int, turned: SteeredConcept, value: float) -> Term:
        passage, concept = self.passages[row], turned.concept
        met = concept.met(passage, self.snapshot.acts_NF[passage])
        shares = {} if met else concept.shares(self.snapshot.active(passage))
        fields, knob = flat(turned.target), str(turned.target)
        return Term(
            "steering",
            value,
            concept.name,
            concept=fields["concept"],
            family=fields["family"],
            knob=knob,
            parts=[
                Part(feature, self.snapshot.labels[feature].shown, share)
                for feature, share in islice(shares.items(), MOST_PARTS)
            ],
            met=met,
            rank_without=self._rank_without(row, TermKey("steering", knob)),
        )

    def _words(self, row: int) -> list[Term]:
        """Makes the terms of the question's words that the passage has, and of the document's name."""
        return [
            replace(term, value=value, rank_without=self._rank_without(row, TermKey(term.kind, term.label)))
            for term, value in zip(self.words, self.words_PT[row].tolist(), strict=True)
            if value
        ]

    def _rank_without(self, row: int, key: TermKey) -> int | None:
        ranks = self.without.get(key)
        return None if ranks is None else ranks[row]


def page_results(
    texts: Mapping[int, LocatedPassage],
    ranking: Ranking,
    shown: Copies,
    asked: Ranking,
    terms: list[list[Term]],
) -> list[Result]:
    """Makes one record for each document shown, with those that are left out as copies of it."""

    def located(row: int) -> LocatedPassage:
        return texts[int(ranking.passages[row])]

    return [
        Result(
            rank=row + 1,
            rank_unsteered=asked.ranks.get(int(ranking.documents[row])),
            score=float(ranking.scores[row]),
            document=located(row).document,
            passage=located(row).passage,
            terms=terms[place],
            copies=[located(copy).document for copy in shown.of.get(row, [])],
            copy_ranks=[copy + 1 for copy in shown.of.get(row, [])],
        )
        for place, row in enumerate(shown.first)
    ]


def restrictions(snapshot: Snapshot, typed: ParsedQuery) -> list[Restriction]:
    """Lists what a query and its filters say its results must be, or must not be."""
    undone = {(each.restriction, each.without): each.query for each in typed.undone}
    return [
        *(
            Restriction(without=without, phrase=phrase, undone=undone.get((phrase, without)))
            for without, phrases in ((False, typed.phrases), (True, typed.without))
            for phrase in phrases
        ),
        *(
            Restriction(
                without=condition.negated,
                filter=format_filter(condition),
                feature=condition.feature,
                label=None if condition.feature is None else snapshot.labels[condition.feature].shown,
                field=condition.field or None,
                values=list(condition.values),
                least=condition.least or None,
                most=condition.most or None,
                undone=undone.get((condition, False)),
            )
            for condition in typed.conditions
        ),
    ]


def query_features(snapshot: Snapshot, question: Question, understood: frozenset[int]) -> list[QueryFeature]:
    """Lists the features of a question that readers see in its first answers."""
    labels = snapshot.labels
    return [
        QueryFeature(feature, labels[feature].shown, labels[feature].score, activation)
        for feature, activation in question.active.items()
        if feature in understood
    ]


def steering_terms(
    snapshot: Snapshot, steering: Steering, concepts: list[SteeredConcept]
) -> list[SteeringTerm]:
    return named_terms(snapshot, steering, {turned.target: turned.concept.name for turned in concepts})


def named_terms(
    snapshot: Snapshot, steering: Steering, names: Mapping[FittedTarget, str]
) -> list[SteeringTerm]:
    """Lists the knobs with what they turn; `names` are those of concepts, by target."""

    def label(target: Target) -> str:
        if isinstance(target, FeatureTarget):
            return snapshot.labels[target.feature].shown
        return names[target]

    return [SteeringTerm(label(knob.target), knob.strength, **flat(knob.target)) for knob in steering.knobs]
