"""The size of a dictionary: what more features, or more active ones, give and cost, by size of collection.

    python -m benchmarks.dictionary ../shared/data

Paragraphs of textbooks, random subsets of them. One row a dictionary: FVU and dead features on held-out rows;
the share of the score that features carry, that features with reliable labels carry, and the remainder (its
absolute value) over the first results of short questions; median label AUC and share of reliable labels; CPU
seconds of one thread.
"""

import itertools
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from benchmarks.common import embedded, embedded_queries, embedder, report, table
from benchmarks.openstax import MOST_A_BOOK, QUERIES, SUBJECTS, paragraphs
from indexer.label import label_features
from indexer.train import recipe_for, train
from search.dictionary import Dictionary

GRID = {
    2_000: (128, 256, 512, 1024),
    6_000: (256, 512, 1024, 2048),
    12_000: (512, 1024, 2048),
    48_000: (1024, 2048, 4096),
}
ACTIVE = (8, 12, 16, 32)
RESULTS = 10

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Row:
    """One dictionary of the sweep; `chosen` marks the size that `recipe_for` takes."""

    passages: int
    features: int
    active: int
    fvu: float
    dead: float
    features_carry: float
    named_carry: float
    remainder: float
    label_auc: float
    reliable: float
    train_s: float
    label_s: float
    chosen: str


class Phrases:
    """Embeds each phrase once in a whole sweep; it does not count towards the seconds."""

    def __init__(self) -> None:
        self._vectors: dict[str, NDArray[np.float16]] = {}
        self.seconds = 0.0

    def __call__(self, texts: list[str]) -> NDArray[np.float16]:
        start = time.process_time()
        fresh = [text for text in texts if text not in self._vectors]
        self._vectors.update(zip(fresh, embedder().encode(fresh), strict=True))
        self.seconds += time.process_time() - start
        return np.stack([self._vectors[text] for text in texts])


def main(shared: Annotated[Path, typer.Argument(help="The folder that holds corpora/.")]) -> None:
    """Sweeps features and active features over subsets of the paragraphs."""
    texts, _ = paragraphs(shared, list(SUBJECTS), MOST_A_BOOK, 0)
    x_ND, q_QD = embedded(texts), embedded_queries([*QUERIES, *SUBJECTS.values()])
    torch.set_num_threads(1)
    order, phrases = np.random.default_rng(1).permutation(len(texts)), Phrases()
    rows: list[Row] = []
    for passages, sizes in GRID.items():
        drawn = order[:passages]
        drawn_texts = [texts[i] for i in drawn]
        for features, active in itertools.product(sizes, ACTIVE):
            rows.append(_row(drawn_texts, x_ND[drawn], q_QD, features, active, phrases))
            print(rows[-1], flush=True)
    header = [name.replace("_", " ") for name in asdict(rows[0])]
    markdown = table(header, [list(asdict(row).values()) for row in rows])
    report("dictionary", markdown, {"rows": [asdict(row) for row in rows]})


def _row(
    texts: list[str],
    x_ND: NDArray[np.float16],
    q_QD: FloatArray,
    features: int,
    active: int,
    phrases: Phrases,
) -> Row:
    usual = recipe_for(len(texts))
    start = time.process_time()
    recipe = replace(usual, features=features, active=active)
    dictionary = train(x_ND, recipe, model=embedder().space.model)
    trained, phrases.seconds = time.process_time(), 0.0
    acts_NF = dictionary.encode(x_ND).matrix(features)
    labels = label_features(texts, x_ND, acts_NF, dictionary, phrases).values()
    labelled = time.process_time() - trained - phrases.seconds
    reliable_F = np.array([label.reliable for label in labels])
    carry, named, remainder = _shares(dictionary, reliable_F, q_QD, x_ND.astype(np.float32))
    card = dictionary.card.scorecard
    return Row(
        passages=len(texts),
        features=features,
        active=active,
        fvu=card["fvu"],
        dead=card["dead"],
        features_carry=carry,
        named_carry=named,
        remainder=remainder,
        label_auc=float(np.median([label.score for label in labels if label.score is not None])),
        reliable=float(reliable_F.mean()),
        train_s=trained - start,
        label_s=labelled,
        chosen="←" if recipe == usual else "",
    )


def _shares(
    dictionary: Dictionary, reliable_F: NDArray[np.bool_], q_QD: FloatArray, x_ND: FloatArray
) -> tuple[float, float, float]:
    """Share of the summed score of each question's first results: of its features, of those of them that have
    a reliable label, and of the remainder (its absolute value)."""
    acts = dictionary.encode(q_QD)
    error_QD = q_QD - dictionary.decode(acts)
    score = remainder = 0.0
    terms_F = np.zeros(dictionary.features)
    for q_D, acts_F, error_D in zip(q_QD, acts.matrix(dictionary.features).toarray(), error_QD, strict=True):
        best_ND = x_ND[np.argsort(-(x_ND @ q_D))[:RESULTS]]
        terms_F += acts_F * (dictionary.w_dec_FD @ best_ND.sum(axis=0))
        score += float((best_ND @ q_D).sum())
        remainder += float(np.abs(best_ND @ error_D).sum())
    return float(terms_F.sum()) / score, float(terms_F[reliable_F].sum()) / score, remainder / score


if __name__ == "__main__":
    typer.run(main)
