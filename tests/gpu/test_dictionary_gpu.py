"""A dictionary read on a GPU does what it does on the CPU."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.db.card import Card
from search.dictionary.autoencoder import Dictionary

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

ROWS, D, F = 4000, 64, 512


def unit(rng: np.random.Generator, rows: int) -> NDArray[np.float32]:
    x_ND = rng.normal(size=(rows, D))
    return np.asarray(x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("named", [True, False])
def test_activations_are_those_of_the_cpu(named: bool) -> None:
    rng = np.random.default_rng(0)
    w_FD, x_ND = unit(rng, F), unit(rng, ROWS).astype(np.float16)
    names = tuple((f"name {feature}",) for feature in range(F)) if named else ()
    card = Card(model="m", active=8, threshold=0.12)
    dictionary = Dictionary.tied(w_FD, card, b_D=0.1 * unit(rng, 1)[0], names=names)
    gpu, cpu = dictionary.encode(x_ND, device="cuda"), dictionary.encode(x_ND)
    dense_gpu, dense_cpu = (acts.matrix(F).toarray() for acts in (gpu, cpu))
    # Two features that are equal but for the last bits may change places at the edge of the top K.
    assert np.mean(np.abs(dense_gpu - dense_cpu).max(axis=1) < 1e-4) > 0.999
    np.testing.assert_allclose(gpu.values_NK, cpu.values_NK, atol=1e-4)
