"""From numbers to the records of an answer: terms with their labels, results, features of the question."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.dictionary.attribution import Attribution, Question
from search.dictionary.concepts import Concept
from search.embedding.words import words
from search.index.passage_texts import LocatedPassage
from search.index.snapshot import Snapshot
from search.query.filters import format_filter
from search.query.parser import ParsedQuery
from search.query.steering import FeatureTarget, FittedTarget, Steering, Target, flat
from search.responses.search import Part, QueryFeature, QueryWord, Restriction, Result, SteeringTerm, Term
from search.scoring.hybrid import WordScores, no_words, word_scores
from search.scoring.ranking import Ranking

EXAMPLE_CHARACTERS = 160
MOST_PARTS = 5

RanksWithout = Mapping[tuple[str, str | int], list[int]]
"""For a kind of term and the feature, knob or word it belongs to: the rank of each result without it."""

NOT_ASKED: RanksWithout = {}

OTHER_TOPICS = "other topics"
"""What of the question's features nobody would see in a passage, summed."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SteeredConcept:
    """A target that is turned and how strongly, and the concept that it means here."""

    target: FittedTarget
    strength: float
    concept: Concept


@dataclass(frozen=True, eq=False)
class AskedWords:
    """The words of a question, each as it was typed first, and what they add to scores."""

    words: list[str]
    scores: WordScores

    def values(self, passages: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each word adds to the score of each of some passages (P, T)."""
        return np.asarray(self._by_passage[passages].toarray(), dtype=np.float64)

    @cached_property
    def _by_passage(self) -> csr_matrix:
        return self.scores.parts_NT.tocsr()

    def found(self) -> list[QueryWord]:
        """Each word with the number of passages that have it."""
        counts = np.diff(self.scores.parts_NT.indptr).tolist()
        return [QueryWord(word, passages) for word, passages in zip(self.words, counts, strict=True)]


@dataclass(frozen=True, eq=False)
class Seen:
    """Which of the question's features readers see in each of P results (P, A), and which have a term of
    their own there."""

    shared_PA: NDArray[np.bool_]
    named_PA: NDArray[np.bool_]


def asked_words(snapshot: Snapshot, query: str, mode: str) -> AskedWords:
    """The words of a question; none where it is searched by meaning alone."""
    if mode != "hybrid":
        return AskedWords([], no_words(snapshot))
    typed: dict[str, str] = {}
    for word in words(query):
        typed.setdefault(word.stem, query[word.start : word.end])
    return AskedWords(list(typed.values()), word_scores(snapshot, list(typed)))


def page_terms(
    snapshot: Snapshot,
    attribution: Attribution,
    seen: Seen,
    ranking: Ranking,
    page: slice,
    concepts: list[SteeredConcept],
    asked: AskedWords,
    without: RanksWithout = NOT_ASKED,
) -> list[list[Term]]:
    """The terms of each result of the page, largest first; with the ranks without them that are known."""
    passages = ranking.passages[page].tolist()
    rows = _feature_terms(snapshot, attribution, seen, without)
    words_PT = asked.values(ranking.passages[page])
    for row, (passage, terms) in enumerate(zip(passages, rows, strict=True)):
        rank_of = functools.partial(_rank, without, row)
        about = snapshot.active(passage)
        for feature, value in zip(attribution.steered, attribution.steered_NS[row].tolist(), strict=True):
            label, knob, shared = snapshot.labels[feature].shown, str(feature), feature in about
            rank = rank_of("steering", knob)
            terms.append(Term("steering", value, label, feature, shared=shared, knob=knob, rank_without=rank))
        terms += [
            _concept_term(snapshot, each, float(value), passage, rank_of("steering", str(each.target)))
            for each, value in zip(concepts, ranking.concepts_PC[page][row], strict=True)
        ]
        terms += [
            Term("word", value, word, shared=True, word=word, rank_without=rank_of("word", word))
            for word, value in zip(asked.words, words_PT[row].tolist(), strict=True)
            if value
        ]
        terms.sort(key=lambda term: -abs(term.value))
    return rows


def _feature_terms(
    snapshot: Snapshot, attribution: Attribution, seen: Seen, without: RanksWithout
) -> list[list[Term]]:
    """For each result the terms of the question's features that readers see in it, of the others together, of
    the baseline and of the remainder."""
    rows: list[list[Term]] = []
    for row, values in enumerate(attribution.asked_NA.tolist()):
        terms = [
            Term("baseline", float(attribution.baseline_N[row]), "baseline"),
            Term("remainder", float(attribution.remainder_N[row]), "remainder"),
        ]
        others = 0.0
        for column, (feature, value) in enumerate(zip(attribution.asked, values, strict=True)):
            if not seen.named_PA[row, column]:
                others += value
                continue
            label, shared = snapshot.labels[feature].shown, bool(seen.shared_PA[row, column])
            rank = _rank(without, row, "feature", feature)
            terms.append(Term("feature", value, label, feature, shared=shared, rank_without=rank))
        if not seen.named_PA[row].all():
            terms.append(Term("feature", others, OTHER_TOPICS, shared=False))
        rows.append(terms)
    return rows


def _rank(without: RanksWithout, row: int, kind: str, what: str | int) -> int | None:
    ranks = without.get((kind, what))
    return None if ranks is None else ranks[row]


def _concept_term(
    snapshot: Snapshot, turned: SteeredConcept, value: float, passage: int, rank_without: int | None
) -> Term:
    """One term for one knob, with the features that make the passage a member or speak against it."""
    shares = turned.concept.shares(snapshot.active(passage))
    parts = [
        Part(feature, snapshot.labels[feature].shown, share)
        for feature, share in islice(shares.items(), MOST_PARTS)
    ]
    fields = flat(turned.target)
    return Term(
        "steering",
        value,
        turned.concept.name,
        concept=fields["concept"],
        family=fields["family"],
        knob=str(turned.target),
        parts=parts,
        rank_without=rank_without,
    )


def page_results(
    snapshot: Snapshot,
    texts: dict[int, LocatedPassage],
    ranking: Ranking,
    page: slice,
    asked: Ranking,
    terms: list[list[Term]],
) -> list[Result]:
    """One record for each document of the page."""
    return [
        Result(
            rank=page.start + row + 1,
            rank_unsteered=asked.ranks.get(int(snapshot.document_N[passage])),
            score=float(ranking.scores[page][row]),
            document=texts[passage].document,
            passage=texts[passage].passage,
            terms=terms[row],
        )
        for row, passage in enumerate(ranking.passages[page].tolist())
    ]


def restrictions(snapshot: Snapshot, typed: ParsedQuery) -> list[Restriction]:
    """What a query and its filters say its results must be, or must not be."""
    return [
        *(Restriction(without=False, phrase=phrase) for phrase in typed.phrases),
        *(Restriction(without=True, phrase=phrase) for phrase in typed.without),
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
            )
            for condition in typed.conditions
        ),
    ]


def query_features(snapshot: Snapshot, question: Question, understood: frozenset[int]) -> list[QueryFeature]:
    """The features of a question that readers see in its first answers."""
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
    """The knobs with what they turn; `names` are those of concepts, by target."""

    def label(target: Target) -> str:
        if isinstance(target, FeatureTarget):
            return snapshot.labels[target.feature].shown
        return names[target]

    return [SteeringTerm(label(knob.target), knob.strength, **flat(knob.target)) for knob in steering.knobs]
