"""This benchmark steers towards a subject: how precisely does each method do it for what it costs in
relevance?

python -m benchmarks.steering SHARED_DATA_FOLDER [--development] [--most 4000]

Generic questions are steered towards the subject of each textbook. A method's strength is swept; at each
strength stand, over all questions and books, the precision at 10 (results from the target book) and the
relevance kept (mean <q, x> of the ten results over that of the unsteered ten, q the question as asked).
Reported is the precision where 60% is kept, read from the line between the strengths on either side.

Shape suffixes: N paragraphs, Q questions, R results.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import typer

from benchmarks.harness.common import report, table
from benchmarks.harness.curves import ALSO_KEPT, KEPT, Point, best_relevance, curve, precision_at
from benchmarks.harness.steering_methods import Corpus, methods
from benchmarks.harness.textbooks import MOST_A_BOOK, load


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
        "dictionary": dictionary.stored_card().model_dump(mode="json"),
        "most_kept_at_precision_1": best,
        "curves": {method.name: [asdict(point) for point in points] for method, points in found},
    }
    report("steering-development" if development else "steering", table(header, rows), record)


def most_kept(corpus: Corpus) -> float:
    """Computes the relevance that the best paragraphs of the target book keep."""
    base_Q = best_relevance(corpus.relevance_QN)
    return float(np.mean([best_relevance(corpus.relevance_QN[:, ids]) / base_Q for ids in corpus.members]))


def _shown(points: list[Point], kept: float) -> str:
    """Writes the precision there; a method that never costs so much is shown where it ends."""
    precision = precision_at(points, kept)
    if precision is None:
        return f"{points[-1].precision:.3f} (keeps {points[-1].kept:.0%})" if kept < points[-1].kept else "–"
    return f"{precision:.3f}"


def _sketch(points: list[Point]) -> str:
    """Writes the curve in a line, every second strength."""
    return ", ".join(f"{point.kept:.2f} → {point.precision:.2f}" for point in points[::2])


if __name__ == "__main__":
    typer.run(main)
