"""Finds the nearest passages of a question in a FAISS index of float16 vectors, on the CPU or a GPU.

Shape suffixes: Q questions, N vectors, D embedding width, k results a question.
"""

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.db.recipe import IndexKind
from search.errors import ConfigurationError
from search.index.atomic_files import open_checked, write_file

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

GPU_RESULTS = 2048
"""FAISS gives at most so many results a question on a GPU, and only to one thread at a time."""

MAPS = os.name == "posix"
"""FAISS maps files there."""

MOSTLY, SPARE = 0.25, 1.5
"""Where so large a part is allowed, so many times what is likely to be enough is taken of the nearest."""

REFINED, LEAST_REFINED = 4, 2000
"""So many times the vectors that are asked for, and so many at least, are compared after a scan of bits."""

SMALL = 50
"""A detour by the nearest of all has to be by one in so many of them at most."""

MEAN_OF = 50_000  # bits tell on which side of the mean of so many vectors another one is
ADDED_ROWS = 10_000  # so many are in memory as float32 at once


class VectorIndex(Protocol):
    """Computes inner products over passages, numbered from 0. Which of them are live is not its business:
    whoever searches says which are allowed.

    `width`: how many numbers a vector has. `exact`: it finds the nearest ones, and not most of them.
    """

    @property
    def width(self) -> int: ...

    @property
    def exact(self) -> bool: ...

    def __len__(self) -> int: ...

    def search(
        self, q_QD: FloatArray, k: int, allowed_N: NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Finds scores and passage numbers (Q, at most k), best first, of those passages that are allowed."""
        ...

    def vectors(self, ids: IntArray) -> FloatArray:
        """Gives the stored vectors (len(ids), D): float16 values widened to float32."""
        ...


def check_installation() -> None:
    """Refuses an environment with both builds of FAISS, or with none.

    Raises:
        ConfigurationError: both builds or none are installed; the hint is the command that mends it.
    """
    found = [name for name in ("faiss-cpu", "faiss-gpu") if _installed(name)]
    if len(found) == 2:
        raise ConfigurationError(
            "Both faiss-cpu and faiss-gpu are installed; they overwrite each other's files.",
            hint="Run: pip uninstall -y faiss-cpu faiss-gpu, then install refract[cpu] or refract[gpu].",
        )
    if not found:
        raise ConfigurationError("FAISS is not installed.", hint="Install refract[cpu] or refract[gpu].")


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


check_installation()
import faiss  # noqa: E402 - a clear message comes before the import that would fail


class FaissIndex:
    """Searches float16 vectors with FAISS: `flat` scans them all; `rabitq` scans a bit of each number after a
    random rotation (Gao and Long 2024, https://arxiv.org/abs/2405.12497) and compares the best whole.

    A flat one is copied to a GPU where FAISS finds one. A question is scanned for on one thread. FAISS's
    number of threads is left alone: it shares OpenMP with torch, and one thread for FAISS would be one thread
    for embedding too.
    """

    def __init__(self, index: Any, *, on_gpu: bool = True) -> None:
        self._stored = index
        self._vectors = index if self.exact else faiss.downcast_index(index.refine_index)
        self._on_gpu = _copy_to_gpu(index) if on_gpu and self.exact else None
        self._gpu_in_use = Lock()

    @classmethod
    def build(
        cls, x_ND: NDArray[np.float16], kind: IndexKind = "flat", *, on_gpu: bool = True
    ) -> "FaissIndex":
        """Builds an index of N vectors; they are stored as they are, without a second rounding."""
        index = _scan(x_ND.shape[1]) if kind == "flat" else _bits(x_ND)
        for start in range(0, len(x_ND), ADDED_ROWS):
            index.add(_widened(x_ND[start : start + ADDED_ROWS]))
        return cls(index, on_gpu=on_gpu)

    def __len__(self) -> int:
        return int(self._stored.ntotal)

    @property
    def width(self) -> int:
        return int(self._stored.d)

    @property
    def exact(self) -> bool:
        return not isinstance(self._stored, faiss.IndexRefine)

    def search(
        self, q_QD: FloatArray, k: int, allowed_N: NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Finds scores and numbers (Q, at most k), best first, of those vectors that are allowed."""
        rows = np.ascontiguousarray(q_QD, dtype=np.float32)
        wanted = min(k, len(self) if allowed_N is None else int(np.count_nonzero(allowed_N)))
        if wanted == 0:
            return np.zeros((len(rows), 0), np.float32), np.zeros((len(rows), 0), np.int64)
        if self._on_gpu is None or wanted > GPU_RESULTS or allowed_N is not None:  # a GPU cannot leave out
            scores, ids = self._on_cpu(rows, wanted, allowed_N)
        else:
            with self._gpu_in_use:
                scores, ids = self._on_gpu.search(rows, wanted)
        return scores, ids

    def _on_cpu(
        self, q_QD: FloatArray, wanted: int, allowed_N: NDArray[np.bool_] | None
    ) -> tuple[FloatArray, IntArray]:
        if allowed_N is None:
            return self._nearest(q_QD, wanted)
        found = self._among_nearest(q_QD, wanted, allowed_N)
        if found is not None:
            return found
        bitmap: Any = np.packbits(allowed_N, bitorder="little")
        params = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bitmap))  # type: ignore[call-arg]
        return self._vectors.search(q_QD, wanted, params=params)

    def _nearest(self, q_QD: FloatArray, wanted: int) -> tuple[FloatArray, IntArray]:
        depth = max(REFINED * wanted, LEAST_REFINED)
        if self.exact or depth * SMALL > len(self):
            return self._vectors.search(q_QD, wanted)
        params = faiss.IndexRefineSearchParameters(k_factor=depth / wanted)  # type: ignore[call-arg]
        return self._stored.search(q_QD, wanted, params=params)  # type: ignore[no-any-return]

    def _among_nearest(
        self, q_QD: FloatArray, wanted: int, allowed_N: NDArray[np.bool_]
    ) -> tuple[FloatArray, IntArray] | None:
        """Finds what is allowed among the nearest of all; None where that is not enough, or is not likely to
        be. A scan that asks of every vector whether it is allowed takes twice as long."""
        share = np.count_nonzero(allowed_N) / len(self)
        depth = int(wanted / max(share, MOSTLY) * SPARE)
        if share < MOSTLY or depth * SMALL > len(self) or len(q_QD) > 1:
            return None
        scores, ids = self._nearest(q_QD, depth)
        kept = allowed_N[ids[0]]
        if int(kept.sum()) < wanted:
            return None
        return scores[:, kept][:, :wanted], ids[:, kept][:, :wanted]

    def vectors(self, ids: IntArray) -> FloatArray:
        if not len(ids):
            return np.zeros((0, self.width), np.float32)
        x_ND: FloatArray = self._vectors.reconstruct_batch(np.ascontiguousarray(ids, dtype=np.int64))
        return x_ND

    def save(self, path: Path) -> str:
        """Writes the index into a file; gives its SHA-256."""
        return write_file(path, lambda temporary: faiss.write_index(self._stored, str(temporary)))

    @classmethod
    def load(cls, path: Path, sha256: str) -> "FaissIndex":
        """Maps an index that `save` wrote (or reads it, where FAISS cannot map); the hash is checked before
        FAISS sees a byte, which also brings it into memory: a mapped one is read in no order.

        Raises:
            IndexDamaged: the file is missing or is not the one that was written.
        """
        with open_checked(path, sha256):
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if MAPS else 0))


def _scan(width: int) -> Any:
    return faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _widened(x_ND: NDArray[Any]) -> FloatArray:
    return np.ascontiguousarray(x_ND, dtype=np.float32)


def _bits(x_ND: NDArray[Any]) -> Any:
    width = x_ND.shape[1]
    rotation = faiss.RandomRotationMatrix(width, width)
    rotation.init(0)
    bits = faiss.IndexRaBitQFastScan(width, faiss.METRIC_INNER_PRODUCT)
    index = faiss.IndexRefine(faiss.IndexPreTransform(rotation, bits), _scan(width))
    if len(x_ND):
        index.train(_widened(x_ND[:: -(-len(x_ND) // MEAN_OF)]))
    return index


def _copy_to_gpu(index: Any) -> Any:
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        return None
    # A GPU has no flat scalar-quantised index; its flat one keeps float16 itself.
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    resources = faiss.StandardGpuResources()
    flat = faiss.GpuIndexFlatIP(resources, index.d, config)
    flat.add(index.reconstruct_n(0, index.ntotal))
    return flat
