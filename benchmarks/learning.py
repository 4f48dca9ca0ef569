"""This benchmark says what judgements teach: searches with knobs that some judged questions taught, measured
by others, beside a learned weight of words and learned linear maps of the question.

    python -m benchmarks.learning SHARED_DATA_FOLDER --keep FOLDER [scifact cranfield]

Each set is indexed into the folder (or is there from an earlier run). SciFact's train questions teach and its
test questions judge; Cranfield's are cut into halves. Knobs are learned as a collection learns them
(`indexer.learning`) and measured by the engine itself (`indexer.evaluation`). The others are fitted by the
same loss to the same candidates and put these in order: they have no engine. Their priors, and the weight of
words, are those that help unseen questions of the first half most; where none does, they are left as they
are.

Shape suffixes: R passages of all questions, Q questions, D embedding width.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from benchmarks.harness.common import report, table
from benchmarks.harness.judged import Task, read_task
from indexer.build.builder import Build
from indexer.documents import ensure_collection, ingest
from indexer.evaluation import Measured, run_evaluation
from indexer.judgements.store import Given, keep_judgements
from indexer.learning import run_learning
from indexer.progress import Reporter
from search.db.database import open_database
from search.db.lookup import live_generation
from search.db.models import JudgementRow
from search.embedding.embedder import load_embedder
from search.engine.generations import generation_reader
from search.errors import NotIndexed
from search.evaluation.evaluate import figure
from search.evaluation.learning import FOLDS, TEMPERATURE, fit
from search.evaluation.lessons import Lessons, read_lessons
from search.responses.learning import LearningReport
from search.settings import DEFAULT_MODEL, Settings

STEPS = 30

Grades = Mapping[str, Mapping[str, int]]
FloatArray = NDArray[np.float64]
Scorer = Callable[[Lessons], FloatArray]
"""Scores the candidates (R,)."""

Peer = Callable[[Lessons, float], Scorer]
"""Learns from questions, with a prior or a weight."""


def main(
    shared: Path,
    sets: Annotated[list[str] | None, typer.Argument()] = None,
    *,
    keep: Annotated[Path, typer.Option(help="A folder for the indexes.")],
) -> None:
    """Measures every set and prints one table for each."""
    tables, record = [], {}
    for name in sets or ["scifact", "cranfield"]:
        with open_database(Settings(data=keep, database_url=None)) as database:
            rows, told = _measure(database, keep, shared / "beir" / name)
        header = [
            name,
            "nDCG@10 on unseen questions",
            "gain",
            "gain where no answer taught",
            "moved, or prior",
        ]
        tables += [table(header, rows), "\n".join(told)]
        record[name] = {"header": header, "rows": rows, "told": told}
    report("learning", "\n\n".join(tables), record)


def _measure(database: Engine, data: Path, folder: Path) -> tuple[list[list[object]], list[str]]:
    task, teaching, judging = _halves(folder)
    name = folder.name
    _build(database, data, name, task)
    _judge(database, name, teaching)
    learned = run_learning(database, data, name, Reporter(database))
    _judge(database, name, judging)
    told = [
        f"{learned.questions} questions taught, {len(judging)} judge; learned in {learned.seconds:.0f} s.",
        f"By cross-validation on the first: {learned.unseen.mean:+.4f} "
        f"({learned.unseen.low:+.4f} to {learned.unseen.high:+.4f}), {learned.better} better, "
        f"{learned.worse} worse. {learned.refusal}",
        "; ".join(
            f"{knob.label} {knob.strength:+.2f} (helps {knob.helps}, hurts {knob.hurts})"
            for knob in learned.knobs[:12]
        ),
    ]
    answers = {document for each in teaching.values() for document, grade in each.items() if grade}
    new = [question for question, each in judging.items() if not answers & {d for d, g in each.items() if g}]
    told.append(f"{len(new)} of those that judge have no answer that is one of those that teach.")
    rows = _engine_rows(database, data, learned, set(new))
    with generation_reader(database, data, name) as reader:
        each_D = np.eye(reader.snapshot.dictionary.w_dec_FD.shape[1], dtype=np.float32)
        first, second = (read_lessons(reader, grades, each_D) for grades in (teaching, judging))
    rows += [[ranker, *_compared(first, second, set(new), peer, options)] for ranker, peer, options in PEERS]
    return rows, told


def _engine_rows(database: Engine, data: Path, learned: LearningReport, new: set[str]) -> list[list[object]]:
    """Measures the knobs by the engine, whether they are offered or not."""
    plain = Measured(learned.collection, preset="none")
    steer = ",".join(f"{knob.feature}:{knob.strength}" for knob in learned.knobs)
    against = plain if steer else None
    found = run_evaluation(database, data, replace(plain, steer=steer), against, Reporter(database))
    before = (found.against or found.this).figures[0]
    rows: list[list[object]] = [["as it is", f"{before.mean:.4f}", "", "", 0]]
    if steer:
        gains = {each.question: each.this["nDCG@10"] - each.against["nDCG@10"] for each in found.per_question}
        name = f"named knobs ({'refused' if learned.refusal else 'offered'})"
        rows.append([name, f"{found.this.figures[0].mean:.4f}", *_gains(gains, new), len(learned.knobs)])
    return rows


def _gains(gains: Mapping[str, float], new: set[str]) -> list[str]:
    """Tells the mean gain of all questions, and of the `new` ones."""
    told = []
    for chosen in (list(gains.values()), [gain for question, gain in gains.items() if question in new]):
        mean = figure("", chosen)
        told.append(f"{mean.mean:+.4f} ({mean.low:+.4f} to {mean.high:+.4f})")
    return told


def _halves(folder: Path) -> tuple[Task, Grades, Grades]:
    """Gives the questions that teach, and those that judge, each with an answer."""
    task = read_task(folder)
    if (folder / "qrels" / "train.tsv").exists():
        return task, _graded(read_task(folder, "train")), _graded(task)
    graded = _graded(task)
    order = np.random.default_rng(0).permutation(len(graded))
    names = [list(graded)[place] for place in order]
    first, second = names[::2], names[1::2]
    return task, {name: graded[name] for name in first}, {name: graded[name] for name in second}


def _graded(task: Task) -> dict[str, dict[str, int]]:
    return {
        task.queries[query]: {document: max(grade, 0) for document, grade in grades.items()}
        for query, grades in task.judged.items()
        if any(grade > 0 for grade in grades.values())
    }


def _build(database: Engine, data: Path, name: str, task: Task) -> None:
    with Session(database) as session:
        number = ensure_collection(session, name, DEFAULT_MODEL).id
        session.commit()
        with contextlib.suppress(NotIndexed):
            live_generation(session, name)
            return
    reporter = Reporter(database)
    ingest(database, number, task.documents, reporter)
    Build(database, data, load_embedder(), reporter).run(number)


def _judge(database: Engine, name: str, grades: Grades) -> None:
    """Makes these all that is judged."""
    with Session(database) as session:
        session.execute(delete(JudgementRow))
        session.commit()
    given = [
        Given(question, document, grade, "benchmark")
        for question, each in grades.items()
        for document, grade in each.items()
    ]
    keep_judgements(database, name, given, skip_unknown=True, bounded=False)


def _compared(
    first: Lessons, second: Lessons, new: set[str], peer: Peer, options: tuple[float, ...]
) -> list[object]:
    """Chooses the option by cross-validation on the first half, fits it there, and measures the second."""
    before_Q = first.measure(_plain(first))
    fold_Q = np.random.default_rng(0).permutation(len(first.questions)) % FOLDS
    gains = {}
    for option in options:
        values_Q = np.zeros(len(before_Q))
        for fold in range(FOLDS):
            here_Q = fold_Q == fold
            here = first.only(here_Q)
            values_Q[here_Q] = here.measure(peer(first.only(~here_Q), option)(here))
        gains[option] = float((values_Q - before_Q).mean())
    best = max(gains, key=lambda option: gains[option])
    if gains[best] <= 0:
        return [
            f"{second.measure(_plain(second)).mean():.4f}",
            "none on unseen ones of the first half",
            "",
            "",
        ]
    after_Q = second.measure(peer(first, best)(second))
    gain_Q = after_Q - second.measure(_plain(second))
    gained = dict(zip(second.questions, gain_Q.tolist(), strict=True))
    return [f"{after_Q.mean():.4f}", *_gains(gained, new), f"{best:g}"]


def _plain(lessons: Lessons) -> FloatArray:
    return (lessons.semantic_R + lessons.words_R).astype(np.float64)


def _words(_: Lessons, weight: float) -> Scorer:
    """Words count so many times what they do."""
    return lambda lessons: _plain(lessons) + (weight - 1) * lessons.words_R


def _dimensions(taught: Lessons, prior: float) -> Scorer:
    """Each dimension of the question counts as much as it should."""

    def products(lessons: Lessons) -> Lessons:
        asked_RD = np.repeat(lessons.question_QD, lessons.counts_Q, axis=0)
        return replace(lessons, added_RK=lessons.added_RK * asked_RD)

    weight_D = fit(products(taught), prior)
    return lambda lessons: _plain(lessons) + products(lessons).added_RK @ weight_D


def _linear_map(taught: Lessons, prior: float) -> Scorer:
    """The question is mapped: q + q M, with M near 0."""
    size = taught.question_QD.shape[1]
    starts_Q, counts_Q = taught.starts_Q, taught.counts_Q
    answers_R = taught.answers_R.astype(np.float64)
    answers_Q = np.add.reduceat(answers_R, starts_Q)
    wanted_R = answers_R / np.repeat(np.maximum(answers_Q, 1), counts_Q)

    def cost(flat: FloatArray) -> tuple[float, FloatArray]:
        map_DD = flat.reshape(size, size)
        scores_R = _mapped(taught, map_DD) / TEMPERATURE
        scores_R -= np.repeat(np.maximum.reduceat(scores_R, starts_Q), counts_Q)
        log_R = scores_R - np.repeat(np.log(np.add.reduceat(np.exp(scores_R), starts_Q)), counts_Q)
        missed_R = np.where(np.repeat(answers_Q > 0, counts_Q), np.exp(log_R), 0) - wanted_R
        pulled_QD = np.add.reduceat(missed_R[:, None] * taught.added_RK, starts_Q)
        gradient_DD = taught.question_QD.T @ pulled_QD / TEMPERATURE + 2 * prior * map_DD
        return -(wanted_R @ log_R) + prior * float((map_DD**2).sum()), gradient_DD.ravel()

    start = np.zeros(size * size)
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    return lambda lessons: _mapped(lessons, found.reshape(size, size))


def _mapped(lessons: Lessons, map_DD: FloatArray) -> FloatArray:
    moved_QD = (lessons.question_QD @ map_DD).astype(np.float32)
    added_R = np.einsum("rd,rd->r", lessons.added_RK, np.repeat(moved_QD, lessons.counts_Q, axis=0))
    scores_R: FloatArray = _plain(lessons) + added_R
    return scores_R


PEERS: tuple[tuple[str, Peer, tuple[float, ...]], ...] = (
    ("weight of words alone", _words, (0.0, 0.25, 0.5, 0.75, 1.25, 1.5, 2.0, 3.0)),
    ("a weight for each dimension", _dimensions, (0.3, 1.0, 3.0, 10.0, 30.0)),
    ("a linear map", _linear_map, (0.3, 1.0, 3.0, 10.0, 30.0)),
)


if __name__ == "__main__":
    typer.run(main)
