"""Questions are embedded once, and together where they come together."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from search.embedding.embedder import Embedder, VectorSpace
from search.embedding.query_encoder import BATCH, QueryEncoder

SPACE = VectorSpace("some model", "float32")


class Encode:
    """Texts to vectors that hold their length; waits until it may go on, and keeps its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, _: VectorSpace, texts: list[str]) -> NDArray[np.float32]:
        self.batches.append(texts)
        self.begun.set()
        assert self.go_on.wait(10)
        if "bad" in texts:
            raise ValueError("bad")
        return np.array([[len(text)] for text in texts], dtype=np.float32)


def test_what_comes_while_the_model_works_is_embedded_together() -> None:
    encode = Encode()
    embed = QueryEncoder(encode)
    texts = ["x" * number for number in range(1, 2 * BATCH)]
    with ThreadPoolExecutor(3 * BATCH) as pool:
        first = pool.submit(embed, SPACE, "first")
        assert encode.begun.wait(10)
        others = [pool.submit(embed, SPACE, text) for text in texts + texts[:5]]
        while len(embed._waiting) < len(texts):
            threading.Event().wait(0.01)
        encode.go_on.set()
        assert first.result(10) == [5]
        assert [int(other.result(10)[0]) for other in others] == [len(text) for text in texts + texts[:5]]
    assert [len(batch) for batch in encode.batches] == [1, BATCH, BATCH - 1]
    assert embed(SPACE, "first") == [5]
    assert len(encode.batches) == 3
    assert embed(VectorSpace("another", "float32"), "first") == [5]
    assert len(encode.batches) == 4


def test_a_model_that_is_slow_holds_up_no_other_one() -> None:
    slow, quick = Encode(), Encode()
    quick.go_on.set()
    embed = QueryEncoder(lambda space, texts: (slow if space == SPACE else quick)(space, texts))
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(embed, SPACE, "slow")
        assert slow.begun.wait(10)
        assert pool.submit(embed, VectorSpace("another", "float32"), "quick").result(10) == [5]
        slow.go_on.set()
        assert waiting.result(10) == [4]


def test_an_error_reaches_who_asked_and_is_not_kept() -> None:
    encode = Encode()
    encode.go_on.set()
    embed = QueryEncoder(encode)
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            embed(SPACE, "bad")
    assert embed(SPACE, "good") == [4]


def test_a_batch_gives_each_text_the_vector_that_it_has_alone(embedder: Embedder) -> None:
    texts = ["sort numbers", "a much longer question about reading files line by line", "sea"]
    together = embedder.encode_queries(texts)
    for text, vector_D in zip(texts, together, strict=True):
        assert float(vector_D @ embedder.encode_queries([text])[0]) == pytest.approx(1, abs=1e-3)
