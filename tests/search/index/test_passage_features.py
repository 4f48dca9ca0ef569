"""Features of passages: by row and by column, in a file that is mapped and never copied."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from search.errors import IndexDamaged
from search.index.passage_features import PARTS, PassageFeatures, scales

RNG = np.random.default_rng(0)
N, F = 300, 20


def features(passages: int = N) -> PassageFeatures:
    strong_NF = RNG.random((passages, F)).astype(np.float32)
    acts_NF = np.where(strong_NF > 0.7, strong_NF, 0)
    about_NF = np.where(strong_NF > 0.8, strong_NF, 0)
    about_NF[:, 3] = 0
    return PassageFeatures.of(np.arange(passages) // 3, csr_matrix(acts_NF), csr_matrix(about_NF))


def matrices(held: PassageFeatures) -> list[csr_matrix]:
    return [held.acts_NF, held.about_NF, held.about_by_feature]


def same(one: PassageFeatures, other: PassageFeatures) -> bool:
    pairs = zip(matrices(one), matrices(other), strict=True)
    arrays = [(getattr(a, part), getattr(b, part)) for a, b in pairs for part in PARTS]
    arrays += [(one.document_N, other.document_N), (one.scale_F, other.scale_F)]
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in arrays)


def test_a_scale_is_the_ninetieth_percentile_of_those_that_are_about_it() -> None:
    held = features()
    own = np.sort(held.about_NF[:, [5]].data)
    assert held.scale_F[5] == own[int(0.9 * (len(own) - 1) + 0.5)]
    assert held.scale_F[3] == 0
    assert held.passages_F[3] == 0
    assert held.passages_F[5] == len(own)
    assert not scales(held.about_by_feature[:0]).any()


@pytest.mark.parametrize("passages", [0, 1, N])
def test_a_file_comes_back_mapped(tmp_path: Path, passages: int) -> None:
    held, path = features(passages), tmp_path / "deep" / "features"
    sha256 = held.save(path)
    back = PassageFeatures.load(path, sha256)
    assert same(back, held)
    assert len(back) == passages
    if passages == N:
        mapped = [getattr(matrix, part) for matrix in matrices(back) for part in PARTS]
        assert not any(array.flags.owndata or array.flags.writeable for array in mapped)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(IndexDamaged, match="hash"):
        PassageFeatures.load(path, sha256)


def test_more_behind_and_some_of_them_are_as_if_made_at_once(tmp_path: Path) -> None:
    held, path = features(), tmp_path / "features"
    mapped = PassageFeatures.load(path, held.save(path))
    assert mapped.followed_by(PassageFeatures.none(F)) is mapped
    first, later = np.arange(200), np.arange(200, N)
    assert same(held.only(first).followed_by(held.only(later)), held)
    assert same(PassageFeatures.none(F).followed_by(mapped), held)
    seen_N = RNG.random(N) < 0.5
    assert same(mapped.only(seen_N), held.only(np.flatnonzero(seen_N)))
