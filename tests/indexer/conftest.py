"""Tests of builds, jobs and dumps are not about what an embedding says: they take the small model."""

import pytest

from search.embedding.embedder import Embedder


@pytest.fixture(scope="session")
def embedder(small_embedder: Embedder) -> Embedder:
    return small_embedder
