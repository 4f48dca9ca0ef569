"""This benchmark says what a GPU does for Refract, beside this machine's processor.

    python -m benchmarks.gpu SHARED_DATA_FOLDER [--passages 20000] [--vectors 100000 1000000]

*Embedding*: passages a second of the default model, real paragraphs, in each precision; its share of the
limit is the products that the model's layers need, beside what products of large matrices reach here in the
same precision. *Features*: vectors a second that the shipped dictionary takes apart. *FAISS*: questions a
second, 100 results each, asked one at a time and 64 at a time. Without a GPU the processor
alone is measured. One command runs it and the tests: `pytest -m gpu && python -m benchmarks.gpu DATA`.

Shape suffixes: Q questions, N vectors, D embedding width.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks.harness.common import read_corpus, report, table
from search.dictionary.artifact import shipped
from search.embedding.embedder import PRECISIONS, Embedder, load_embedder
from search.index.faiss_index import FaissIndex

CORPUS = "openstax_paragraphs"
LAYERS, WIDTH = 6, 384  # of the default model
PRODUCTS = LAYERS * (4 + 8) * WIDTH * WIDTH
"""Multiplications a token: four of the model's width squared in attention, eight in what follows it."""

SIDE = 4096
RESULTS, TOGETHER, ROUNDS = 100, 64, 5
CPU_PASSAGES = 500
SECONDS = 5.0

Rows = list[list[object]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a GPU does.")
    parser.add_argument("shared", type=Path)
    parser.add_argument("--passages", type=int, default=20_000)
    parser.add_argument("--vectors", type=int, nargs="+", default=[100_000, 1_000_000])
    given = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "no GPU, its processor"
    texts = [record["text"] for record in islice(read_corpus(given.shared, CORPUS), given.passages)]
    rows = embedding(texts, device)
    rows += features(device)
    for count in given.vectors:
        rows += searching(count)
    report("gpu", f"{name}\n\n{table(['what', 'where', 'a second', 'of the limit'], rows)}", {"rows": rows})


def embedding(texts: Sequence[str], device: str) -> Rows:
    """Measures how many passages are embedded, the longest first as in a build."""
    ordered = sorted(texts if device == "cuda" else texts[:CPU_PASSAGES], key=len, reverse=True)
    rows: Rows = []
    for precision in PRECISIONS if device == "cuda" else ("float32", "bfloat16"):
        embedder = load_embedder(precision=precision)
        embedder.encode(ordered[:64])
        begun = time.perf_counter()
        embedder.encode(ordered)
        spent = time.perf_counter() - begun
        reached = tokens(embedder, ordered) * PRODUCTS / spent
        share = reached / products_a_second(precision, device)
        rows.append([f"passages embedded, {precision}", device, len(ordered) / spent, f"{share:.0%}"])
    return rows


def tokens(embedder: Embedder, texts: Sequence[str]) -> int:
    """Counts the tokens that the model reads."""
    tokenizer = Tokenizer.from_str(embedder.tokenizer_json)
    tokenizer.enable_truncation(embedder.max_tokens)
    return sum(len(each.ids) for each in tokenizer.encode_batch(list(texts)))


def products_a_second(precision: str, device: str) -> float:
    """Measures what products of large matrices reach: multiplications a second, the best of several."""
    side = SIDE if device == "cuda" else SIDE // 4
    a, b = (torch.randn(side, side, device=device, dtype=PRECISIONS[precision]) for _ in range(2))

    def multiply() -> None:
        _ = a @ b
        if device == "cuda":
            torch.cuda.synchronize()

    return side**3 * max(rate(multiply) for _ in range(ROUNDS))


def features(device: str) -> Rows:
    """Measures how many vectors the dictionary takes apart."""
    base = shipped(load_embedder().space.model)
    assert base is not None
    x_ND = unit(16_384, base.dictionary.width)
    rows: Rows = []
    for where in dict.fromkeys((device, "cpu")):
        share = x_ND if where == "cuda" else x_ND[:2048]
        base.dictionary.encode(share[:256], device=where)
        each = rate(lambda x=share, at=where: base.dictionary.encode(x, device=at))  # type: ignore[misc]
        rows.append(["vectors taken apart", where, each * len(share), ""])
    return rows


def searching(count: int) -> Rows:
    """Measures how many questions FAISS answers among so many vectors."""
    x_ND, q_QD = unit(count, WIDTH), unit(TOGETHER, WIDTH).astype(np.float32)
    rows: Rows = []
    on_gpu = hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0
    for where in ("cuda", "cpu") if on_gpu else ("cpu",):
        index = FaissIndex.build(x_ND, on_gpu=where == "cuda")
        for at_once in (1, TOGETHER):
            asked = rate(lambda q=q_QD[:at_once], found=index: found.search(q, RESULTS))  # type: ignore[misc]
            rows.append([f"questions among {count:,}, {at_once} at a time", where, asked * at_once, ""])
    return rows


def unit(count: int, width: int) -> NDArray[np.float16]:
    """Draws unit vectors (N, D)."""
    x_ND = np.random.default_rng(0).standard_normal((count, width), dtype=np.float32)
    x_ND /= np.linalg.norm(x_ND, axis=1, keepdims=True)
    return x_ND.astype(np.float16)


def rate(call: Callable[[], object]) -> float:
    """Measures how often a call is done in a second, in some seconds, after one that does not count."""
    call()
    begun, times = time.perf_counter(), 0
    while time.perf_counter() - begun < SECONDS:
        call()
        times += 1
    return times / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
