"""What every vector engine does, against numpy; and that it is the same whichever does it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from search.errors import IndexDamaged
from search.index import faiss_index
from search.index.faiss_index import FaissIndex, VectorIndex
from search.index.milvus_index import MilvusIndex
from search.index.milvus_server import milvus_server
from tests.support.milvus import SmallMilvus

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
ROWS, WIDTH = 6000, 16

Float16s = NDArray[np.float16]
Build = Callable[[Float16s], VectorIndex]


X_ND = RNG.normal(size=(ROWS, WIDTH)).astype(np.float16)
X_ND[RNG.permutation(ROWS)[:600]] = X_ND[RNG.integers(0, 100, 600)]  # some tie


def _build(engine: str, x_ND: Float16s) -> VectorIndex:
    if engine == "milvus":
        return MilvusIndex.build(milvus_server(), "0123456789ab", len(x_ND), x_ND)
    return FaissIndex.build(x_ND, "rabitq" if engine == "faiss rabitq" else "flat")


@pytest.fixture(params=["faiss flat", "faiss rabitq", "milvus"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def build(engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Build:
    if engine == "milvus":
        server: SmallMilvus = request.getfixturevalue("milvus")
        monkeypatch.setenv("REFRACT_VECTORS", server.address)
    monkeypatch.setattr(faiss_index, "SMALL", 2)  # so that bits are scanned of so few
    return lambda x_ND: _build(engine, x_ND)


@pytest.fixture
def index(build: Build) -> VectorIndex:
    return build(X_ND)


def _allowed(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    allowed_N = np.zeros(ROWS, bool)
    allowed_N[rows] = True
    return allowed_N


ALLOWED = {
    "none": _allowed(np.array([], np.int64)),
    "one": _allowed(np.array([17])),
    "few": _allowed(RNG.permutation(ROWS)[:40]),
    "half": _allowed(RNG.permutation(ROWS)[: ROWS // 2]),
    "all but few": ~_allowed(RNG.permutation(ROWS)[:40]),
    "all": np.ones(ROWS, bool),
    "not said": None,
}


@pytest.mark.parametrize("k", [1, 10, 100, 2500, ROWS + 5])
@pytest.mark.parametrize("which", ALLOWED)
def test_the_nearest_of_those_allowed_are_found(index: VectorIndex, which: str, k: int) -> None:
    q_QD = RNG.normal(size=(3, WIDTH)).astype(np.float32)
    allowed_N = ALLOWED[which]
    scores_QK, ids_QK = index.search(q_QD, k, allowed_N)
    may = np.arange(ROWS) if allowed_N is None else np.flatnonzero(allowed_N)
    wanted = min(k, len(may))
    assert scores_QK.shape == ids_QK.shape == (3, wanted)
    assert scores_QK.dtype == np.float32
    assert ids_QK.dtype == np.int64
    exact_QN = q_QD @ X_ND.astype(np.float32).T
    for q, ids in enumerate(ids_QK):
        assert len(set(ids.tolist())) == wanted
        assert np.isin(ids, may).all()
        assert (np.diff(scores_QK[q]) <= 0).all()
        np.testing.assert_allclose(scores_QK[q], exact_QN[q, ids], atol=1e-5)
        best = -np.sort(-exact_QN[q, may])[:wanted]
        if index.exact:  # which of two that tie is found is not said
            np.testing.assert_allclose(scores_QK[q], best, atol=1e-5)


def test_vectors_are_given_as_they_were_stored(index: VectorIndex) -> None:
    assert (len(index), index.width) == (ROWS, WIDTH)
    for ids in (RNG.permutation(ROWS)[:300], np.array([5, 5, 3, ROWS - 1, 5]), np.arange(100, 200)):
        found_PD = index.vectors(ids)
        assert found_PD.dtype == np.float32
        np.testing.assert_array_equal(found_PD, X_ND[ids].astype(np.float32))
    assert index.vectors(np.zeros(0, np.int64)).shape == (0, WIDTH)


def test_one_vector_is_an_index(build: Build) -> None:
    x_ND = X_ND[:1]
    index = build(x_ND)
    scores, ids = index.search(np.ones((1, WIDTH), np.float32), 10)
    assert ids.tolist() == [[0]]
    assert scores[0, 0] == pytest.approx(x_ND.astype(np.float32).sum(), abs=1e-5)


def test_exactness_is_declared(engine: str, index: VectorIndex) -> None:
    assert index.exact == (engine != "faiss rabitq")


def test_an_index_is_opened_again(engine: str, index: VectorIndex, tmp_path: Path) -> None:
    kind = MilvusIndex if engine == "milvus" else FaissIndex
    assert isinstance(index, kind)
    sha256 = index.save(tmp_path / "x")
    again = kind.load(tmp_path / "x", sha256)
    q_QD = RNG.normal(size=(2, WIDTH)).astype(np.float32)
    for found, expected in zip(again.search(q_QD, 50), index.search(q_QD, 50), strict=True):
        np.testing.assert_array_equal(found, expected)
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(IndexDamaged):
        kind.load(tmp_path / "x", sha256)


def test_scores_are_the_same_to_the_last_bit_whichever_engine_found_them(
    milvus: SmallMilvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRACT_VECTORS", milvus.address)
    q_QD = RNG.normal(size=(2, WIDTH)).astype(np.float32)
    for allowed_N in ALLOWED.values():
        for k in (10, 2500):
            found = _build("milvus", X_ND).search(q_QD, k, allowed_N)[0]
            np.testing.assert_array_equal(found, _build("faiss flat", X_ND).search(q_QD, k, allowed_N)[0])


def test_filters_too_long_to_be_said_are_applied_to_what_is_found(
    milvus: SmallMilvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all that Milvus finds is not allowed: then they are read."""
    monkeypatch.setenv("REFRACT_VECTORS", milvus.address)
    x_ND = RNG.normal(size=(33_200, 4)).astype(np.float16)
    index = _build("milvus", x_ND)
    q_QD = RNG.normal(size=(1, 4)).astype(np.float32)
    exact_N = (q_QD @ x_ND.astype(np.float32).T)[0]
    order = np.argsort(-exact_N, kind="stable")
    halves = {"mixed": RNG.permutation(33_200)[:16_600], "farthest": order[16_600:]}
    for name, rows in halves.items():
        allowed_N = np.zeros(33_200, bool)
        allowed_N[rows] = True
        scores_QK, ids_QK = index.search(q_QD, 100, allowed_N)
        assert allowed_N[ids_QK[0]].all(), name
        np.testing.assert_allclose(scores_QK[0], -np.sort(-exact_N[rows])[:100], atol=1e-5)
    deep_QK, _ = index.search(q_QD, 17_000)  # more than Milvus finds
    np.testing.assert_allclose(deep_QK[0], exact_N[order[:17_000]], atol=1e-5)
