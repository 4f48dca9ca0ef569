"""FAISS: exact inner products over float16, files that are trusted only when their hash is right."""

from pathlib import Path

import numpy as np
import pytest

from search.db.recipe import IndexKind
from search.errors import ConfigurationError, IndexDamaged
from search.index import faiss_index
from search.index.faiss_index import FaissIndex, check_installation

RNG = np.random.default_rng(0)
ROWS = 5000
X_ND = RNG.normal(size=(500, 32)).astype(np.float16)
Q_QD = RNG.normal(size=(3, 32)).astype(np.float32)


def test_the_order_is_that_of_the_inner_products() -> None:
    index = FaissIndex.build(X_ND)
    scores, ids = index.search(Q_QD, 1000)
    exact = Q_QD @ X_ND.astype(np.float32).T
    assert scores.shape == ids.shape == (3, len(index))
    np.testing.assert_array_equal(ids, np.argsort(-exact, axis=1, kind="stable"))
    np.testing.assert_allclose(scores, -np.sort(-exact, axis=1), atol=1e-4)


def test_vectors_come_back_as_they_went_in() -> None:
    ids = np.array([7, 7, 499, 0])
    np.testing.assert_array_equal(FaissIndex.build(X_ND).vectors(ids), X_ND[ids].astype(np.float32))


def test_a_saved_index_is_the_same_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "vectors.faiss"
    index = FaissIndex.build(X_ND)
    sha256 = index.save(path)
    assert [file.name for file in path.parent.iterdir()] == ["vectors.faiss"]
    again = FaissIndex.load(path, sha256)
    np.testing.assert_array_equal(again.search(Q_QD, 20)[1], index.search(Q_QD, 20)[1])


@pytest.mark.parametrize("kind", ["flat", "rabitq"])
@pytest.mark.parametrize("maps", [True, False])
def test_a_mapped_index_gives_what_the_built_one_gives_to_the_last_bit(
    tmp_path: Path, kind: IndexKind, maps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_index, "MAPS", maps)
    monkeypatch.setattr(faiss_index, "SMALL", 2)
    x_ND = RNG.normal(size=(ROWS, 32)).astype(np.float16)
    index, path = FaissIndex.build(x_ND, kind), tmp_path / "vectors.faiss"
    sha256 = index.save(path)
    again = FaissIndex.load(path, sha256)
    assert (str(path) in Path("/proc/self/maps").read_text()) == maps
    allowed_N = RNG.random(ROWS) < 0.1
    for k in (1, 10, 1000):
        for allowed in (None, allowed_N):
            for found, mapped in zip(
                index.search(Q_QD, k, allowed), again.search(Q_QD, k, allowed), strict=True
            ):
                np.testing.assert_array_equal(found, mapped)
    ids = RNG.integers(0, ROWS, 200)
    np.testing.assert_array_equal(index.vectors(ids), again.vectors(ids))
    assert again.save(tmp_path / "again") == sha256


@pytest.mark.parametrize("share", [0.9, 0.5, 0.3, 0.1])
def test_what_is_allowed_is_found_however_much_that_is(share: float) -> None:
    x_ND = RNG.normal(size=(20_000, 32)).astype(np.float16)
    index, allowed_N = FaissIndex.build(x_ND), RNG.random(len(x_ND)) < share
    turned_away_N = allowed_N & (x_ND.astype(np.float32) @ Q_QD[0] < 0)  # none of the nearest is allowed
    for allowed in (allowed_N, turned_away_N):
        ids = np.flatnonzero(allowed)
        scores, found = index.search(Q_QD[:1], 50, allowed)
        expected = np.sort(x_ND[ids].astype(np.float32) @ Q_QD[0])[::-1][:50]
        np.testing.assert_allclose(scores[0], expected, atol=1e-3)
        assert allowed[found[0]].all()
        assert len(set(found[0].tolist())) == 50


