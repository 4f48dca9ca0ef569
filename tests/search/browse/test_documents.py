"""A document as a whole: what it is about."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.labels.edit import edit_label
from search.browse.documents import document_detail
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.building import build
from tests.support.notes import documents
from tests.support.reading import read

pytestmark = pytest.mark.database


@pytest.mark.parametrize("name", ["The", "will", "C++", "…"])
def test_a_name_hides_no_other_whatever_words_it_has(
    database: Engine, tmp_path: Path, small_embedder: Embedder, name: str
) -> None:
    """Names that say the same are shown once; "The" has no word that counts, and is part of no other name."""
    build(database, tmp_path, small_embedder, "c", documents())
    engine = SearchEngine(database, tmp_path)

    def topics(document: str) -> list[str]:
        return [each.label for each in read(engine, "c", document_detail, document).topics]

    document = max((each.id for each in documents()), key=lambda each: len(topics(each)))
    first, *others = read(engine, "c", document_detail, document).topics
    assert others
    edit_label(database, "c", first.feature, name)
    engine.snapshots.renew("c")
    assert topics(document) == [name, *(each.label for each in others)]
