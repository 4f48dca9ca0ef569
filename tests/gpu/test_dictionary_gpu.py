"""A dictionary trained and read on a GPU does what it does on the CPU."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from indexer.train import Recipe, train
from search.dictionary import Dictionary

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

ROWS, D = 4000, 64
RECIPE = Recipe(features=128, active=4, steps=200, batch=256)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float16]:
    rng = np.random.default_rng(0)
    atoms_AD = rng.normal(size=(100, D))
    weights_NA = rng.uniform(0.5, 1, size=(ROWS, 100)) * (rng.random((ROWS, 100)) < 0.03)
    x_ND = weights_NA @ atoms_AD + 0.01 * rng.normal(size=(ROWS, D))
    return np.asarray(x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True), dtype=np.float16)


@pytest.fixture(scope="module")
def on_gpu(vectors: NDArray[np.float16]) -> Dictionary:
    return train(vectors, RECIPE, model="m", device="cuda")


def test_activations_are_those_of_the_cpu(on_gpu: Dictionary, vectors: NDArray[np.float16]) -> None:
    gpu, cpu = on_gpu.encode(vectors, device="cuda"), on_gpu.encode(vectors)
    dense_gpu, dense_cpu = (acts.matrix(on_gpu.features).toarray() for acts in (gpu, cpu))
    # Two features that are equal but for the last bits may change places at the edge of the top K.
    assert np.mean(np.abs(dense_gpu - dense_cpu).max(axis=1) < 1e-4) > 0.999
    np.testing.assert_allclose(gpu.values_NK, cpu.values_NK, atol=1e-4)


def test_training_is_as_good_as_on_the_cpu(on_gpu: Dictionary, vectors: NDArray[np.float16]) -> None:
    on_cpu = train(vectors, RECIPE, model="m")
    assert on_gpu.card.training["device"] == "cuda"
    assert on_gpu.card.scorecard["fvu"] == pytest.approx(on_cpu.card.scorecard["fvu"], abs=0.02)
    np.testing.assert_allclose(np.linalg.norm(on_gpu.w_dec_FD, axis=1), 1, atol=1e-5)


def test_the_same_seed_starts_and_ends_nearly_alike(on_gpu: Dictionary, vectors: NDArray[np.float16]) -> None:
    again = train(vectors, RECIPE, model="m", device="cuda")
    assert again.card.scorecard["fvu"] == pytest.approx(on_gpu.card.scorecard["fvu"], abs=0.01)
