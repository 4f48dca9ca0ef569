"""This benchmark spells examples out as feature knobs, beside the concept that they make and plainer ways to
choose knobs.

    python -m benchmarks.examples SHARED_DATA_FOLDER

Set-up and figures as in `benchmarks.steering`: precision at 10 where so much of the relevance is kept. Of
each book five paragraphs are liked, drawn three times; they are told from all of the collection, from the
answers to each question, or from five paragraphs of other books. Knobs have one decimal, as those that the
search makes. *refine* is `search.explain.relevance_feedback` with all its rules; its strength is that of the
knob on examples, beyond 5 its knobs are turned further by hand. Liked paragraphs never count as results.

Shape suffixes: N paragraphs, D embedding width, F features, Q questions.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import report, table
from benchmarks.harness.curves import ALSO_KEPT, KEPT, Point, curve, precision_at
from benchmarks.harness.steering_methods import Corpus, Ids, Method, Steer, edited, preferred
from benchmarks.harness.textbooks import load
from search.dictionary.concepts import Concept, concept_from_examples
from search.dictionary.steer import feature_deltas, steer
from search.explain.relevance_feedback import MOST, Side, answers, differences, side
from search.query.steering import FeatureTarget, Knob, Steering

EXAMPLES = 5
DRAWS = 3
COLLECTION, ANSWERS, UNLIKED = "the collection", "the answers", f"{EXAMPLES} unliked"
REFINED = [0.0, 1, 2, 3, 4, 5, 6.5, 8, 10]
LARGEST = [0, 0.5, 1, 1.5, 2, 2.5, 3]
PREFERRED = [0, 0.5, 1, 1.5, 2, 3, 4]

Choose = Callable[[int, int, float], dict[int, float]]
"""The strength of each feature for a book, a question (by number) and a strength."""


@dataclass(frozen=True)
class Examples:
    """Holds the paragraphs liked and unliked (or none), for each book."""

    like: list[Ids]
    unlike: list[Ids]

    @classmethod
    def draw(cls, corpus: Corpus, seed: int, unliked: int) -> "Examples":
        rng, everything = np.random.default_rng(seed), np.arange(len(corpus.x_ND))
        like = [rng.choice(ids, EXAMPLES, replace=False) for ids in corpus.members]
        others = (np.setdiff1d(everything, ids) for ids in corpus.members)
        return cls(like, [rng.choice(ids, unliked, replace=False) for ids in others])


def main(shared: Path) -> None:
    """Measures every way on every draw and prints the table."""
    corpus = Corpus(load(shared))
    found: dict[tuple[str, str], list[list[Point]]] = {}
    for seed in range(DRAWS):
        for method in _methods(corpus, seed):
            found.setdefault((method.name, method.needs), []).append(curve(corpus, method))
    kept = (*ALSO_KEPT, KEPT)
    header = ["knobs", "told from", *(f"at {share:.0%} kept" for share in kept), f"each draw at {KEPT:.0%}"]
    rows = [[*way, *(_mean(draws, share) for share in kept), _each(draws)] for way, draws in found.items()]
    curves = [
        {"knobs": knobs, "told_from": against, "draws": [[asdict(point) for point in one] for one in draws]}
        for (knobs, against), draws in found.items()
    ]
    report("examples", table(header, rows), {"questions": corpus.books.queries, "curves": curves})


def _methods(corpus: Corpus, seed: int) -> Iterator[Method]:
    snapshot, alone = corpus.snapshot, Examples.draw(corpus, seed, 0)
    every = Side.of(snapshot.acts_NF)
    near = [Side.of(answers(snapshot, q_D)) for q_D in corpus.books.q_QD]
    by_answers = _refined(corpus, alone, lambda _, question: near[question])
    yield Method("refine", ANSWERS, REFINED, _turned(corpus, alone, by_answers))
    both = Examples.draw(corpus, seed, EXAMPLES)
    unliked = [side(snapshot, ids.tolist()) for ids in both.unlike]
    yield from _compared(corpus, alone, COLLECTION, [every] * len(alone.like))
    yield from _compared(corpus, both, UNLIKED, unliked)


def _compared(corpus: Corpus, examples: Examples, against: str, others: list[Side]) -> Iterator[Method]:
    """Measures all ways with examples that are told from others, given for each book."""
    refined = _refined(corpus, examples, lambda book, _: others[book])
    yield Method("refine", against, REFINED, _turned(corpus, examples, refined))
    liked = [side(corpus.snapshot, ids.tolist()) for ids in examples.like]
    concepts = _concepts(corpus, examples)
    scale_F = corpus.snapshot.scale_F
    pairs = list(zip(liked, others, strict=True))
    weights = [_weights(concept, len(scale_F)) for concept in concepts]
    plain = {
        "largest differences, in units of scale": [
            (a.mean_F - b.mean_F) / np.where(scale_F > 0, scale_F, np.inf) for a, b in pairs
        ],
        "largest differences": [a.mean_F - b.mean_F for a, b in pairs],
        "largest weights × mean activations": [
            w_F * np.where(w_F > 0, a.mean_F, b.mean_F) for w_F, (a, b) in zip(weights, pairs, strict=True)
        ],
        "largest weights × scale": [w_F * scale_F for w_F in weights],
    }
    for name, scores in plain.items():
        yield Method(name, against, LARGEST, _turned(corpus, examples, _largest(scores)))
    yield Method("the concept itself", against, PREFERRED, preferred(corpus, concepts, examples.like))


def _refined(corpus: Corpus, examples: Examples, others: Callable[[int, int], Side]) -> Choose:
    """Gives the knobs of the search; others are given for a book and a question."""
    liked = [side(corpus.snapshot, ids.tolist()) for ids in examples.like]

    def choose(book: int, question: int, strength: float) -> dict[int, float]:
        told = differences(corpus.snapshot, liked[book], others(book, question), strength)
        return {each.feature: each.strength for each in told}

    return choose


def _largest(scores: list[NDArray[np.float64]]) -> Choose:
    """Takes as many features as the search would turn, those of the largest scores, in proportion to
    these."""

    def choose(book: int, _: int, strength: float) -> dict[int, float]:
        score_F = scores[book]
        order = np.argsort(-np.abs(score_F), kind="stable")[:MOST]
        turned = np.round(strength * score_F[order] / abs(score_F[order[0]]), 1)
        return dict(zip(order.tolist(), turned.tolist(), strict=True))

    return choose


def _turned(corpus: Corpus, examples: Examples, choose: Choose) -> Steer:
    """Edits the questions as the search edits them."""
    snapshot = corpus.snapshot

    def turn(q_D: NDArray[np.float32], strengths: dict[int, float]) -> NDArray[np.float32]:
        knobs = tuple(Knob(strength, FeatureTarget(feature)) for feature, strength in strengths.items())
        deltas = feature_deltas(Steering(knobs), {}, snapshot.scale_F)
        return steer(q_D, snapshot.dictionary.w_dec_FD, deltas).vector_D

    def results(book: int, strength: float) -> Ids:
        asked = enumerate(corpus.books.q_QD)
        q_QD = np.stack([turn(q_D, choose(book, question, strength)) for question, q_D in asked])
        return edited(corpus, q_QD, examples.like[book])

    return results


def _concepts(corpus: Corpus, examples: Examples) -> list[Concept]:
    sides = zip(corpus.books.subjects, examples.like, examples.unlike, strict=True)
    acts_NF = corpus.snapshot.acts_NF
    return [
        concept_from_examples(name, list(like[:, None]), list(unlike[:, None]), acts_NF)
        for name, like, unlike in sides
    ]


def _weights(concept: Concept, features: int) -> NDArray[np.float64]:
    weights_F = np.zeros(features)
    weights_F[concept.features] = concept.weights_C
    return weights_F


def _mean(draws: list[list[Point]], kept: float) -> float | str:
    """Gives the mean precision there; a dash if a draw never costs so much."""
    found = [precision_at(points, kept) for points in draws]
    precisions = [precision for precision in found if precision is not None]
    return float(np.mean(precisions)) if len(precisions) == len(draws) else "–"


def _each(draws: list[list[Point]]) -> str:
    return ", ".join(str(_mean([points], KEPT))[:5] for points in draws)


if __name__ == "__main__":
    typer.run(main)
