"""The query encoder embeds each question once, and those that come at the same time in one batch."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from search.cache import LRUCache
from search.deadline import unhurried
from search.embedding.embedder import VectorSpace, embedder_of

KEPT_BYTES = 16 << 20
TEXT_BYTES = 4_000
"""What a question takes at most beside its vector, about."""

BATCH = 32

FloatArray = NDArray[np.float32]
Encode = Callable[[VectorSpace, list[str]], FloatArray]


class QueryEncoder:
    """Embeds questions for many threads.

    A text that was embedded lately is not embedded again. While the model is at work others wait, and are
    then embedded in one turn: the first of them takes all that came meanwhile. (In half precision the model
    still reads them one by one.)
    """

    def __init__(self, encode: Encode | None = None) -> None:
        self._encode = encode or _encode
        self._known: LRUCache[tuple[VectorSpace, str], FloatArray] = LRUCache(
            KEPT_BYTES, lambda vector_D: vector_D.nbytes + TEXT_BYTES, name="embeddings"
        )
        self._waiting: dict[tuple[VectorSpace, str], Future[FloatArray]] = {}
        self._lock = Lock()
        # Each space by itself: an endpoint that is slow holds up no other model.
        self._at_work: defaultdict[VectorSpace, Lock] = defaultdict(Lock)

    def __call__(self, space: VectorSpace, text: str) -> FloatArray:
        """Gives the unit vector (D,) of a question, not rounded."""
        key = (space, text)
        known = self._known.known(key)
        if known is not None:
            return known
        with self._lock:
            promised = self._waiting.setdefault(key, Future())
            at_work = self._at_work[space]
        with at_work:
            while not promised.done():
                self._work(space)
        return promised.result()

    def _work(self, space: VectorSpace) -> None:
        """Embeds what waits, of one model, the longest-waiting first."""
        with self._lock:
            keys = [key for key in self._waiting if key[0] == space][:BATCH]
            batch = {key: self._waiting.pop(key) for key in keys}
        try:
            with unhurried():  # others wait for it too
                vectors = self._encode(space, [text for _, text in batch])
        except BaseException as error:
            for promised in batch.values():
                promised.set_exception(error)
            return
        for (key, promised), vector_D in zip(batch.items(), vectors, strict=True):
            self._known.put(key, vector_D)
            promised.set_result(vector_D)


def _encode(space: VectorSpace, texts: list[str]) -> FloatArray:
    return embedder_of(space).encode_queries(texts)
