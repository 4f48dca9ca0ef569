"""How near is near by chance."""

import numpy as np
import pytest

from search.index.faiss_index import FaissIndex
from search.scoring.floor import ELSEWHERE, floor_of


def test_the_floor_is_above_what_most_questions_about_other_things_reach() -> None:
    rng = np.random.default_rng(0)
    x_ND, q_QD = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
        for rows in (rng.normal(size=(50, 16)), rng.normal(size=(40, 16)))
    )
    index = FaissIndex.build(x_ND.astype(np.float16), on_gpu=False)
    nearest_Q = (q_QD @ x_ND.T).max(axis=1)
    floor = floor_of(index, q_QD.astype(np.float32))
    assert floor == pytest.approx(np.median(nearest_Q), abs=1e-3)


def test_nothing_is_far_from_nothing() -> None:
    index = FaissIndex.build(np.zeros((0, 4), np.float16), on_gpu=False)
    assert floor_of(index, np.ones((2, 4), np.float32)) == 0.0


def test_the_questions_are_about_as_many_things() -> None:
    assert len(set(ELSEWHERE)) == len(ELSEWHERE) == 40
