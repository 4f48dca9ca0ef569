"""FAISS and the embedder on a GPU give what they give on a CPU."""

import faiss
import numpy as np
import pytest
import torch

from search.embedding.embedder import LoadedEmbedder, load_embedder
from search.index.faiss_index import GPU_RESULTS, FaissIndex

pytestmark = pytest.mark.gpu

RNG = np.random.default_rng(0)


@pytest.mark.skipif(
    not hasattr(faiss, "StandardGpuResources") or not torch.cuda.is_available(),
    reason="needs faiss-gpu and a CUDA device",
)
@pytest.mark.parametrize("wanted", [10, GPU_RESULTS, 5000])
def test_a_gpu_finds_what_a_cpu_finds(wanted: int) -> None:
    x_ND = RNG.normal(size=(20_000, 384)).astype(np.float16)
    q_QD = RNG.normal(size=(4, 384)).astype(np.float32)
    scores, ids = FaissIndex.build(x_ND).search(q_QD, wanted)
    exact = np.sort(-(q_QD @ x_ND.astype(np.float32).T), axis=1)[:, :wanted]
    np.testing.assert_allclose(scores, -exact, rtol=1e-3, atol=1e-2)
    assert ids.shape == (4, wanted)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_vectors_of_a_gpu_are_close_to_those_of_a_cpu() -> None:
    texts = ["the sea at night", "sorting a list", "a" * 2000]
    on_gpu = load_embedder(precision="float16")
    assert isinstance(on_gpu, LoadedEmbedder)
    assert on_gpu.device.startswith("cuda")
    x_ND = on_gpu.encode(texts).astype(np.float32)
    model = on_gpu._model.to("cpu", torch.float32)
    reference_ND = model.encode(texts, normalize_embeddings=True)
    assert ((x_ND * reference_ND).sum(axis=1) > 0.999).all()
