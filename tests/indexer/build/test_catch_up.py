"""Documents that come, change and go while their collection is searched: seen soon, whole, once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.build.catch_up import CatchUp, count_pending
from indexer.build.verify import verify
from indexer.documents import IngestReport, delete_documents, ingest
from indexer.progress import Reporter, silent
from indexer.sources import SourceDocument
from search.browse.documents import document_detail
from search.db.lookup import live_generation
from search.db.models import DocumentRow, PassageRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import DocumentNotFound
from search.query.request import SearchRequest
from search.query.steering import parse
from search.responses.collections import Progress
from search.responses.search import SearchResponse
from tests.support.building import build
from tests.support.reading import read

pytestmark = [pytest.mark.database, pytest.mark.sql]

TEXTS = {
    "whales": "Whales sing under water, and other whales answer from far away.",
    "bread": "Bread is baked in an oven of stone, early in the morning.",
    "stars": "Stars shine because hydrogen fuses to helium in their cores.",
    "ships": "Ships sail across the sea when the wind is right.",
}


def document(number: str, content: str) -> SourceDocument:
    return SourceDocument(number, number.title(), content, None, {})


class Kept:
    """A collection whose live generation is kept up."""

    def __init__(self, database: Engine, data: Path, embedder: Embedder) -> None:
        build(database, data, embedder, "c", [document(*pair) for pair in TEXTS.items()])
        self.database, self.data, self.embedder = database, data, embedder
        self.engine = SearchEngine(database, data)
        self.number = self.engine.snapshot("c").collection_id

    def write(self, *documents: SourceDocument) -> IngestReport:
        return ingest(self.database, self.number, documents, Reporter(self.database))

    def delete(self, *ids: str) -> int:
        with Session(self.database) as session:
            deleted = delete_documents(session, self.number, ids)
            session.commit()
        return len(deleted)

    def live(self) -> int:
        with Session(self.database) as session:
            return live_generation(session, "c").id

    def replay(self) -> int:
        return CatchUp(self.database, self.live(), self.embedder).run(Reporter(self.database))

    def build(self, listener: object = silent) -> None:
        reporter = Reporter(self.database, listener)  # type: ignore[arg-type]
        Build(self.database, self.data, self.embedder, reporter).run(self.number)

    def search(self, query: str, steer: str = "") -> SearchResponse:
        return self.engine.search(SearchRequest(query, parse(steer)), collection="c", limit=50)

    def texts(self) -> dict[str, str]:
        return {result.document.id: result.passage.text for result in self.search("anything").results}


@pytest.fixture
def kept(database: Engine, tmp_path: Path, embedder: Embedder) -> Kept:
    return Kept(database, tmp_path, embedder)


def test_a_new_document_is_found_without_a_build(kept: Kept) -> None:
    before = kept.live()
    kept.write(document("cells", "Cells divide; one cell becomes two."))
    assert "cells" not in kept.texts()
    assert kept.replay() == 1
    response = kept.search("how do cells divide")
    assert response.results[0].document.id == "cells"
    assert response.total == len(TEXTS) + 1
    assert kept.live() == before
    assert kept.replay() == 0


def test_scores_and_terms_are_those_of_a_build(kept: Kept) -> None:
    """Of what was added and of what was there; a build of the same documents gives the same answers."""
    kept.write(
        document("cells", "Cells divide; one cell becomes two."), document("bread", "Bread is bought.")
    )
    kept.replay()
    kept.delete("ships")
    first = kept.search("bread from an oven").query_features[0].feature
    questions = [("what is baked", ""), ("a cell", f"{first}:1"), ("the sea", "concept:cooking:1")]
    added = [kept.search(*question) for question in questions]
    kept.build()
    for question, before in zip(questions, added, strict=True):
        after = kept.search(*question)
        assert after.generation > before.generation
        assert [result.document for result in after.results] == [result.document for result in before.results]
        if not question[1]:  # strength 1 is on the scale of the generation
            for one, other in zip(before.results, after.results, strict=True):
                assert one.score == pytest.approx(other.score, abs=1e-6)
        for result in [*before.results, *after.results]:
            assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)


def test_a_replaced_document_is_there_exactly_once_at_every_moment(kept: Kept) -> None:
    kept.write(document("whales", "Whales eat krill."))
    assert kept.texts()["whales"] == TEXTS["whales"]  # until the new one is in
    kept.write(document("whales", "Whales dive deep."))
    assert kept.texts()["whales"] == TEXTS["whales"]
    assert kept.replay() == 1
    assert kept.texts() == {**TEXTS, "whales": "Whales dive deep."}
    assert read(kept.engine, "c", document_detail, "whales").text == "Whales dive deep."


def test_a_deleted_document_is_gone_at_once_and_may_come_back(kept: Kept) -> None:
    assert kept.delete("whales", "unknown") == 1
    assert "whales" not in kept.texts()
    with pytest.raises(DocumentNotFound):
        read(kept.engine, "c", document_detail, "whales")
    kept.write(document("whales", "Whales dive deep."))
    assert "whales" not in kept.texts()  # the old one does not come back meanwhile
    kept.replay()
    assert kept.texts()["whales"] == "Whales dive deep."
    assert kept.delete("whales") == 1
    assert kept.delete("whales") == 0
    assert "whales" not in kept.texts()


def test_a_document_deleted_before_it_was_added_never_appears(kept: Kept) -> None:
    kept.write(document("cells", "Cells divide."))
    kept.delete("cells")
    assert kept.replay() == 0
    kept.build()
    assert kept.texts() == TEXTS


def test_an_emptied_collection_is_searched_and_filled_again(kept: Kept) -> None:
    kept.delete(*TEXTS)
    response = kept.search("whales", "concept:whales:1")
    assert (response.total, response.results) == (0, [])
    kept.write(document("cells", "Cells divide."))
    kept.replay()
    assert kept.texts() == {"cells": "Cells divide."}


def test_the_newest_is_added_first(kept: Kept) -> None:
    kept.write(*(document(f"n{number}", f"Number {number} of a long list.") for number in range(5)))
    replay = CatchUp(kept.database, kept.live(), kept.embedder, documents=2)
    assert replay.step() == 2
    assert set(kept.texts()) - set(TEXTS) == {"n3", "n4"}
    with Session(kept.database) as session:
        assert count_pending(session, live_generation(session, "c")) == 3
    assert [replay.step() for _ in range(3)] == [2, 1, 0]


def long_text(name: str) -> str:
    return "\n\n".join(f"The {name} has a chapter {number} of its own. " * 20 for number in range(90))


def test_a_large_document_holds_up_no_small_one(kept: Kept) -> None:
    kept.write(document("book", long_text("book")))
    replay = CatchUp(kept.database, kept.live(), kept.embedder, seconds=0)
    while not replay.is_amid:
        replay.step()
    kept.write(document("note", "A note is short."))
    assert replay.step() == 1
    assert {"note", "book"} & set(kept.texts()) == {"note"}
    kept.write(document("other", long_text("other")))  # as large, and newer: what is begun comes first
    steps = [replay.step()]
    while replay.is_amid or not sum(steps):
        steps.append(replay.step())
    assert "book" in kept.texts()
    assert "other" not in kept.texts()
    assert steps.count(0) > 2
    assert replay.run(Reporter(kept.database)) == 1
    added = spans(kept)
    kept.build()
    assert spans(kept) == added


def spans(kept: Kept) -> list[tuple[str, int, int]]:
    """The passages of the live generation: document, start, end."""
    columns = (DocumentRow.external_id, PassageRow.start, PassageRow.end)
    with Session(kept.database) as session:
        live = PassageRow.generation_id == kept.live()
        found = session.execute(select(*columns).join(PassageRow).where(live))
        return sorted((id, start, end) for id, start, end in found)


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_large_document_that_changes_amid_is_not_added_as_it_was(kept: Kept, change: str) -> None:
    kept.write(document("book", long_text("book")))
    replay = CatchUp(kept.database, kept.live(), kept.embedder, seconds=0)
    while not replay.is_amid:
        replay.step()
    if change == "deleted":
        kept.delete("book")
        assert (replay.step(), replay.is_amid) == (0, False)
        assert kept.texts() == TEXTS
    else:
        kept.write(document("book", long_text("novel")))
        assert replay.run(Reporter(kept.database)) == 1
        assert "novel" in kept.texts()["book"]


def test_text_that_is_known_is_not_embedded_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """A moved document, a paragraph that stays."""
    embedded: list[str] = []
    encode = kept.embedder.encode

    def counting(texts: list[str], **options: object) -> object:
        embedded.extend(texts)
        return encode(texts, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(kept.embedder, "encode", counting)
    paragraphs = [" ".join([f"Paragraph {name} tells of {name}."] * 30) for name in ("sand", "glass", "iron")]
    kept.write(document("long", "\n\n".join(paragraphs)))
    kept.replay()
    assert len(embedded) == 3
    embedded.clear()
    kept.write(document("long", "\n\n".join([*paragraphs[:2], "Paragraph gold tells of gold. " * 30])))
    kept.delete("whales")
    kept.write(replace(document("whales", TEXTS["whales"]), id="moved"))
    kept.replay()
    assert [text[:24] for text in embedded] == ["Long Paragraph gold tell"]
    assert kept.texts()["moved"] == TEXTS["whales"]


def test_two_at_the_same_add_each_document_once(kept: Kept) -> None:
    kept.write(*(document(f"n{number}", f"Number {number} of a long list.") for number in range(5)))
    first, second = (CatchUp(kept.database, kept.live(), kept.embedder) for _ in range(2))
    original = first._add

    def overtaken(session: Session, rows: object) -> None:
        assert second.step() == 5
        original(session, rows)  # type: ignore[arg-type]

    first._add = overtaken  # type: ignore[method-assign]
    first.step()
    with Session(kept.database) as session:
        documents = session.scalars(select(PassageRow.document_id)).all()
    assert len(documents) == len(set(documents)) == len(TEXTS) + 5
    assert verify(kept.database, kept.data).sound


def test_changes_during_a_build_are_in_it(kept: Kept) -> None:
    """Writes and deletes at every step of a build: what is live afterwards has them all."""
    steps: list[str] = []

    def listener(progress: Progress) -> None:
        if progress.step not in steps:
            steps.append(progress.step)
            name = f"n{len(steps)}"
            kept.write(
                document(name, f"Written in step {progress.step}."), document("bread", f"Bread {name}.")
            )
            kept.delete(f"n{len(steps) - 2}")
            kept.replay()

    kept.build(listener)
    kept.replay()
    assert {"writing the index", "checking the index", "going live"} <= set(steps)
    last = len(steps)
    expected = {"whales", "stars", "ships", "bread", f"n{last}", f"n{last - 1}"}
    assert set(kept.texts()) == expected
    assert kept.texts()["bread"] == f"Bread n{last}."
    assert verify(kept.database, kept.data).sound


def test_what_was_deleted_is_dropped_with_the_last_generation_that_held_it(kept: Kept) -> None:
    kept.delete("whales")
    kept.write(document("bread", "Bread is bought."))

    def old() -> Iterator[str]:
        with Session(kept.database) as session:
            yield from session.scalars(
                select(DocumentRow.external_id).where(DocumentRow.superseded.is_not(None))
            )

    for _ in range(3):
        assert sorted(old()) == ["bread", "whales"]
        kept.build()
    assert sorted(old()) == []


def test_a_dropped_generation_is_left_alone(kept: Kept) -> None:
    replay = CatchUp(kept.database, kept.live(), kept.embedder)
    kept.write(document("cells", "Cells divide."))
    kept.build()
    assert replay.step() == 1  # it is retired, but there
    for _ in range(3):
        kept.build()
    assert replay.step() == 0
