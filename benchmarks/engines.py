"""This benchmark measures the vector engines beside each other: FAISS in this process, and a Milvus server.

    python -m benchmarks.engines [--passages 10000] [--width 384] [--address http://milvus:19530]

Without an address it is the small server that Milvus's makers ship, started on this machine: it is written in
Python and made for tests, so its times say little about a Milvus. Vectors lie in clusters, as those of texts
do. What is found is compared with a scan by numpy: recall, order and scores. The address has to be a server
where a collection may be made and dropped.

Shape suffixes: Q questions, N passages, D width.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import median_ms, report, table, times_ms
from search.index.faiss_index import FaissIndex, VectorIndex
from search.index.milvus_index import MilvusIndex, prefix_of
from search.index.milvus_server import MilvusServer, milvus_server
from tests.support.milvus import small_milvus

INSTALLATION = "be4c4ba4be4c"
CLUSTERS = 200
READ = 1000  # vectors at once, as many as a search scores
MIB = 1 << 20


def main(
    passages: int = 10_000,
    width: int = 384,
    questions: int = 50,
    address: Annotated[str, typer.Option(help="A Milvus server; else the small one is started.")] = "",
) -> None:
    """Measures both engines and prints what building and what searching takes."""
    rng = np.random.default_rng(0)
    x_ND = _vectors(rng, passages, width)
    q_QD = _questions(rng, x_ND, questions)
    allowed = _allowed(rng, passages)
    built: list[list[object]] = []
    searched: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="refract-engines-") as name:
        folder = Path(name)
        with _server(folder, address) as (server, process):
            before = _resident(process)
            in_milvus = partial(MilvusIndex.build, server, INSTALLATION, 1, x_ND)
            in_faiss = partial(FaissIndex.build, x_ND, on_gpu=False)
            for engine, build in (("FAISS", in_faiss), (f"Milvus {server.version()}", in_milvus)):
                began = time.perf_counter()
                index = build()
                built.append([engine, time.perf_counter() - began, *_opened_and_read(index, folder)])
                searched += _measured(engine, index, x_ND, q_QD, allowed)
            built[0].append(x_ND.nbytes / MIB)  # what FAISS holds is the vectors
            built[1].append((_resident(process) - before) / MIB)
            server.drop(server.names(prefix_of(INSTALLATION))[0])
    first = table(["engine", "built, s", "opened, ms", f"{READ:,} vectors read, ms", "memory, MiB"], built)
    header = ["engine", "allowed", "k", "p50 ms", "p99 ms", "recall", "same order", "largest error"]
    told = f"{passages:,} passages of width {width}, {questions} questions."
    record = {"built": built, "searched": searched, "passages": passages}
    report("engines", f"{first}\n\n{table(header, searched)}\n\n{told}", record)


def _opened_and_read(index: FaissIndex | MilvusIndex, folder: Path) -> tuple[float, float]:
    """Measures how long an index is opened for, and some of its vectors are read for, in milliseconds."""
    sha256 = index.save(folder / "index")
    opened = median_ms(partial(type(index).load, folder / "index", sha256), repeats=5)
    drawn = np.random.default_rng(1).permutation(len(index))[:READ]
    return opened, median_ms(partial(index.vectors, drawn), repeats=10)


def _vectors(rng: np.random.Generator, passages: int, width: int) -> NDArray[np.float16]:
    centres = rng.normal(size=(CLUSTERS, width))
    x_ND = centres[rng.integers(0, CLUSTERS, passages)] + rng.normal(size=(passages, width))
    return np.asarray(x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True), np.float16)


def _questions(rng: np.random.Generator, x_ND: NDArray[np.float16], questions: int) -> NDArray[np.float32]:
    q_QD = x_ND[rng.integers(0, len(x_ND), questions)].astype(np.float32)
    q_QD += 0.5 / np.sqrt(q_QD.shape[1]) * rng.normal(size=q_QD.shape).astype(np.float32)
    return np.asarray(q_QD / np.linalg.norm(q_QD, axis=1, keepdims=True), np.float32)


def _allowed(rng: np.random.Generator, passages: int) -> dict[str, NDArray[np.bool_] | None]:
    drawn_N = rng.random(passages)
    return {"all": None, "99%": drawn_N < 0.99, "half": drawn_N < 0.5, "1%": drawn_N < 0.01}


def _measured(
    engine: str,
    index: VectorIndex,
    x_ND: NDArray[np.float16],
    q_QD: NDArray[np.float32],
    allowed: dict[str, NDArray[np.bool_] | None],
) -> Iterator[list[object]]:
    exact_QN = q_QD @ x_ND.astype(np.float32).T
    for kind, allowed_N in allowed.items():
        may = np.arange(len(x_ND)) if allowed_N is None else np.flatnonzero(allowed_N)
        order_QN = may[np.argsort(-exact_QN[:, may], axis=1, kind="stable")]
        for k in (10, 100, 1000) if allowed_N is None else (100,):
            asked = iter(np.concatenate([q_QD[:3], q_QD]))
            times = times_ms(
                partial(_next_searched, index, asked, k, allowed_N), repeats=len(q_QD), warm_up=3
            )
            p50, p99 = np.percentile(times, (50, 99))
            scores_QK, ids_QK = index.search(q_QD, k, allowed_N)
            best_QK = order_QN[:, : ids_QK.shape[1]]
            found = [np.isin(best, ids).mean() for best, ids in zip(best_QK, ids_QK, strict=True)]
            same = (ids_QK == best_QK).all(axis=1).mean()
            error = np.abs(scores_QK - np.take_along_axis(exact_QN, ids_QK, axis=1)).max()
            compared = [float(np.mean(found)), float(same), f"{error:.0e}"]
            yield [engine, kind, k, float(p50), float(p99), *compared]


def _next_searched(
    index: VectorIndex, asked: Iterator[NDArray[np.float32]], k: int, allowed_N: NDArray[np.bool_] | None
) -> None:
    index.search(next(asked)[None], k, allowed_N)


@contextmanager
def _server(folder: Path, address: str) -> Iterator[tuple[MilvusServer, psutil.Process | None]]:
    if address:
        os.environ["REFRACT_VECTORS"] = address
        yield milvus_server(), None
        return
    with small_milvus(folder / "milvus") as small:
        assert small.process is not None
        os.environ["REFRACT_VECTORS"] = small.address
        yield milvus_server(), psutil.Process(small.process.pid)


def _resident(process: psutil.Process | None) -> float:
    return process.memory_info().rss if process else float("nan")


if __name__ == "__main__":
    typer.run(main)
