"""Steering towards a subject: how precisely each method does it for what it costs in relevance.

python -m benchmarks.steering SHARED_DATA_FOLDER [--development] [--most 4000]

Generic questions are steered towards the subject of each textbook. A method's strength is swept; at each
strength stand, over all questions and books, the precision at 10 (results from the target book) and the
relevance kept (mean <q, x> of the ten results over that of the unsteered ten, q the question as asked).
Reported is the precision where 60% is kept, read from the line between the strengths on either side.

Shape suffixes: N paragraphs, Q questions, R results.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import report, table
from benchmarks.harness.steering_methods import RESULTS, Corpus, Method, methods
from benchmarks.harness.textbooks import MOST_A_BOOK, load

KEPT = 0.6
ALSO_KEPT = (0.9, 0.8, 0.7)


@dataclass(frozen=True)
class Point:
    """One strength of one method: the mean relevance kept, and the mean precision."""

    strength: float
    kept: float
    precision: float


def main(shared: Path, development: bool = False, most: int = MOST_A_BOOK) -> None:
    """Measures every method and prints the table and the curves; `most` paragraphs of a book at most."""
    corpus = Corpus(load(shared, development=development, most=most))
    found = [(method, curve(corpus, method)) for method in methods(corpus)]
    header = [
        "method",
        "needs",
        *(f"at {kept:.0%} kept" for kept in (*ALSO_KEPT, KEPT)),
        "curve: kept → p@10",
    ]
    rows = [
        [method.name, method.needs, *(_shown(points, kept) for kept in (*ALSO_KEPT, KEPT)), _sketch(points)]
        for method, points in found
    ]
    dictionary = corpus.snapshot.dictionary
    best = most_kept(corpus)
    print(
        f"{len(corpus.x_ND)} paragraphs, {len(corpus.members)} books, {len(corpus.books.queries)} questions; "
        f"{dictionary.features} features, {dictionary.card.active} active.\n"
        f"The ten best paragraphs of the target book keep {best:.1%}: the most there is at precision 1.\n"
    )
    record = {
        "questions": corpus.books.queries,
        "subjects": corpus.books.subjects,
        "dictionary": dictionary.card_json(),
        "most_kept_at_precision_1": best,
        "curves": {method.name: [asdict(point) for point in points] for method, points in found},
    }
    report("steering-development" if development else "steering", table(header, rows), record)


def curve(corpus: Corpus, method: Method) -> list[Point]:
    """Relevance kept and precision at each strength, over all questions and books."""
    base_Q = _best(corpus.relevance_QN)
    points = []
    for strength in method.strengths:
        kept, precision = [], []
        for book in range(len(corpus.members)):
            results_QR = method.steer(book, strength)
            kept.append(np.take_along_axis(corpus.relevance_QN, results_QR, 1).mean(axis=1) / base_Q)
            precision.append((corpus.books.book_N[results_QR] == book).mean())
        points.append(Point(strength, float(np.mean(kept)), float(np.mean(precision))))
    return points


def most_kept(corpus: Corpus) -> float:
    """The relevance that the best paragraphs of the target book keep."""
    base_Q = _best(corpus.relevance_QN)
    return float(np.mean([_best(corpus.relevance_QN[:, ids]) / base_Q for ids in corpus.members]))


def precision_at(points: list[Point], kept: float) -> float | None:
    """The precision where a curve falls to that share of relevance, None where it never does."""
    for before, after in pairwise(points):
        if after.kept <= kept <= before.kept:
            part = (before.kept - kept) / max(before.kept - after.kept, 1e-12)
            return before.precision + part * (after.precision - before.precision)
    return None


def _best(relevance_QN: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean relevance of the unsteered results of each question."""
    best_Q: NDArray[np.float32] = np.sort(relevance_QN, axis=1)[:, -RESULTS:].mean(axis=1)
    return best_Q


def _shown(points: list[Point], kept: float) -> str:
    """The precision there; a method that never costs so much is shown where it ends."""
    precision = precision_at(points, kept)
    if precision is None:
        return f"{points[-1].precision:.3f} (keeps {points[-1].kept:.0%})" if kept < points[-1].kept else "–"
    return f"{precision:.3f}"


def _sketch(points: list[Point]) -> str:
    """The curve in a line, every second strength."""
    return ", ".join(f"{point.kept:.2f} → {point.precision:.2f}" for point in points[::2])


if __name__ == "__main__":
    typer.run(main)
