"""Searches the vectors of a generation in a collection of a Milvus server, as exactly as a FAISS scan.

Milvus finds which vectors are nearest. What they score is worked out here, by FAISS, from the vectors that
come with them, so that scores are the same to the last bit whichever engine found them.

Shape suffixes: Q questions, N vectors, D embedding width, P vectors read.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import IndexDamaged, TooMuch, VectorsUnavailable
from search.index.atomic_files import open_checked, write_file
from search.index.faiss_index import FaissIndex, FloatArray, IntArray
from search.index.milvus_connection import FOR_BUILDS, FOR_SEARCHES, REPAIR, Patience
from search.index.milvus_server import ROW, MilvusServer, milvus_server
from search.index.recent_vectors import RecentVectors

MOST_HITS = 16_384
"""Milvus finds so many at most."""

MOST_LISTED = 16_384
"""So many rows are named in an expression at most."""

READ_BYTES = 32 << 20
WRITTEN_BYTES = 8 << 20
"""So much goes through one call; Milvus takes 64 MB."""

logger = logging.getLogger(__name__)


def prefix_of(installation: str) -> str:
    """Names what the collections of an installation begin with; several may share a server."""
    return f"refract_{installation}_"


class MilvusIndex:
    """Searches the vectors of one collection, which does not change any more. Its name has the number of its
    generation and the hash of its vectors, so that no other vectors are ever found under it."""

    exact = True

    def __init__(self, server: MilvusServer, name: str, rows: int, width: int) -> None:
        self._server = server
        self.name = name
        self._rows = rows
        self.width = width
        self._recent = RecentVectors(width)

    @classmethod
    def build(
        cls, server: MilvusServer, installation: str, generation: int, x_ND: NDArray[np.float16]
    ) -> "MilvusIndex":
        """Stores vectors in a collection, if it does not hold them already; drops what else is there of this
        generation.

        Raises:
            VectorsUnavailable: the server does not answer, or takes no more.
        """
        of_generation = f"{prefix_of(installation)}{generation}_"
        name = of_generation + hashlib.sha256(np.ascontiguousarray(x_ND).data).hexdigest()[:16]
        index = cls(server, name, *x_ND.shape)
        there = server.names(of_generation)
        if name not in there or index._missing(FOR_BUILDS):
            server.drop(name)
            server.create(name, index.width)
            index._write(x_ND)
            server.finish(name)
            if missing := index._missing(FOR_BUILDS):
                raise VectorsUnavailable(f"{missing} It was just written.", hint="Try again.")
        for other in there:
            if other != name:
                server.drop(other)
        return index

    def save(self, path: Path) -> str:
        """Writes into a file which collection it is; gives its SHA-256."""
        told = json.dumps({"collection": self.name, "rows": self._rows, "width": self.width})
        return write_file(path, lambda temporary: temporary.write_text(told, encoding="utf-8"))

    @classmethod
    def load(cls, path: Path, sha256: str) -> "MilvusIndex":
        """Opens the collection that a file tells of.

        Raises:
            IndexDamaged: the file is not the one that was written, or the collection is not whole.
            VectorsUnavailable: the server does not answer.
        """
        with open_checked(path, sha256) as file:
            told = json.load(file)
        index = cls(milvus_server(), told["collection"], told["rows"], told["width"])
        if missing := index._missing(FOR_SEARCHES):
            raise IndexDamaged(missing, hint=REPAIR)
        return index

    def __len__(self) -> int:
        return self._rows

    def search(
        self, q_QD: FloatArray, k: int, allowed_N: NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Finds scores and numbers (Q, at most k), best first and equal ones by number, of those vectors that
        are allowed.

        Raises:
            VectorsUnavailable: the server does not answer.
            IndexDamaged: its collection is gone, or does not hold all vectors any more.
        """
        allowed = None if allowed_N is None or allowed_N.all() else allowed_N
        rows = np.arange(self._rows) if allowed is None else np.flatnonzero(allowed)
        wanted = min(k, len(rows))
        scores_QK = np.zeros((len(q_QD), wanted), np.float32)
        ids_QK = np.zeros((len(q_QD), wanted), np.int64)
        questions = np.ascontiguousarray(q_QD, np.float32)
        if not wanted:
            return scores_QK, ids_QK
        if wanted == len(rows) or wanted > self._most:
            return self._scan(questions, wanted, rows)
        for at, q_D in enumerate(questions):
            scores_QK[at], ids_QK[at] = self._nearest(q_D, wanted, allowed, rows)
        return scores_QK, ids_QK

    def vectors(self, ids: IntArray) -> FloatArray:
        """Gives the stored vectors (len(ids), D).

        Raises:
            VectorsUnavailable: the server does not answer.
            IndexDamaged: its collection is gone, or does not hold them.
        """
        asked, places = np.unique(np.asarray(ids, np.int64), return_inverse=True)
        x_PD = np.zeros((len(asked), self.width), np.float32)
        for start in range(0, len(asked), self._most):
            block = asked[start : start + self._most]
            x_PD[start : start + len(block)] = self._recent.of(block, self._read)
        return x_PD[places]

    @property
    def _most(self) -> int:
        """So many vectors come with one answer at most."""
        return max(1, min(MOST_HITS, READ_BYTES // (4 * self.width)))

    def _nearest(
        self, q_D: FloatArray, wanted: int, allowed: NDArray[np.bool_] | None, rows: IntArray
    ) -> tuple[FloatArray, IntArray]:
        """Has Milvus find the nearest vectors. Which may be found is said in an expression where it is short;
        else more are asked for, and those that are not allowed are dropped."""
        where, within, depth = _expression(allowed, rows, self._rows), len(rows), wanted
        if where is None:
            within, depth = self._rows, self._deeper(wanted, wanted * self._rows // len(rows))
        while True:
            found, x_PD = self._server.search(self.name, q_D, depth, where or "")
            if len(np.unique(found)) != min(depth, within):  # fewer than there are
                logger.warning("Milvus found %d of %d vectors of %s.", len(found), depth, self.name)
                break
            kept = np.ones(len(found), bool) if allowed is None else allowed[found]
            if kept.sum() >= wanted:
                scores, ids = _scored(q_D[None], found[kept], x_PD[kept], wanted)
                self._recent.keep(found[kept], x_PD[kept])
                return scores[0], ids[0]
            if depth == self._most:
                break
            depth = self._deeper(wanted, depth)
        scores, ids = self._scan(q_D[None], wanted, rows)
        return scores[0], ids[0]

    def _deeper(self, wanted: int, depth: int) -> int:
        return min(self._most, self._rows, 2 * depth + wanted)

    def _scan(self, q_QD: FloatArray, wanted: int, rows: IntArray) -> tuple[FloatArray, IntArray]:
        """Reads these vectors, a block at a time, and keeps the nearest."""
        scores_QK = np.zeros((len(q_QD), 0), np.float32)
        ids_QK = np.zeros((len(q_QD), 0), np.int64)
        for start in range(0, len(rows), self._most):
            deadline.check()
            block = rows[start : start + self._most]
            scores, ids = _scored(q_QD, block, self._recent.of(block, self._read), wanted)
            scores_QK, ids_QK = _best(
                np.concatenate([scores_QK, scores], axis=1), np.concatenate([ids_QK, ids], axis=1), wanted
            )
        return scores_QK, ids_QK

    def _read(self, rows: IntArray) -> FloatArray:
        """Reads the vectors (P, D) of some rows, ascending."""
        first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)
        together = last - first + 1 == len(rows)
        where = f"{ROW} >= {first} and {ROW} <= {last}" if together else f"{ROW} in {_listed(rows)}"
        found, x_PD = self._server.read(self.name, where)
        order = np.argsort(found)
        if not np.array_equal(found[order], rows):
            raise IndexDamaged(
                f"The Milvus collection {self.name} holds {len(found):,} of {len(rows):,} vectors asked for.",
                hint=REPAIR,
            )
        return x_PD[order]

    def _write(self, x_ND: NDArray[np.float16]) -> None:
        """Stores all vectors, fewer at a time where the server takes less."""
        start, size = 0, max(1, WRITTEN_BYTES // (4 * self.width))
        while start < len(x_ND):
            try:
                self._server.write(self.name, start, x_ND[start : start + size])
            except TooMuch:
                if size == 1:
                    raise
                size //= 2
            else:
                start += size

    def _missing(self, patience: Patience) -> str:
        """Says what is missing of the collection; empty: it is whole."""
        try:
            there = self._server.count(self.name, patience)
        except IndexDamaged as damage:
            return damage.message
        told = f"The Milvus collection {self.name} holds {there:,} of {self._rows:,} vectors."
        return "" if there == self._rows else told


def _expression(allowed: NDArray[np.bool_] | None, rows: IntArray, of: int) -> str | None:
    """Says which rows may be found; None: that would be too long. They are written out: the small server
    knows no parameters."""
    if allowed is None:
        return ""
    if len(rows) <= MOST_LISTED:
        return f"{ROW} in {_listed(rows)}"
    if of - len(rows) <= MOST_LISTED:
        return f"{ROW} not in {_listed(np.flatnonzero(~allowed))}"
    return None


def _listed(rows: IntArray) -> str:
    return "[" + ",".join(map(str, rows.tolist())) + "]"


def _scored(q_QD: FloatArray, rows: IntArray, x_PD: Any, wanted: int) -> tuple[FloatArray, IntArray]:
    """Scores vectors as an index that holds them does; gives the best."""
    here = FaissIndex.build(x_PD.astype(np.float16), on_gpu=False)
    scores, at = here.search(q_QD, len(rows))
    return _best(scores, rows[at], wanted)


def _best(scores_QP: FloatArray, rows_QP: IntArray, wanted: int) -> tuple[FloatArray, IntArray]:
    order = np.lexsort((rows_QP, -scores_QP), axis=1)[:, :wanted]
    return np.take_along_axis(scores_QP, order, axis=1), np.take_along_axis(rows_QP, order, axis=1)
