"""The sweep behind the shipped dictionary: kinds, widths, active features, extra terms, all on the same mix.

    python -m benchmarks.recipe SHARED_DATA_FOLDER [NAME ...]

Short runs of one length, so that they compare; each is kept in benchmarks/.cache/recipes and not run again.
Columns: held-out FVU, measured L0, dead and rare features; twins (for some: the share of features that
another order of the rows finds again); label AUC (median, and the share from .75) of the best name out of one
fixed vocabulary, on passages that had no part in choosing it; and on SciFact, not adapted: nDCG@10 of both
sides reconstructed, shared coverage, order explained; seconds of CPU.

Shape suffixes: F features, V names of the vocabulary, D embedding width.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common import CACHE, embedded, embedder, report, table
from benchmarks.judged import Judged
from benchmarks.mix import mix, shards
from indexer.inherit import firing
from indexer.label import RELIABLE
from indexer.phrases import mine
from indexer.scorecard import stability
from indexer.train import Recipe, train
from indexer.trials import Half, halves, trials
from search.dictionary import Dictionary

RECIPE = Recipe(
    features=4096,
    active=40,
    steps=5000,
    batch=1024,
    rate=1e-3,
    prefixes=(64, 256, 768, 2048),
    decorrelation=0.05,
)
"""What the dictionary was trained by that shipped before names did."""

FOLDER = CACHE / "recipes"
STEPS = 600
BASE = replace(RECIPE, steps=STEPS, rate=2e-3, decorrelation=0.0)  # so few steps need a higher rate
PLAIN = replace(BASE, prefixes=())
SWEEP: dict[str, Recipe] = {
    "Matryoshka": BASE,
    "two prefixes": replace(BASE, prefixes=(512, 1536)),
    "TopK": PLAIN,
    "BatchTopK": replace(PLAIN, pooled=True),
    "Matryoshka, BatchTopK": replace(BASE, pooled=True),
    "tied encoder": replace(PLAIN, tied=True),
    "Matryoshka, tied encoder": replace(BASE, tied=True),
    "4 x width": replace(BASE, features=1536, prefixes=(64, 256, 768)),
    "8 x width": replace(BASE, features=3072, prefixes=(64, 256, 768, 1792)),
    "16 x width": replace(BASE, features=6144, prefixes=(64, 256, 1024, 3072)),
    "k = 16": replace(BASE, active=16),
    "k = 24": replace(BASE, active=24),
    "k = 32": replace(BASE, active=32),
    "k = 64": replace(BASE, active=64),
    "decorrelation": replace(BASE, decorrelation=0.05),
    "similarity kept": replace(BASE, similarity=0.3),
    "slower": replace(BASE, rate=BASE.rate / 3),
    "other starting texts": replace(BASE, landmarks=1),
}
"""The first is the shipped recipe, but for the number of steps, the rate, and decorrelation."""
TWICE = ("Matryoshka", "TopK", "tied encoder", "4 x width", "8 x width", "slower")
LABEL_ROWS, LABEL_FEATURES, NAMES, CANDIDATES = 40_000, 400, 16_000, 8


def main(
    shared: Annotated[Path, typer.Argument(help="The folder that holds corpora/ and beir/.")],
    names: Annotated[list[str] | None, typer.Argument(help="Only these.")] = None,
) -> None:
    """Runs the sweep, or what is left of it."""
    x_ND, scifact = shards(), Judged.read(shared)
    vocabulary = _vocabulary(shared)
    rows = []
    for name in names or SWEEP:
        dictionary = _trained(x_ND, SWEEP[name])
        twins = _twins(x_ND, name, dictionary)
        auc, hold = label_auc(dictionary, x_ND[:LABEL_ROWS], vocabulary)
        judged = scifact.figures(dictionary)
        card = dictionary.card
        rows.append(
            {
                "recipe": name,
                **{what: card.scorecard[what] for what in ("fvu", "l0", "dead", "rare")},
                "twins": twins,
                "AUC": auc,
                "hold": hold,
                **{what: judged[what] for what in ("ndcg", "shared", "ordered")},
                "cpu s": round(card.training["cpu_s"]),
            }
        )
        print(rows[-1], flush=True)
    record = {"rows": rows, "recipes": {name: asdict(recipe) for name, recipe in SWEEP.items()}}
    report("recipe", table(list(rows[0]), [list(row.values()) for row in rows]), record)


def label_auc(
    dictionary: Dictionary, x_ND: NDArray[np.float16], vocabulary: NDArray[np.float32]
) -> tuple[float, float]:
    """Median score of the best names for some features, and the share that holds."""
    naming, testing = halves(x_ND, dictionary.encode(x_ND).matrix(dictionary.features), 0)
    chosen = np.random.default_rng(0).permutation(dictionary.features)[:LABEL_FEATURES]
    features = np.sort(chosen)
    mean_D = naming.x_ND.mean(axis=0)
    scores = []
    for feature, seen, unseen in zip(
        features.tolist(),
        trials(features, naming, dictionary, 0),
        trials(features, testing, dictionary, 0),
        strict=True,
    ):
        if min(len(seen.firing_ND), len(unseen.firing_ND)) < 10:
            continue
        directions = (_centre(naming, feature) - mean_D, dictionary.w_enc_FD[feature])
        near = np.unique(np.concatenate([np.argsort(-(vocabulary @ d))[:CANDIDATES] for d in directions]))
        best = near[int(np.argmax(seen.auc(vocabulary[near], weighted=True)))]
        scores.append(float(unseen.auc(vocabulary[[best]])[0]))
    return float(np.median(scores)), float((np.array(scores) >= RELIABLE).mean())


def _centre(half: Half, feature: int) -> NDArray[np.float32]:
    rows, values = half.firing(feature)
    centre: NDArray[np.float32] = values @ half.x_ND[rows] / values.sum()
    return centre


def _trained(x_ND: Any, recipe: Recipe) -> Dictionary:
    folder = FOLDER / "-".join(f"{value}" for value in asdict(recipe).values()).replace(" ", "")
    if not folder.is_dir():
        start = time.process_time()
        found = train(x_ND, recipe, model=embedder().space.model)
        found.card.training["cpu_s"] = time.process_time() - start
        found.save(folder)
    return Dictionary.load(folder)


def _twins(x_ND: Any, name: str, dictionary: Dictionary) -> float | str:
    """The share of features that another order of the rows finds, too; or that other starting texts do."""
    if name == "other starting texts":
        other = _trained(x_ND, BASE)
    elif name in TWICE:
        other = _trained(x_ND, replace(SWEEP[name], seed=1))
    else:
        return ""
    acts_NF = dictionary.encode(x_ND[:LABEL_ROWS]).matrix(dictionary.features)
    return stability(dictionary.w_dec_FD, other.w_dec_FD, firing(acts_NF))["twins"]


def _vocabulary(shared: Path) -> NDArray[np.float32]:
    """The vectors of the most frequent phrases of a part of the mix."""
    phrases = mine([row.text for row in mix(shared)[: LABEL_ROWS // 2]], fewest=4)
    held_P = np.asarray(phrases.held_NP.sum(axis=0)).ravel()
    names = [phrases.shown[phrase] for phrase in np.argsort(-held_P, kind="stable")[:NAMES]]
    return embedded(names).astype(np.float32)


if __name__ == "__main__":
    typer.run(main)
