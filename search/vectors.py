"""The nearest passages of a question: a FAISS index of float16 vectors, on the CPU or a GPU.

Shape suffixes: Q questions, N vectors, D embedding width, k results a question.
"""

import hashlib
import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.errors import ConfigurationError, IndexDamaged

FloatArray = NDArray[np.float32]

GPU_RESULTS = 2048
"""FAISS gives at most so many results a question on a GPU, and only to one thread at a time."""


class VectorIndex(Protocol):
    """Exact inner products over the passages of one generation, numbered from 0."""

    def __len__(self) -> int: ...

    def search(self, q_QD: FloatArray, k: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Scores and passage numbers (Q, min(k, N)), best first."""
        ...

    def vectors(self, ids: NDArray[np.int64]) -> FloatArray:
        """The stored vectors (len(ids), D): float16 values widened to float32."""
        ...


def check_installation() -> None:
    """Refuses an environment with both builds of FAISS, or with none.

    Raises:
        ConfigurationError: naming the command that mends it.
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


class FlatIndex:
    """An exact scan over float16 vectors; on a GPU where FAISS finds one.

    A question is scanned for on one thread. FAISS's number of threads is left alone: it shares OpenMP with
    torch, and one thread for FAISS would be one thread for embedding too.
    """

    def __init__(self, index: Any) -> None:
        self._stored = index
        self._on_gpu = _copy_to_gpu(index)
        self._gpu_in_use = Lock()

    @classmethod
    def build(cls, x_ND: NDArray[np.float16]) -> "FlatIndex":
        """An index of N vectors; they are stored as they are, without a second rounding."""
        index = faiss.IndexScalarQuantizer(
            x_ND.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        index.add(np.ascontiguousarray(x_ND, dtype=np.float32))
        return cls(index)

    def __len__(self) -> int:
        return int(self._stored.ntotal)

    def search(self, q_QD: FloatArray, k: int) -> tuple[FloatArray, NDArray[np.int64]]:
        rows, wanted = np.ascontiguousarray(q_QD, dtype=np.float32), min(k, len(self))
        if self._on_gpu is None or wanted > GPU_RESULTS:
            scores, ids = self._stored.search(rows, wanted)
        else:
            with self._gpu_in_use:
                scores, ids = self._on_gpu.search(rows, wanted)
        return scores, ids

    def vectors(self, ids: NDArray[np.int64]) -> FloatArray:
        x_ND: FloatArray = self._stored.reconstruct_batch(np.ascontiguousarray(ids, dtype=np.int64))
        return x_ND

    def save(self, path: Path) -> str:
        """Writes the index under a temporary name, makes it durable, renames it; gives its SHA-256."""
        path.parent.mkdir(parents=True, exist_ok=True)
        data = faiss.serialize_index(self._stored).tobytes()
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
        return hashlib.sha256(data).hexdigest()

    @classmethod
    def load(cls, path: Path, sha256: str) -> "FlatIndex":
        """Reads an index that `save` wrote; the hash is checked before FAISS sees a byte.

        Raises:
            IndexDamaged: the file is missing or is not the one that was written.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise IndexDamaged(f"The index file {path} cannot be read: {error.strerror}.") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise IndexDamaged(f"The index file {path} is damaged: its hash is not the one recorded.")
        return cls(faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8)))


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


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
