"""Shards: written whole, resumed, read like one array; what is damaged is named."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer import shards
from indexer.shards import Shards, write_shards
from search.errors import DictionaryError

MANIFEST = {"model": "m", "precision": "float32", "width": 3}


def embed(texts: Sequence[str]) -> NDArray[np.float16]:
    """A vector that tells which text it is of."""
    return np.array([[len(text), ord(text[0]), 1] for text in texts], dtype=np.float16)


def texts(count: int) -> list[str]:
    return [chr(ord("a") + n % 26) * (1 + n % 7) for n in range(count)]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_ROWS", 10)


def test_rows_come_back_in_the_order_of_the_texts(tmp_path: Path) -> None:
    written = write_shards(tmp_path, texts(34), embed, manifest=MANIFEST)
    assert len(written) == 34
    np.testing.assert_array_equal(Shards.open(tmp_path)[:], embed(texts(34)))
    assert sorted(path.name for path in tmp_path.glob("*.npy")) == [f"{n:05}.npy" for n in range(4)]


@given(st.lists(st.integers(0, 33), max_size=20))
def test_any_rows_can_be_picked(tmp_path_factory: pytest.TempPathFactory, ids: list[int]) -> None:
    shards.SHARD_ROWS = 10
    written = write_shards(tmp_path_factory.mktemp("shards"), texts(34), embed, manifest=MANIFEST)
    np.testing.assert_array_equal(written[np.array(ids, dtype=np.int64)], embed(texts(34)[:])[ids])


def test_a_killed_run_goes_on_after_its_last_whole_shard(tmp_path: Path) -> None:
    calls = []

    def killed(batch: Sequence[str]) -> NDArray[np.float16]:
        calls.append(len(batch))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return embed(batch)

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, texts(34), killed, manifest=MANIFEST)
    heard: list[int] = []
    written = write_shards(tmp_path, texts(34), embed, manifest=MANIFEST, on_rows=heard.append)
    assert heard == [20, 10, 4]
    np.testing.assert_array_equal(written[:], embed(texts(34)))


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path, texts(12), embed, manifest=MANIFEST)
    with pytest.raises(DictionaryError, match="another model"):
        write_shards(tmp_path, texts(12), embed, manifest={**MANIFEST, "model": "n"})


def test_numbers_that_are_none_are_found_with_their_shard_and_row(tmp_path: Path) -> None:
    written = write_shards(tmp_path, texts(34), embed, manifest=MANIFEST)
    spoiled = np.array(written.parts[2])
    spoiled[4, 1] = np.nan
    np.save(tmp_path / "00002.npy", spoiled)
    with pytest.raises(DictionaryError, match=r"Row 4 of the shard .*00002\.npy"):
        Shards.open(tmp_path)


def test_a_cut_shard_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path, texts(34), embed, manifest=MANIFEST)
    path = tmp_path / "00001.npy"
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(DictionaryError, match=r"00001\.npy is damaged"):
        Shards.open(tmp_path)


def test_a_shard_of_another_width_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path, texts(34), embed, manifest=MANIFEST)
    np.save(tmp_path / "00001.npy", np.zeros((10, 4), np.float16))
    with pytest.raises(DictionaryError, match="not float16 and 3 wide"):
        Shards.open(tmp_path)


def test_a_folder_without_shards_says_so(tmp_path: Path) -> None:
    with pytest.raises(DictionaryError, match="No embeddings can be read"):
        Shards.open(tmp_path)