@pytest.mark.parametrize("kind", ["flat", "rabitq"])
def test_an_index_of_nothing_comes_back(tmp_path: Path, kind: IndexKind) -> None:
    sha256 = FaissIndex.build(X_ND[:0], kind).save(tmp_path / "x")
    again = FaissIndex.load(tmp_path / "x", sha256)
    assert len(again) == 0
    assert again.search(Q_QD, 5)[1].shape == (3, 0)


def test_a_mapped_index_stays_though_its_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "vectors.faiss"
    mapped = FaissIndex.load(path, FaissIndex.build(X_ND).save(path))
    FaissIndex.build(X_ND[:10]).save(path)
    np.testing.assert_array_equal(mapped.vectors(np.array([499])), X_ND[[499]].astype(np.float32))


def test_a_file_that_is_not_the_one_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.faiss"
    sha256 = FaissIndex.build(X_ND).save(path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], whole[:40] + b"\0" + whole[41:], whole + b"\0"):
        path.write_bytes(damaged)
        if damaged != whole:
            with pytest.raises(IndexDamaged, match="hash"):
                FaissIndex.load(path, sha256)
    path.unlink()
    with pytest.raises(IndexDamaged, match="cannot be read"):
        FaissIndex.load(path, sha256)


@pytest.mark.parametrize(
    ("present", "word"), [((), "not installed"), (("faiss-cpu", "faiss-gpu"), "Both faiss-cpu and faiss-gpu")]
)
def test_both_or_no_faiss_is_refused(
    monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], word: str
) -> None:
    monkeypatch.setattr(faiss_index, "_installed", present.__contains__)
    with pytest.raises(ConfigurationError, match=word) as error:
        check_installation()
    assert "refract[cpu]" in error.value.hint


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets bits be scanned where it would be quicker to scan all."""
    monkeypatch.setattr(faiss_index, "SMALL", 2)


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("share", [None, 0.5, 0.05])
def test_bits_find_what_a_scan_finds_and_score_it_the_same(share: float | None) -> None:
    centre = RNG.normal(size=64) * 3  # far from the origin, as the texts of a model may be
    x_ND = (centre + RNG.normal(size=(20_000, 64))).astype(np.float16)
    allowed_N = None if share is None else RNG.random(len(x_ND)) < share
    bits, scan = FaissIndex.build(x_ND, "rabitq"), FaissIndex.build(x_ND)
    for q_QD in np.split(x_ND[:50].astype(np.float32) + RNG.normal(size=(50, 64)).astype(np.float32), 50):
        (scores,), (found,) = bits.search(q_QD, 10, allowed_N)
        exact = x_ND[found].astype(np.float32) @ q_QD[0]
        np.testing.assert_allclose(scores, exact, rtol=1e-4)
        assert len({*found.tolist()} & {*scan.search(q_QD, 10, allowed_N)[1][0].tolist()}) >= 9
        np.testing.assert_array_equal(bits.vectors(found), scan.vectors(found))


@pytest.mark.parametrize("allowed", [1, 100])
def test_what_a_filter_leaves_is_found_to_the_last_whatever_the_kind(allowed: int) -> None:
    allowed_N = np.zeros(len(X_ND), np.bool_)
    allowed_N[:allowed] = True
    _, found = FaissIndex.build(X_ND, "rabitq").search(Q_QD, 1000, allowed_N)
    assert [sorted(row) for row in found.tolist()] == [list(range(allowed))] * 3


def test_few_vectors_are_scanned_whole_whatever_the_kind(tmp_path: Path) -> None:
    index = FaissIndex.build(X_ND, "rabitq")
    sha256 = index.save(tmp_path / "x")
    again = FaissIndex.load(tmp_path / "x", sha256)
    q_QD = X_ND[:2].astype(np.float32)
    np.testing.assert_array_equal(again.search(q_QD, 5)[1], FaissIndex.build(X_ND).search(q_QD, 5)[1])
