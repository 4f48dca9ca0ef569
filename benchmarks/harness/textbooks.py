"""The corpus of the steering benchmark is paragraphs of textbooks, their subjects, and generic questions.

Shape suffixes: N paragraphs, B books, Q questions, D embedding width.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.common import embedded, embedded_queries, read_corpus

CORPUS = "openstax_paragraphs"
MOST_A_BOOK = 4000
LEAST_CHARACTERS = 80

SUBJECTS = {
    "nursing-external-bundle": "nursing",
    "university-physics-bundle": "physics",
    "life-liberty-and-pursuit-happiness": "American history",
    "anatomy-physiology": "anatomy and physiology",
    "introductory-statistics-bundle": "statistics",
    "chemistry-bundle": "chemistry",
    "astronomy": "astronomy",
    "principles-economics-bundle": "economics",
    "psychology": "psychology",
    "world-history": "world history",
    "introduction-sociology": "sociology",
    "microbiology": "microbiology",
}
"""The target books, and what people call their subjects."""

DEVELOPMENT_SUBJECTS = {
    "american-government": "American government",
    "business-ethics": "business ethics",
    "college-physics-bundle": "physics",
    "college-success": "succeeding in college",
    "contemporary-mathematics": "mathematics",
    "entrepreneurship": "entrepreneurship",
    "introduction-anthropology": "anthropology",
    "introduction-business": "business",
    "introduction-intellectual-property": "intellectual property",
    "introduction-philosophy": "philosophy",
    "introduction-political-science": "political science",
    "introduction-python-programming": "Python programming",
    "principles-finance": "finance",
    "principles-marketing": "marketing",
    "statistics": "statistics",
    "us-history": "American history",
    "workplace-software-skills": "office software",
    "writing-guide": "writing",
}
"""Other books, for making choices. (How concepts spread was worked out on the first questions of both halves,
so the subjects of the target books were seen then; the reported questions were not.)"""

QUERIES = [
    "measuring uncertainty",
    "growth and decline",
    "cause and effect",
    "comparing two groups",
    "keeping a system in balance",
    "change over time",
    "the role of energy",
    "making decisions with limited information",
    "structure and function",
    "ethical questions",
    "competition and cooperation",
    "how a theory was discovered",
    "classification into types",
    "the effects of new technology",
    "predicting what happens next",
    "risk factors and prevention",
    "limits of a model",
    "communication between parts",
    "rates and averages",
    "scarce resources",
    "women's contributions",
    "responding to stress",
    "common misconceptions",
    "small differences with large consequences",
    "working with evidence",
]
DEVELOPMENT_QUERIES = 6
"""So many of the first questions are for making choices; the others are reported."""


@dataclass(frozen=True, eq=False)
class Textbooks:
    """Holds the paragraphs (`texts`, `x_ND` float16) and the number of each one's book (`book_N`); per book
    its subject, as words and embedded; the questions, as words and embedded."""

    texts: list[str]
    x_ND: NDArray[np.float16]
    book_N: NDArray[np.int64]
    subjects: list[str]
    subjects_BD: NDArray[np.float32]
    queries: list[str]
    q_QD: NDArray[np.float32]


def load(shared: Path, *, development: bool = False, most: int = MOST_A_BOOK) -> Textbooks:
    """Loads the target books, at most so many paragraphs of each, with the questions that are reported, or
    the development half of both."""
    subjects = DEVELOPMENT_SUBJECTS if development else SUBJECTS
    queries = QUERIES[:DEVELOPMENT_QUERIES] if development else QUERIES[DEVELOPMENT_QUERIES:]
    most, seed = (min(most, 1000), 1) if development else (most, 0)
    texts, book_N = paragraphs(shared, list(subjects), most, seed)
    names = list(subjects.values())
    return Textbooks(
        texts=texts,
        x_ND=embedded(texts),
        book_N=book_N,
        subjects=names,
        subjects_BD=embedded_queries(names),
        queries=queries,
        q_QD=embedded_queries(queries),
    )


def paragraphs(shared: Path, books: list[str], most: int, seed: int) -> tuple[list[str], NDArray[np.int64]]:
    """Draws at most so many paragraphs of each book at random, as they are embedded, and their books."""
    by_book: dict[str, list[str]] = {book: [] for book in books}
    for record in read_corpus(shared, CORPUS):
        book = record["meta"]["book"]
        if book in by_book and len(record["text"]) >= LEAST_CHARACTERS:
            by_book[book].append(f"{record['title']} {record['text']}")
    rng = np.random.default_rng(seed)
    drawn = [[by_book[book][i] for i in rng.permutation(len(by_book[book]))[:most]] for book in books]
    book_N = np.repeat(np.arange(len(books)), [len(texts) for texts in drawn])
    return [text for texts in drawn for text in texts], book_N
