"""Which documents of a generation are seen, and searching what was added to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.index.faiss_index import FaissIndex
from search.index.live_docs import Version, hidden_documents
from search.index.segments import SegmentedIndex

RNG = np.random.default_rng(0)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=12))
def test_each_document_is_seen_once_in_its_latest_indexed_version(
    changes: list[tuple[int, bool, bool]],
) -> None:
    """Random writes and deletes of four documents; some versions are indexed already, others not yet."""
    rows: list[list[int | None]] = []  # seq, superseded
    current: dict[int, int] = {}
    chain: dict[int, list[int]] = {name: [] for name in range(4)}
    indexed = set()
    for change, (name, deletes, is_indexed) in enumerate(changes, start=1):
        if name in current:
            rows[current.pop(name)][1] = change
        if deletes:
            chain[name] = []
            continue
        number = len(rows)
        rows.append([change, None])
        current[name] = number
        chain[name].append(number)
        if is_indexed:
            indexed.add(number)
    versions = [Version(number, int(seq or 0), end) for number, (seq, end) in enumerate(rows)]
    expected = {
        [n for n in numbers if n in indexed][-1] for numbers in chain.values() if indexed & {*numbers}
    }
    assert indexed - hidden_documents(versions, indexed) == expected


def test_what_is_not_indexed_is_not_hidden() -> None:
    assert hidden_documents([Version(1, 1, 2), Version(2, 3, None)], set()) == set()


@pytest.mark.parametrize("added", [0, 40])
@pytest.mark.parametrize("hidden", [0, 25])
def test_the_visible_index_is_a_scan_of_what_is_visible(added: int, hidden: int) -> None:
    x_MD = RNG.normal(size=(100, 16)).astype(np.float16)
    number_N = np.sort(RNG.permutation(100)[hidden:])
    base = FaissIndex.build(x_MD[: 100 - added])
    index = SegmentedIndex(base, FaissIndex.build(x_MD[100 - added :]) if added else None, number_N)
    q_QD = RNG.normal(size=(3, 16)).astype(np.float32)
    exact_QN = q_QD @ x_MD[number_N].astype(np.float32).T
    for wanted in (1, 10, len(number_N), 1000):
        scores, places = index.search(q_QD, wanted)
        order = np.argsort(-exact_QN, axis=1, kind="stable")[:, :wanted]
        np.testing.assert_array_equal(places, order)
        np.testing.assert_allclose(scores, np.take_along_axis(exact_QN, order, axis=1), atol=1e-5)
    places = RNG.permutation(len(number_N))[:20]
    np.testing.assert_array_equal(index.vectors(places), x_MD[number_N[places]].astype(np.float32))
    assert index.vectors(np.zeros(0, np.int64)).shape == (0, 16)


def test_with_nothing_visible_nothing_is_found() -> None:
    base = FaissIndex.build(RNG.normal(size=(5, 16)).astype(np.float16))
    index = SegmentedIndex(base, None, np.zeros(0, np.int64))
    scores, places = index.search(np.ones((2, 16), np.float32), 10)
    assert scores.shape == places.shape == (2, 0)


@pytest.mark.parametrize("seen", [0, 1, 30])
def test_a_part_is_a_scan_of_what_is_in_it(seen: int) -> None:
    x_MD = RNG.normal(size=(140, 16)).astype(np.float16)
    base, added = (FaissIndex.build(x_D, on_gpu=False) for x_D in (x_MD[:100], x_MD[100:]))
    whole = SegmentedIndex(base, added, np.arange(140))
    number_N = np.sort(RNG.choice(140, seen, replace=False))
    part = whole.only(number_N)
    q_QD = RNG.normal(size=(3, 16)).astype(np.float32)
    scores, ids = part.search(q_QD, 10)
    expected = q_QD @ x_MD[number_N].astype(np.float32).T
    order = np.argsort(-expected, axis=1)[:, :10]
    assert ids.tolist() == order.tolist()
    assert scores == pytest.approx(np.take_along_axis(expected, order, axis=1), abs=1e-2)
    assert len(part) == seen
    assert len(whole) == 140
