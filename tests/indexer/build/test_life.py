"""Random adds, replaces, deletes, reindexes, rollbacks and restarts give the answers of a simple model: a
dictionary of documents, each scored by the inner product of its vector and the question's."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.build.catch_up import CatchUp
from indexer.build.generations import list_generations, roll_back
from indexer.build.verify import verify
from indexer.documents import delete_documents, ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.db.lookup import live_generation
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest
from search.query.request import SearchRequest
from search.responses.search import SearchResponse
from tests.support.model import lend_dictionary

pytestmark = [pytest.mark.database, pytest.mark.sql]

IDS = st.sampled_from(["a", "b/c", "d é 🙂", "e", "f"])
WORDS = [
    "whales sing",
    "bread is baked",
    "stars shine",
    "ships sail",
    "cells divide",
    "kings rule",
    "rain falls",
]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(". ".join)
DOCUMENTS = st.lists(st.tuples(IDS, TEXTS), min_size=1, max_size=4, unique_by=lambda pair: pair[0])
QUESTION = "what do whales do"


def machine(new_database: Callable[[], contextlib.AbstractContextManager[URL]], embedder: Embedder) -> type:
    vectors: dict[str, float] = {}

    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.stack = contextlib.ExitStack()
            self.database = create_engine(self.stack.enter_context(new_database()))
            self.stack.callback(self.database.dispose)
            self.data = Path(self.stack.enter_context(TemporaryDirectory(prefix="refract-")))
            lend_dictionary(embedder.space.model, self.data)
            self.model: dict[str, str] = {}

        def teardown(self) -> None:
            assert verify(self.database, self.data).sound
            self.stack.close()

        @initialize()
        def begin(self) -> None:
            with Session(self.database) as session:
                self.number = ensure_collection(session, "c", embedder.space.model).id
                session.commit()
            self.write([("a", "whales sing"), ("e", "bread is baked")])
            self.reindex(tokens=24)
            self.restart()

        @rule(
            documents=st.lists(st.tuples(IDS, TEXTS), min_size=1, max_size=4, unique_by=lambda pair: pair[0])
        )
        def write(self, documents: list[tuple[str, str]]) -> None:
            given = [SourceDocument(id, "", text, None, {}) for id, text in documents]
            report = ingest(self.database, self.number, given, Reporter(self.database))
            assert report.documents == len(documents)
            self.model.update(documents)

        @rule(ids=st.lists(IDS, min_size=1, max_size=3, unique=True))
        def delete(self, ids: list[str]) -> None:
            with Session(self.database) as session:
                deleted = delete_documents(session, self.number, ids)
                session.commit()
            assert sorted(deleted) == sorted(id for id in ids if self.model.pop(id, None) is not None)

        @precondition(lambda self: self.model)
        @rule(tokens=st.sampled_from([24, 192]))
        def reindex(self, tokens: int) -> None:
            reporter = Reporter(self.database)
            Build(self.database, self.data, embedder, reporter).run(self.number, passage_tokens=tokens)

        @rule()
        def rollback(self) -> None:
            with Session(self.database) as session:
                retired = [each for each in list_generations(session, "c") if each.state == "retired"]
            if retired:
                roll_back(self.database, "c")
            else:
                with pytest.raises(InvalidRequest):
                    roll_back(self.database, "c")

        @rule()
        def restart(self) -> None:
            self.engine = SearchEngine(self.database, self.data)

        @rule()
        def damage(self) -> None:
            """The index file of the live generation goes missing while nobody looks."""
            with Session(self.database) as session:
                live = live_generation(session, "c").id
            for file in (self.data / "generations" / str(live)).iterdir():
                file.unlink()
            self.restart()

        @invariant()
        def answers_are_those_of_the_model(self) -> None:
            if not hasattr(self, "engine"):
                return
            with Session(self.database) as session:
                live = live_generation(session, "c").id
            CatchUp(self.database, live, embedder).run(Reporter(self.database))

            def ask(mode: str) -> SearchResponse:
                request = SearchRequest(QUESTION, mode=mode)
                return self.engine.search(request, collection="c", limit=50, collapse=False)

            response = ask("semantic")
            found = {result.document.id: result for result in response.results}
            assert {id: result.passage.text for id, result in found.items()} == self.model
            assert response.generation == live
            for id, text in self.model.items():
                assert found[id].score == pytest.approx(self.score(text), abs=2e-3)
            said = {
                result.document.id: {term.word for term in result.terms if term.kind == "word"}
                for result in ask("hybrid").results
            }
            assert said == {id: {"whales"} & set(text.split()) for id, text in self.model.items()}

        def score(self, text: str) -> float:
            if text not in vectors:
                x_D = embedder.encode([text])[0].astype("float32")
                vectors[text] = float(embedder.encode_queries([QUESTION])[0] @ x_D)
            return vectors[text]

    return Life


def test_the_life_of_an_index(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]], embedder: Embedder
) -> None:
    run_state_machine_as_test(
        machine(new_database, embedder),
        settings=settings(
            max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
