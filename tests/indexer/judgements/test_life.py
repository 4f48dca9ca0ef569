"""Random judgements, taken back and given again while documents are deleted and written, generations built
and everything dumped and restored elsewhere: they are those of a simple model, and counted as they should."""

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
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session

from indexer.backup.dump import dump
from indexer.backup.restore import restore
from indexer.build.builder import Build
from indexer.documents import delete_documents, ensure_collection, ingest
from indexer.evaluation import Measured, run_evaluation
from indexer.judgements.listing import walk_judgements
from indexer.judgements.store import Given, keep_judgements
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.errors import DocumentNotFound, InvalidRequest
from search.evaluation.judged import read_judged
from tests.support.model import lend_dictionary

pytestmark = [pytest.mark.database, pytest.mark.sql]

IDS = st.sampled_from(["a", "b/c", "d é 🙂", "e"])
QUESTIONS = st.sampled_from(["who sings", "what is baked"])
JUDGES = st.sampled_from(["ann", "bob"])
GRADES = st.sampled_from([None, 0, 1, 4])
TEXTS = st.sampled_from(["whales sing", "bread is baked", "stars shine"])


def machine(new_database: Callable[[], contextlib.AbstractContextManager[URL]], embedder: Embedder) -> type:
    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.stack = contextlib.ExitStack()
            self.move()
            self.there: set[str] = set()
            self.model: dict[tuple[str, str, str], int] = {}

        def move(self) -> None:
            """Goes to a new database and data folder."""
            self.database = create_engine(self.stack.enter_context(new_database()))
            self.stack.callback(self.database.dispose)
            self.data = Path(self.stack.enter_context(TemporaryDirectory(prefix="refract-")))
            lend_dictionary(embedder.space.model, self.data)

        def teardown(self) -> None:
            self.stack.close()

        @initialize()
        def begin(self) -> None:
            with Session(self.database) as session:
                self.number = ensure_collection(session, "c", embedder.space.model).id
                session.commit()
            for name in ("a", "b/c", "e"):
                self.write(name, "whales sing")
            self.reindex()

        @rule(name=IDS, text=TEXTS)
        def write(self, name: str, text: str) -> None:
            ingest(
                self.database,
                self.number,
                [SourceDocument(name, "", text, None, {})],
                Reporter(self.database),
            )
            self.there.add(name)

        @rule(name=st.sampled_from(["b/c", "d é 🙂", "e"]))
        def delete(self, name: str) -> None:
            with Session(self.database) as session:
                delete_documents(session, self.number, [name])
                session.commit()
            self.there.discard(name)

        @rule(question=QUESTIONS, name=IDS, judge=JUDGES, grade=GRADES)
        def judge(self, question: str, name: str, judge: str, grade: int | None) -> None:
            given = [Given(question.upper(), name, grade, judge)]
            if name not in self.there:
                with pytest.raises(DocumentNotFound):
                    keep_judgements(self.database, "c", given)
                return
            keep_judgements(self.database, "c", given)
            if grade is None:
                self.model.pop((question, name, judge), None)
            else:
                self.model[question, name, judge] = grade

        @rule()
        def reindex(self) -> None:
            Build(self.database, self.data, embedder, Reporter(self.database)).run(self.number)

        @rule()
        def elsewhere(self) -> None:
            """Everything goes to another machine."""
            file = self.data / "all.dump"
            dump(self.database, file, Reporter(self.database))
            self.move()
            restore(self.database, self.data, file, Reporter(self.database))

        @invariant()
        def judgements_are_those_of_the_model(self) -> None:
            with Session(self.database) as session:
                found = list(walk_judgements(session, self.number))
                judged = read_judged(session, self.number)
            assert {
                (each.question.lower(), each.document, each.judge): each.grade for each in found
            } == self.model
            assert all(each.counts == (each.document in self.there) for each in found)
            assert judged.gone == sum(name not in self.there for _, name, _ in self.model)

        @rule()
        def evaluate(self) -> None:
            said = {question for (question, _, _), grade in self.model.items() if grade}
            try:
                found = run_evaluation(self.database, self.data, Measured("c"), None, Reporter(self.database))
            except InvalidRequest:
                with Session(self.database) as session:
                    assert not read_judged(session, self.number).grades
            else:
                assert {each.question.lower() for each in found.per_question} <= said
                assert found.judgements == len(self.model)

    return Life


def test_the_life_of_judgements(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]], embedder: Embedder
) -> None:
    run_state_machine_as_test(
        machine(new_database, embedder),
        settings=settings(
            max_examples=5, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
