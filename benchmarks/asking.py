"""What is said of questions that the collection does not answer, and of mistyped ones.

python -m benchmarks.asking SHARED_DATA_FOLDER [scifact cranfield clapnq_dev negconstraint]

The questions of each set are asked of each: those of its own should be taken as they are, those of others
told that nothing here is about them. One word of each question is then mistyped. Last, questions longer than
the model reads.

Shape suffixes: Q questions, N passages.
"""

import random
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.harness.common import embedded, embedded_queries, embedder, report, table
from benchmarks.harness.judged import Task, passage_texts, read_task
from search.index.bm25 import Counts, Lexicon
from search.index.faiss_index import FaissIndex
from search.scoring.floor import ELSEWHERE, floor_of
from search.scoring.hybrid import counted_words
from search.scoring.spelling import meant, suggest, unknown

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST = 5
QUESTIONS = 200
LONG, CHARACTERS, DEPTH = 40, 900, 60


def main(shared: Path, sets: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Prints one table a matter."""
    names = sets or ["scifact", "cranfield", "clapnq_dev", "negconstraint"]
    tasks = {name: read_task(shared / "beir" / name) for name in names}
    asked = {name: embedded_queries(list(task.queries.values())) for name, task in tasks.items()}
    elsewhere_QD = embedded_queries(list(ELSEWHERE))
    floors, typos, long = [], [], []
    for name, task in tasks.items():
        texts, _, written = passage_texts(task)
        index = FaissIndex.build(embedded(texts), on_gpu=False)
        floor = floor_of(index, elsewhere_QD)
        told = [float((index.search(q_QD, 1)[0] < floor).mean()) for q_QD in asked.values()]
        floors.append([name, floor, *told])
        lexicon = Lexicon(Counts.of(written), Counts.of([]), np.arange(len(written)))
        typos.append([name, *_mistyped(lexicon, list(task.queries.values())[:QUESTIONS])])
        long.append([name, *_in_parts(task)])
    tables = [
        table(["told that nothing is about it", "floor", *names], floors),
        table(["", "replaced", "another offered", "typos", "mended", "made another word"], typos),
        table(["long questions", "first found, cut", "second", "third", "in parts", "second", "third"], long),
    ]
    report("asking", "\n\n".join(tables), {"floors": floors, "typos": typos, "long": long})


def _mistyped(lexicon: Lexicon, questions: list[str]) -> list[object]:
    """Of questions as they are: how many would be replaced, and of how many another is offered. Of words
    mistyped so that they are nowhere: how many, which share is mended, which becomes another word."""
    draw = random.Random(0)
    offered = [each for text in questions if (each := suggest(lexicon, text, lambda stem, _: stem))]
    right, wrong, typos = 0, 0, 0
    for text in questions:
        known = {stem: word for stem, word in counted_words(text).items() if not unknown(lexicon, [stem])}
        long = [stem for stem, word in known.items() if len(word) >= SHORTEST and word.isalpha()]
        if not long:
            continue
        stem = draw.choice(long)
        slipped = _with_a_slip(known[stem].lower(), draw)
        mistyped = next(iter(counted_words(slipped)), "")
        if mistyped and unknown(lexicon, [mistyped]):
            found = meant(lexicon, mistyped, slipped, [other for other in known if other != stem])
            is_right = found is not None and found.stem == stem
            typos, right, wrong = typos + 1, right + is_right, wrong + (found is not None and not is_right)
    return [sum(each.used for each in offered), len(offered), typos, right / typos, wrong / typos]


def _in_parts(task: Task) -> list[float]:
    """Of questions made of three passages of different documents, how often the first ten answers hold the
    document of each: with the question cut where the model ends, then in parts."""
    texts, documents, written = passage_texts(task)
    x_ND, document_N = embedded(texts).astype(np.float32), np.array(documents)
    first_N = np.unique(document_N, return_index=True)[1]
    drawn = np.random.default_rng(0).permutation(first_N)[: 3 * LONG].reshape(-1, 3)
    asked = [" ".join(written[passage][:CHARACTERS] for passage in three) for three in drawn]
    found = []
    for q_QD in (embedder().encode(asked).astype(np.float32), embedded_queries(asked)):
        for place in range(3):
            order_QN = np.argsort(-(q_QD @ x_ND.T), axis=1)[:, :DEPTH]
            hits = [
                document_N[three[place]] in list(dict.fromkeys(document_N[order].tolist()))[:10]
                for three, order in zip(drawn, order_QN, strict=True)
            ]
            found.append(float(np.mean(hits)))
    return found


def _with_a_slip(word: str, draw: random.Random) -> str:
    """A word with one letter left out, swapped with the next, added or changed."""
    at, letter = draw.randrange(1, len(word) - 1), draw.choice(LETTERS)
    return draw.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
        ]
    )


if __name__ == "__main__":
    typer.run(main)
