"""Names are read by people: their tests take the model that ships."""

import pytest

from search.embedding.embedder import Embedder, load_embedder


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return load_embedder()
