"""The steering methods are those that the benchmark compares: what is added to the question, and what the
search prefers.

Each gives, for a book's subject and a strength, the ten results of every question. Methods that need labels
(centroid, mean difference) are given those of all paragraphs, the evaluated ones too: they are upper bounds.
The twenty examples of a book are random and never count as results of the methods that saw them.

Shape suffixes: N paragraphs, B books, Q questions, R results, D embedding width.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.common import built_dictionary, embedded_queries, snapshot_of
from benchmarks.harness.textbooks import Textbooks
from search.dictionary.concepts import Concept, concept_from_members, members_wanted
from search.engine.concept_resolver import TEXT
from search.scoring.hybrid import no_words
from search.scoring.ranking import rank

RESULTS = 10
EXAMPLES = 20
NOTHING, PHRASE, FEW, ALL = "nothing", "the phrase", f"{EXAMPLES} examples", "all labels"

FloatArray = NDArray[np.float32]
Ids = NDArray[np.int64]
Steer = Callable[[int, float], Ids]
"""Paragraph numbers (Q, R) for a book and a strength."""


@dataclass(frozen=True)
class Method:
    """Describes one way to steer, what it needs to know of a subject, and the strengths to sweep."""

    name: str
    needs: str
    strengths: list[float]
    steer: Steer


class Corpus:
    """Holds the textbooks as a search does."""

    def __init__(self, books: Textbooks) -> None:
        self.books = books
        dictionary = built_dictionary(books.x_ND, books.texts)
        rows = np.arange(len(books.x_ND))
        self.snapshot = snapshot_of(books.x_ND, rows, dictionary, texts=books.texts)
        self.x_ND = books.x_ND.astype(np.float32)
        self.relevance_QN = books.q_QD @ self.x_ND.T
        self.members = [np.flatnonzero(books.book_N == book) for book in range(len(books.subjects))]
        rng = np.random.default_rng(0)
        self.examples = [rng.choice(ids, EXAMPLES, replace=False) for ids in self.members]

    def phrase_members(self, book: int) -> Ids:
        """Finds the passages nearest to a subject, as the search takes them."""
        wanted = members_wanted(self.snapshot.passages)
        _, nearest_1N = self.snapshot.index.search(self.books.subjects_BD[book][None], wanted)
        found: Ids = nearest_1N[0]
        return found

    def feature(self, book: int) -> int:
        """Finds the one feature for a subject without labels: the nearest name that says something here."""
        telling = np.flatnonzero(self.snapshot.telling)
        near = self.snapshot.dictionary.w_dec_FD[telling] @ self.books.subjects_BD[book]
        return int(telling[np.argmax(near)])

    def means(self, groups: list[Ids]) -> FloatArray:
        """Computes the mean vector of each group of paragraphs (B, D)."""
        return np.stack([self.x_ND[ids].mean(axis=0) for ids in groups])


def methods(corpus: Corpus) -> Iterator[Method]:
    """Lists all methods, those that need least first."""
    books = corpus.books
    shares, knobs = [0.1 * n for n in range(10)], [0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8]
    members, examples = corpus.means(corpus.members), corpus.means(corpus.examples)
    rest = corpus.means([np.flatnonzero(books.book_N != book) for book in range(len(members))])
    yield Method("none", NOTHING, [0.0], _added(corpus, members))
    yield Method("rewriting the query", PHRASE, [0.25 * n for n in range(13)], _rewritten(corpus))
    adding = _added(corpus, books.subjects_BD)
    yield Method("adding the embedded subject", PHRASE, [0.2 * n for n in range(13)], adding)
    yield Method("decoded-latent editing", PHRASE, knobs, _decoded(corpus))
    yield Method("single feature", PHRASE, knobs, _added(corpus, _feature_steps(corpus)))
    phrases = [
        concept_from_members(subject, corpus.phrase_members(book), corpus.snapshot.acts_NF)
        for book, subject in enumerate(books.subjects)
    ]
    yield Method("concept from the phrase", PHRASE, knobs, preferred(corpus, phrases))
    yield Method("interpolating to their centroid", FEW, shares, _towards(corpus, examples, corpus.examples))
    few = _concepts(corpus, corpus.examples)
    yield Method("concept from 20 examples", FEW, knobs, preferred(corpus, few, corpus.examples))
    yield Method("centroid interpolation", ALL, shares, _towards(corpus, members))
    yield Method("supervised mean difference", ALL, knobs, _added(corpus, members - rest))
    full = _concepts(corpus, corpus.members)
    yield Method("concept from all labels", ALL, knobs, preferred(corpus, full))


def _concepts(corpus: Corpus, groups: list[Ids]) -> list[Concept]:
    named = zip(corpus.books.subjects, groups, strict=True)
    return [concept_from_members(subject, ids, corpus.snapshot.acts_NF) for subject, ids in named]


def without_words(concept: Concept) -> Concept:
    """The same concept, to which nothing belongs for saying its phrase."""
    kept = {name: each for name, each in concept.least.items() if not name.startswith(f"{TEXT}:")}
    return replace(concept, least=kept)


def edited(corpus: Corpus, q_QD: FloatArray, without: Ids | None = None) -> Ids:
    """Ranks the results of edited questions. Their length does not matter for the order."""
    scores_QN = q_QD @ corpus.x_ND.T
    if without is not None:
        scores_QN[:, without] = -np.inf
    found_QR: Ids = np.argpartition(-scores_QN, RESULTS, axis=1)[:, :RESULTS]
    return found_QR


def _added(corpus: Corpus, step_BD: FloatArray) -> Steer:
    """Adds a direction to the question, strength times."""
    return lambda book, strength: edited(corpus, corpus.books.q_QD + strength * step_BD[book])


def _towards(corpus: Corpus, target_BD: FloatArray, without: list[Ids] | None = None) -> Steer:
    """Moves between the question (0) and a target of unit length (1)."""
    unit_BD = target_BD / np.linalg.norm(target_BD, axis=1, keepdims=True)

    def steer(book: int, strength: float) -> Ids:
        q_QD = (1 - strength) * corpus.books.q_QD + strength * unit_BD[book]
        return edited(corpus, q_QD, without[book] if without else None)

    return steer


def _rewritten(corpus: Corpus) -> Steer:
    """Moves between the question and its rewriting, and beyond: strength 1 is "QUERY in SUBJECT" itself."""
    books = corpus.books
    target_BQD = np.stack(
        [embedded_queries([f"{query} in {subject}" for query in books.queries]) for subject in books.subjects]
    )
    return lambda book, strength: edited(corpus, books.q_QD + strength * (target_BQD[book] - books.q_QD))


def _feature_steps(corpus: Corpus) -> FloatArray:
    """Computes what strength 1 of each book's feature adds to a question (B, D)."""
    chosen = [corpus.feature(book) for book in range(len(corpus.books.subjects))]
    steps: FloatArray = corpus.snapshot.scale_F[chosen][:, None] * corpus.snapshot.dictionary.w_dec_FD[chosen]
    return steps


def _decoded(corpus: Corpus) -> Steer:
    """Turns the single feature, but replaces the question by its decoded activations: its error is lost."""
    dictionary, steps_BD = corpus.snapshot.dictionary, _feature_steps(corpus)
    decoded_QD = dictionary.decode(dictionary.encode(corpus.books.q_QD))
    return lambda book, strength: edited(corpus, decoded_QD + strength * steps_BD[book])


def preferred(corpus: Corpus, concepts: list[Concept], without: list[Ids] | None = None) -> Steer:
    """Runs the search itself, with the concept of a book as its one knob."""

    def steer(book: int, strength: float) -> Ids:
        left_out = without[book] if without else np.zeros(0, np.int64)
        knobs = [(concepts[book], float(strength))]
        wanted = RESULTS + len(left_out)
        scale = no_words(corpus.snapshot)
        found = (rank(corpus.snapshot, q_D, knobs, wanted, scale).passages for q_D in corpus.books.q_QD)
        return np.stack([ids[~np.isin(ids, left_out)][:RESULTS] for ids in found])

    return steer
