"""This benchmark draws the map of a collection's features in several ways: seconds, and how much of what is
near stays near.

    python -m benchmarks.feature_map [--collection demo] [--count 500 --count 1000 --count 2000]

It reads the live generation of a collection of `REFRACT_DATA`, which has to be indexed. Kept is the share of
a name's ten nearest by direction that are among its ten nearest on the map.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import MDS, TSNE, trustworthiness

from benchmarks.harness.common import report, table
from search.db.database import open_database
from search.engine.engine import SearchEngine
from search.index import places
from search.index.distinctive import most_distinctive
from search.settings import Settings

NEAREST = 10

FloatArray = NDArray[np.float32]
Way = Callable[[FloatArray], FloatArray]


def tsne(**options: Any) -> Way:
    """Makes a way that starts at the principal components, as the map does."""
    usual: dict[str, Any] = {"init": "pca", "perplexity": 30, "random_state": 0, "n_jobs": 1}
    return lambda w_AD: TSNE(**{**usual, **options}).fit_transform(w_AD)


WAYS: dict[str, Way] = {
    "principal components": lambda w_AD: PCA(2, random_state=0).fit_transform(w_AD),
    "MDS": lambda w_AD: MDS(n_init=1, random_state=0, init="classical_mds").fit_transform(w_AD),
    "t-SNE, 250 steps": tsne(max_iter=250),
    "t-SNE, 1000 steps": tsne(max_iter=1000),
    "t-SNE, 500 steps, 10 near": tsne(max_iter=500, perplexity=10),
    "the map": places.spread,
}


def main(
    collection: str = "demo",
    count: Annotated[list[int], typer.Option(help="How many features")] = [500, 1000, 2000],  # noqa: B006
) -> None:
    """Draws each way with each number of features."""
    settings = Settings()
    with open_database(settings) as database:
        snapshot = SearchEngine(database, settings.data).snapshot(collection)
    alive = np.flatnonzero(snapshot.telling)
    order = most_distinctive(snapshot.dictionary, alive, snapshot.passages_F)
    rows: list[tuple[object, ...]] = []
    for most in count:
        w_AD = snapshot.dictionary.w_dec_FD[order[:most]]
        for name, way in WAYS.items():
            start = time.perf_counter()
            at_A2 = way(w_AD)
            seconds = time.perf_counter() - start
            trust = trustworthiness(w_AD, at_A2, n_neighbors=NEAREST)
            rows.append((len(w_AD), name, seconds, kept(w_AD, at_A2), float(trust)))
    told = f"{len(alive):,} features tell something in {snapshot.passages:,} passages."
    header = ("features", "way", "seconds", "kept", "trustworthy")
    report("feature_map", f"{told}\n\n{table(header, rows)}", {"rows": rows})


def kept(w_AD: FloatArray, at_A2: FloatArray) -> float:
    """Computes the share of each name's nearest by direction that are among its nearest on the map."""
    like_AA = w_AD @ w_AD.T
    near_AA = -np.square(at_A2[:, None] - at_A2[None]).sum(axis=2)
    both = [np.argsort(-each_AA, axis=1)[:, 1 : NEAREST + 1] for each_AA in (like_AA, near_AA)]
    return float(np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(*both, strict=True)]))


if __name__ == "__main__":
    typer.run(main)
