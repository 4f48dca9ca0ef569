"""The benchmarks share cached embeddings, snapshots without a database, tables and timings.

Shape suffixes: N texts or passages, D embedding width.
"""

import gzip
import hashlib
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.dictionary.naming import centred, mined_rows, with_own_names
from search.dictionary.artifact import shipped
from search.dictionary.autoencoder import Dictionary
from search.dictionary.labels import unwritten_labels
from search.dictionary.lexicon import general_lexicon
from search.embedding.embedder import Embedder, load_embedder
from search.index.agreement import about
from search.index.bm25 import Counts
from search.index.document_names import Names
from search.index.faiss_index import FaissIndex
from search.index.passage_features import PassageFeatures
from search.index.snapshot import Mark, Rows, Snapshot, Visible

FOLDER = Path(__file__).parents[1]
CACHE = Path(os.environ.get("BENCHMARK_CACHE", FOLDER / ".cache"))
RESULTS = FOLDER / "results"
PRECISION = os.environ.get("BENCHMARK_PRECISION", "bfloat16")  # not what is fastest today

FloatArray = NDArray[np.float32]


def embedder() -> Embedder:
    """Loads the default model, always in the same precision."""
    return load_embedder(precision=PRECISION)


def embedded(texts: Sequence[str]) -> NDArray[np.float16]:
    """Embeds texts as unit vectors (N, D), or reads them from the cache if the same texts were embedded
    before."""
    path = cache_file(texts)
    if path.is_file():
        found: NDArray[np.float16] = np.load(path)
        return found
    order = np.argsort([-len(text) for text in texts], kind="stable")  # longest first: little padding
    sorted_ND = embedder().encode([texts[i] for i in order])
    x_ND = np.empty_like(sorted_ND)
    x_ND[order] = sorted_ND
    CACHE.mkdir(exist_ok=True)
    np.save(path, x_ND)
    return x_ND


def cache_file(texts: Sequence[str]) -> Path:
    """Names the file that the vectors of these texts are kept in: a hash of the texts and the vector
    space."""
    digest = hashlib.sha256(repr(astuple(embedder().space)).encode())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return CACHE / f"{digest.hexdigest()[:24]}.npy"


def embedded_queries(queries: Sequence[str]) -> FloatArray:
    """Embeds questions as the search does (N, D): one at a time, not rounded."""
    return np.stack([embedder().encode_queries([query])[0] for query in queries])


def built_dictionary(x_ND: NDArray[np.float16], texts: Sequence[str] = ()) -> Dictionary:
    """Makes what a build gives a collection of these passages; without their texts it has no names of its
    own."""
    base = shipped(embedder().space.model)
    assert base is not None
    if not texts:
        return centred(base.dictionary, x_ND)
    rows = mined_rows(len(x_ND))
    mined = [texts[row] for row in rows.tolist()]
    return with_own_names(base.dictionary, mined, x_ND[rows], general_lexicon(), embedded)


def snapshot_of(
    x_ND: NDArray[np.float16],
    document_N: NDArray[np.int64],
    dictionary: Dictionary,
    index: FaissIndex | None = None,
    texts: Sequence[str] = (),
) -> Snapshot:
    """Makes the snapshot that the search would hold of these passages, without a database. Without their
    texts they have no words."""
    acts_NF = dictionary.encode(x_ND).matrix(dictionary.features)
    counts = Counts.of(texts or [""] * len(x_ND))
    rows = Rows(
        base=index or FaissIndex.build(x_ND),
        words=counts,
        features=PassageFeatures.of(document_N, acts_NF, about(acts_NF, counts, dictionary)),
        names=Names(),
        added_AD=x_ND[:0],
        added_words=Counts.of([]),
        added_features=PassageFeatures.none(dictionary.features),
    )
    return Snapshot(
        collection_id=0,
        collection="benchmark",
        mark=Mark(generation=0, version=0, labels_version=0, presets_version=0, repairs_version=0),
        space=embedder().space,
        dictionary_id=0,
        dictionary=dictionary,
        labels=unwritten_labels(dictionary),
        rows=rows,
        visible=Visible.of(rows, np.arange(len(x_ND))),
    )


def read_corpus(shared: Path, name: str) -> Iterator[dict[str, Any]]:
    """Reads the records of one of the corpora, in the file's order."""
    with gzip.open(shared / "corpora" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def median_ms(call: Callable[[], object], *, repeats: int, warm_up: int = 3) -> float:
    """Measures the median time of a call in milliseconds."""
    return statistics.median(times_ms(call, repeats=repeats, warm_up=warm_up))


def times_ms(call: Callable[[], object], *, repeats: int, warm_up: int = 3) -> list[float]:
    """Measures the time of each call in milliseconds, after some that do not count."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return times


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Writes a Markdown table; floats get three digits."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def report(name: str, markdown: str, record: dict[str, Any]) -> None:
    """Prints a benchmark's table and saves its numbers, with the machine and the time, as JSON."""
    RESULTS.mkdir(exist_ok=True)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"benchmark": name, "when": when, "machine": machine(), **record}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{markdown}\n\n{machine()}")


def machine() -> str:
    """Writes one line about where this runs and how busy it is."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = (
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if "model name" in line
        )
        model = next(names, model)
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}"


def _cell(cell: object) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
