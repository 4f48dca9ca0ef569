"""This benchmark finds how often the lines of a card show the sentence that answers: those that people chose
as the evidence for or against the claims of SciFact, in a paper that has some.

python -m benchmarks.evidence SHARED_DATA_FOLDER [--split train]

Of the paper the passage nearest to the claim is shown, as an answer would. `shown` is the share of a chosen
sentence that is in the lines, of the one that most is there of. Ways that choose: the first sentence; the
words of the question alone (as an answer does before the model has read it); the largest mean value of its
own words (as it was); how near the sentence as it stands there is; that and the words (as it is); the
sentence embedded by itself, for which the model has to read each one.

Shape suffixes: D embedding width, S sentences, P words.
"""

import json
import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from api.views.excerpts import excerpt
from benchmarks.harness.common import report, table
from benchmarks.harness.judged import Task, read_task
from search.embedding.blocks import telling_sentences
from search.embedding.embedder import Embedder, load_embedder, splitter_of
from search.embedding.splitter import embedded_text
from search.embedding.word_sums import WordSums, take_apart
from search.embedding.words import stems
from search.evaluation.measures import bootstrap_interval
from search.presentation.highlighting import mark, mark_words
from search.responses.search import DocumentRef, PassageText, Result, Span

SENTENCES = 5
"""Papers of fewer leave little to choose."""

ENDS = re.compile(r"(?<=[.?!])\s+(?=[\"'(\[]?[A-Z0-9])")

FloatArray = NDArray[np.float32]
Way = Callable[["Trial"], Span | None]


@dataclass(frozen=True, eq=False)
class Trial:
    """Holds a claim, the passage that is shown for it, taken apart, and the sentences that people chose."""

    q_D: FloatArray
    asked: Mapping[str, float]
    result: Result
    parts: WordSums
    chosen: list[Span]
    alone_SD: FloatArray

    @property
    def sentences(self) -> list[Span]:
        return telling_sentences(self.result.passage.text, self.result.document.title)


def main(shared: Path, split: str = "test") -> None:
    """Measures all ways on the same passages and prints one table."""
    folder = shared / "beir" / "scifact"
    trials = list(_trials(folder, read_task(folder, split), load_embedder()))
    shown = {name: [_shown(trial, way) for trial in trials] for name, way in WAYS.items()}
    was = shown["mean of its words"]
    rows = []
    for name, values in shown.items():
        low, high = bootstrap_interval([mine - before for mine, before in zip(values, was, strict=True)])
        rows.append([name, f"{statistics.mean(values):.3f}", f"{low:+.3f} to {high:+.3f}"])
    markdown = f"{len(trials)} passages of SciFact, {split}.\n\n" + table(
        ["the best sentence by", "shown", "to the mean of its words"], rows
    )
    report("evidence", markdown, {"split": split, "shown": {n: statistics.mean(v) for n, v in shown.items()}})


def _trials(folder: Path, task: Task, embedder: Embedder) -> Iterator[Trial]:
    documents = {document.id: document for document in task.documents}
    counts = Counter(stem for document in task.documents for stem in {*stems(document.text)})
    splitter = splitter_of(embedder)
    for claim, paper, numbers in _evidence(folder, task):
        title, text = documents[paper].title, documents[paper].text
        said = _cut(text)
        if len(said) < SENTENCES or max(numbers) >= len(said):
            continue
        front = embedded_text(splitter.clip_title(title), text)[: -len(text)]
        q_D = embedder.encode_queries([claim])[0]
        spans = splitter.split(text, title)
        found = take_apart(embedder, [(front, text[span.start : span.end]) for span in spans])
        best = int(np.argmax([parts.vector() @ q_D for parts in found]))
        start, passage = spans[best].start, text[spans[best].start : spans[best].end]
        chosen = [Span(said[n].start - start, said[n].end - start) for n in numbers]
        chosen = [span for span in chosen if span.start >= 0 and span.end <= len(passage)]
        if chosen:
            result = Result(
                1, 1, 0.0, DocumentRef(paper, title), PassageText(0, passage, 0, len(passage)), []
            )
            asked = {stem: math.log(1 + len(documents) / (1 + counts[stem])) for stem in stems(claim)}
            alone = [passage[each.start : each.end] for each in telling_sentences(passage, title)]
            alone_SD = embedder.encode(alone).astype(np.float32)
            yield Trial(q_D, asked, result, found[best], chosen, alone_SD)


def _evidence(folder: Path, task: Task) -> Iterator[tuple[str, str, list[int]]]:
    """Reads each claim with a paper and the numbers of the sentences that were chosen of it."""
    with (folder / "queries.jsonl").open(encoding="utf-8") as file:
        claims = [json.loads(line) for line in file]
    for claim in claims:
        for paper, sets in claim["metadata"].items() if claim["_id"] in task.queries else ():
            yield claim["text"], paper, [number for one in sets for number in one["sentences"]]


def _cut(text: str) -> list[Span]:
    """Finds the sentences as the collection counts them; it joined them with a blank."""
    cuts = [0, *(end.end() for end in ENDS.finditer(text)), len(text) + 1]
    return [Span(start, end - 1) for start, end in pairwise(cuts)]


def _shown(trial: Trial, way: Way) -> float:
    """Measures how much of a chosen sentence is in the lines, of the one that most is there of."""
    passage = trial.result.passage
    cut = excerpt(PassageText(0, passage.text, 0, 0, best=way(trial)), trial.result.document.title)
    lines = next(stretch.text for stretch in cut if not stretch.is_opening).strip("… ")
    start = passage.text.index(lines)
    shared = [min(start + len(lines), each.end) - max(start, each.start) for each in trial.chosen]
    return max(
        max(both, 0) / (each.end - each.start) for both, each in zip(shared, trial.chosen, strict=True)
    )


def _first(trial: Trial) -> Span | None:
    return next(iter(trial.sentences), None)


def _words(trial: Trial) -> Span | None:
    return mark_words(trial.result, trial.asked).passage.best


def _mean(trial: Trial) -> Span | None:
    values_P = trial.parts.values(trial.q_D[None])[0][0]
    inside = [
        [n for n, part in enumerate(trial.parts.spans) if span.start <= part.start < span.end]
        for span in trial.sentences
    ]
    means = [values_P[n].sum() / trial.parts.size_P[n].sum() if n else -np.inf for n in inside]
    return trial.sentences[int(np.argmax(means))] if means else None


def _near(trial: Trial) -> Span | None:
    near_S = trial.parts.nearness(trial.sentences, trial.q_D)
    return trial.sentences[int(np.argmax(near_S))] if len(near_S) else None


def _both(trial: Trial) -> Span | None:
    no_topics_FD = np.zeros((0, len(trial.q_D)), np.float32)
    return mark(trial.result, trial.parts, trial.q_D, no_topics_FD, trial.asked).passage.best


def _alone(trial: Trial) -> Span | None:
    near_S = trial.alone_SD @ trial.q_D
    return trial.sentences[int(np.argmax(near_S))] if len(near_S) else None


WAYS: dict[str, Way] = {
    "the first": _first,
    "words of the question": _words,
    "mean of its words": _mean,
    "nearness": _near,
    "nearness and words": _both,
    "nearness by itself": _alone,
}

if __name__ == "__main__":
    typer.run(main)
