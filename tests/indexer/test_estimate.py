"""What a new generation costs is told before, and it then costs so much."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from indexer.estimate import estimate
from indexer.pipeline import reindex
from indexer.progress import Reporter
from search.db.models import GenerationRow, PassageRow
from search.dictionary.lexicon import general_lexicon
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import ConfigurationError, InvalidRequest
from search.presentation.for_people import ForPeople
from search.query.request import SearchRequest
from tests.support.building import build, document, write
from tests.support.endpoint import KEY, EmbeddingServer, embedding_server
from tests.support.model import lend_dictionary

pytestmark = pytest.mark.database

DOCUMENTS = [document(number) for number in range(60)]
NAMES = len(general_lexicon().groups)


def test_what_is_known_already_costs_nothing(database: Engine, tmp_path: Path, embedder: Embedder) -> None:
    built = build(database, tmp_path, embedder, "c", DOCUMENTS)
    same = estimate(database, tmp_path, "c")
    assert (same.passages, same.embedded, same.texts) == (built.passages, 0, same.names)
    assert same.names < NAMES
    write(database, "c", [document(100)], model=embedder.space.model)
    assert estimate(database, tmp_path, "c").embedded == 1


def test_another_width_costs_as_much_as_is_told(database: Engine, tmp_path: Path, embedder: Embedder) -> None:
    build(database, tmp_path, embedder, "c", DOCUMENTS)
    cost = estimate(database, tmp_path, "c", dimensions=16)
    assert (cost.dimensions, cost.sent_to) == (16, None)
    assert cost.names > NAMES
    assert cost.model_memory > 1_000_000
    whole = estimate(database, tmp_path, "c", dimensions=embedder.width)
    assert whole.embedded == 0
    assert cost.disk < whole.disk
    assert cost.memory < whole.memory
    reporter = Reporter(database)
    assert reindex(database, tmp_path, "c", reporter, dimensions=16).embedded == cost.embedded
    with Session(database) as session:
        live = session.scalars(select(GenerationRow).where(GenerationRow.state == "live")).one()
        assert live.recipe.dimensions == 16
        sizes = select(func.octet_length(PassageRow.embedding)).where(PassageRow.generation_id == live.id)
        assert set(session.scalars(sizes)) == {2 * 16}
    assert estimate(database, tmp_path, "c").embedded == 0
    assert reindex(database, tmp_path, "c", reporter).embedded == 0
    assert reindex(database, tmp_path, "c", reporter, dimensions=embedder.width).embedded == 0


def test_shorter_passages_are_more(database: Engine, tmp_path: Path, embedder: Embedder) -> None:
    build(database, tmp_path, embedder, "c", DOCUMENTS)
    cost = estimate(database, tmp_path, "c", passage_tokens=16)
    made = reindex(database, tmp_path, "c", Reporter(database), passage_tokens=16)
    assert cost.embedded == cost.passages
    assert made.passages / 2 < cost.passages < 2 * made.passages


def test_a_collection_that_has_no_index_is_estimated_by_its_documents(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    write(database, "c", DOCUMENTS, model=embedder.space.model)
    cost = estimate(database, tmp_path, "c")
    assert cost.passages == cost.embedded >= len(DOCUMENTS)
    with pytest.raises(InvalidRequest, match="65 dimensions"):
        estimate(database, tmp_path, "c", dimensions=65)
    with pytest.raises(ConfigurationError, match="no/such-model"):
        estimate(database, tmp_path, "c", model="no/such-model")


def at_endpoint(database: Engine, data: Path, server: EmbeddingServer) -> None:
    """Takes a collection to the model of an endpoint, and looks at what was asked of it."""
    before = len(server.texts)
    cost = estimate(database, data, "c", model=server.model)
    assert server.texts[before:] == ["width"] * 2  # no text of the collection
    assert (cost.sent_to, cost.model_memory) == (server.address, 0)
    built = reindex(database, data, "c", Reporter(database), model=server.model)
    assert built.embedded == cost.embedded
    sent = [text for text in server.texts[before:] if text != "width"]
    assert cost.texts / 2 < len(sent) <= cost.texts + 100


def test_a_collection_lives_on_a_model_of_an_endpoint(
    database: Engine, tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(database, tmp_path, embedder, "c", DOCUMENTS)
    lend_dictionary(embedder.space.model, tmp_path)
    engine = SearchEngine(database, tmp_path)
    request = SearchRequest("whale number 7", mode="semantic")
    with engine.reader("c") as reader:
        before = [result.document.id for result in reader.search(request, limit=5).results]
    with embedding_server(embedder) as server:
        monkeypatch.setenv("REFRACT_ENDPOINTS", f"{server.address}={KEY}")
        at_endpoint(database, tmp_path, server)
        write(database, "c", [document(200)], model=server.model)
        reindex(database, tmp_path, "c", Reporter(database))
        engine.snapshots.renew("c")
        with engine.reader("c") as reader:
            response = reader.search(request, limit=5, for_people=ForPeople())
            assert reader.snapshot.space.model == server.model
        assert response.results[0].document.id == before[0]
        for result in response.results:
            assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-3)
            assert result.passage.lights
        with Session(database) as session:
            stored = [str(row.recipe.model_dump()) for row in session.scalars(select(GenerationRow))]
        assert KEY not in "".join(stored)
