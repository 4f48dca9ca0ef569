"""Repairs of each kind on a small collection: saved, they do what was tried, explanations add up, undone
they leave no trace."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL, Engine, create_engine, delete, event, insert

from indexer.backup.dump import dump
from indexer.backup.restore import restore
from indexer.build.builder import Build
from indexer.documents import delete_documents
from indexer.judgements.store import Given, keep_judgements
from indexer.presets.store import delete_preset, get_preset, list_presets, save_preset
from indexer.progress import Reporter
from indexer.repairs.store import list_repairs, save_repair, undo_repair
from search.db.connection import open_session
from search.db.lookup import find_collection
from search.db.models import QuestionRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import DocumentNotFound, InvalidQuery, InvalidRequest, InvalidSteering, RepairNotFound
from search.evaluation.evaluate import Setting, evaluate
from search.query.filters import parse_filters
from search.query.question_key import question_key
from search.query.repairs import Repair
from search.query.request import SearchRequest
from search.query.steering import parse
from search.repair.diagnosis import diagnose
from search.responses.search import Result, SearchResponse, Term
from search.rights import Rights
from search.scoring.hybrid import PIN_WEIGHT
from tests.support.building import build
from tests.support.model import lend_dictionary
from tests.support.notes import documents
from tests.support.reading import read

pytestmark = pytest.mark.database

QUESTION = "whales in the sea"
CELLS = "how do cells divide"
SEAS = {f"sea/{number}": 1 for number in range(12)}
DOCUMENT = "proofs/induction"
PINNED = Repair("pinned", question=QUESTION, document=DOCUMENT)
SAME = Repair("same_words", words=("whales", "chromosomes"))
KEYWORD = Repair("keyword", document=DOCUMENT, words=("orca", "whales"))


@pytest.fixture(scope="module")
def built(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[tuple[Engine, Path]]:
    data = tmp_path_factory.mktemp("repaired")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "notes", documents())
        build(database, data, small_embedder, "other", documents()[:3])
        said = [Given(QUESTION, "sea/7", 1, "ann"), *(Given("orca", sea, 1, "ann") for sea in SEAS)]
        keep_judgements(database, "notes", said)
        yield database, data
        database.dispose()


@pytest.fixture
def engine(built: tuple[Engine, Path]) -> Iterator[SearchEngine]:
    """An engine of a collection without repairs, which has none afterwards either."""
    engine = SearchEngine(*built)
    yield engine
    for each in read(engine, "notes", list_repairs):
        undo_repair(engine, "notes", each.number)
    assert read(engine, "notes", list_presets) == []


def ask(engine: SearchEngine, question: str = QUESTION, mode: str = "hybrid") -> SearchResponse:
    return engine.search(SearchRequest(question, mode=mode), collection="notes", limit=20, collapse=False)


def found(answer: SearchResponse, document: str = DOCUMENT) -> Result:
    return next(result for result in answer.results if result.document.id == document)


def without_times(answer: SearchResponse) -> list[tuple[str, float, list[Term]]]:
    return [(each.document.id, each.score, each.terms) for each in answer.results]


def assert_adds_up(answer: SearchResponse) -> None:
    for result in answer.results:
        assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-4)


@pytest.mark.parametrize(
    "repair",
    [PINNED, SAME, KEYWORD, Repair("same_words", words=("orca", "induction"))],
    ids=["pinned", "same words", "keyword", "a word that is nowhere"],
)
def test_a_repair_adds_up_and_leaves_no_trace_when_it_is_undone(engine: SearchEngine, repair: Repair) -> None:
    questions = (QUESTION, "orca", "chromosomes of whales", CELLS)
    before = [without_times(ask(engine, question)) for question in questions]
    saved = save_repair(engine, "notes", repair, "ann")
    after = [ask(engine, question) for question in questions]
    assert [without_times(answer) for answer in after] != before
    for answer in after:
        assert_adds_up(answer)
    assert [each.number for each in read(engine, "notes", list_repairs)] == [saved.number]
    assert (saved.created_by, saved.undone_at) == ("ann", None)
    undone = undo_repair(engine, "notes", saved.number)
    assert undone.undone_at is not None
    assert [without_times(ask(engine, question)) for question in questions] == before
    with pytest.raises(RepairNotFound, match=str(saved.number)):
        undo_repair(engine, "notes", saved.number)


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_a_pinned_document_stands_first_for_its_question_alone(engine: SearchEngine, mode: str) -> None:
    save_repair(engine, "notes", PINNED, "ann")
    answer = ask(engine, "  WHALES in the  séa ", mode)
    assert answer.results[0].document.id == DOCUMENT
    (term,) = (each for each in answer.results[0].terms if each.kind == "repair")
    assert (term.label, term.value) == ("pinned for this question", PIN_WEIGHT)
    assert not answer.weak
    assert ask(engine, "whales in the cold sea", mode).results[0].document.id != DOCUMENT
    narrowed = ask(engine, f"{QUESTION} -induction", mode)
    assert DOCUMENT not in [each.document.id for each in narrowed.results]


def test_a_search_with_repairs_asks_the_database_no_more_often(engine: SearchEngine) -> None:
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    def asks(question: str) -> int:
        asked.clear()
        ask(engine, question)
        return len(asked)

    event.listen(engine.database, "before_cursor_execute", note)
    try:
        ask(engine)  # what is read once for all
        before = asks("whales in the cold sea")
        for repair in (PINNED, SAME, KEYWORD, Repair("pinned", question="a whale", document=DOCUMENT)):
            save_repair(engine, "notes", repair, "ann")
        ask(engine)
        assert asks("whales in a warm sea") <= before
    finally:
        event.remove(engine.database, "before_cursor_execute", note)


def test_a_key_with_a_filter_sees_no_pin_of_what_it_does_not_see(engine: SearchEngine) -> None:
    french = engine.on_behalf_of(Rights(only=parse_filters(["lang:fr"])))
    questions = (QUESTION, "orca", "whalse in the sea", "zzzz")
    before = [ask(french, question) for question in questions]
    for repair in (PINNED, KEYWORD, Repair("pinned", question="zzzz", document=DOCUMENT)):
        save_repair(engine, "notes", repair, "ann")
    assert ask(engine, "zzzz").results[0].document.id == DOCUMENT
    for question, earlier in zip(questions, before, strict=True):
        answer = ask(french, question)
        assert without_times(answer) == without_times(earlier)
        assert (answer.weak, answer.spelling) == (earlier.weak, earlier.spelling)


def test_what_is_pinned_last_goes_first(engine: SearchEngine) -> None:
    save_repair(engine, "notes", PINNED, "ann")
    save_repair(engine, "notes", Repair("pinned", question=QUESTION, document="injected"), "ann")
    assert [each.document.id for each in ask(engine).results[:2]] == ["injected", DOCUMENT]


def test_words_that_count_as_each_other_are_one_term(engine: SearchEngine) -> None:
    save_repair(engine, "notes", SAME, "ann")
    words = {
        term.label: term.value
        for result in ask(engine, "whales and chromosomes").results
        if result.document.id == "biology/mitosis"
        for term in result.terms
        if term.kind == "word"
    }
    assert list(words) == ["whales ≈ chromosomes"]
    one, other = (found(ask(engine, each), "biology/mitosis") for each in ("whales", "chromosomes"))
    assert [term.value for term in one.terms if term.kind == "word"] == [
        term.value for term in other.terms if term.kind == "word"
    ]
    save_repair(engine, "notes", Repair("same_words", words=("chromosomes", "orca")), "ann")
    answer = ask(engine, "orca")
    assert answer.spelling is None
    assert not answer.weak
    assert answer.query_words[0].word == "orca ≈ whales ≈ chromosomes"
    assert answer.query_words[0].passages >= 13


def test_a_keyword_is_a_term_of_its_own(engine: SearchEngine) -> None:
    before = found(ask(engine)).score
    save_repair(engine, "notes", KEYWORD, "ann")
    result = found(ask(engine))
    (term,) = (each for each in result.terms if each.kind == "repair")
    assert (term.label, term.word) == ("keyword “whales”", "whales")
    assert result.score > before
    assert ask(engine, "orca").results[0].document.id == DOCUMENT
    assert ask(engine, "orca").spelling is None


def test_a_knob_goes_into_the_default_preset(engine: SearchEngine) -> None:
    with engine.reader("notes") as reader:
        feature = int(np.argmax(reader.snapshot.passages_F))
    knob = Repair("knob", feature=feature, strength=-1.0)
    before = without_times(ask(engine))
    saved = save_repair(engine, "notes", knob, "ann")
    preset = read(engine, "notes", get_preset, "repairs")
    assert (preset.default, preset.steer) == (True, f"{feature}:-1")
    assert ask(engine).preset == "repairs"
    assert_adds_up(ask(engine))
    undo_repair(engine, "notes", saved.number)
    assert without_times(ask(engine)) == before
    # Beside knobs that are there, and not where somebody turned it further since.
    save_preset(engine, "notes", "wet", parse(f"concept:cells:1,{feature}:2"), default=True)
    first = save_repair(engine, "notes", knob, "ann")
    assert read(engine, "notes", get_preset, "wet").steer == f"concept:cells:1,{feature}:-1"
    undo_repair(engine, "notes", first.number)
    assert read(engine, "notes", get_preset, "wet").steer == f"concept:cells:1,{feature}:2"
    second = save_repair(engine, "notes", knob, "ann")
    save_preset(engine, "notes", "wet", parse(f"{feature}:3"))
    undo_repair(engine, "notes", second.number)
    assert read(engine, "notes", get_preset, "wet").steer == f"{feature}:3"
    delete_preset(engine, "notes", "wet")


def test_what_was_tried_is_what_happens(engine: SearchEngine) -> None:
    """Each offer, saved, ranks the document where the trial has said."""
    own = [Repair("same_words", words=("whales", "base")), KEYWORD]
    diagnosis = read(engine, "notes", diagnose, QUESTION, DOCUMENT, own)
    assert diagnosis.first is not None
    assert diagnosis.judged == diagnosis.questions == 1
    assert {each.kind for each in diagnosis.offers} >= {"pinned", "keyword", "same_words"}
    for each in (*diagnosis.offers, *diagnosis.useless):
        repair = Repair(
            each.kind, each.question, each.document, tuple(each.words), each.feature, each.strength
        )
        saved = save_repair(engine, "notes", repair, "ann")
        assert found(ask(engine)).rank == each.rank, each
        assert each.better + each.worse + each.same == 1
        undo_repair(engine, "notes", saved.number)
    (pinned,) = (each for each in diagnosis.offers if each.kind == "pinned")
    assert (pinned.rank, pinned.same, pinned.difference) == (1, 1, 0.0)
    assert diagnosis.lacks
    assert read(engine, "notes", list_repairs) == []


def test_what_a_repair_costs_other_questions_is_told_by_name(engine: SearchEngine) -> None:
    """The words of another question count for a document that is no answer to it."""
    own = [Repair("keyword", document=DOCUMENT, words=("orca",))]
    diagnosis = read(engine, "notes", diagnose, QUESTION, DOCUMENT, own)
    offer = diagnosis.offers[0]
    assert offer.words == ["orca"]
    saved = save_repair(engine, "notes", own[0], "ann")
    with engine.reader("notes") as reader:
        after = evaluate(reader, {"orca": SEAS}, Setting()).values["nDCG@10"][0]
    undo_repair(engine, "notes", saved.number)
    with engine.reader("notes") as reader:
        before = evaluate(reader, {"orca": SEAS}, Setting()).values["nDCG@10"][0]
    assert after < before
    assert [(each.question, each.before, each.after) for each in offer.lost] == [("orca", before, after)]
    assert (offer.better, offer.worse, offer.same) == (0, 1, 0)
    assert offer.difference == pytest.approx(after - before)


def test_it_is_told_how_many_of_the_last_questions_would_move(engine: SearchEngine) -> None:
    own = [Repair("same_words", words=("whales", "stem"))]
    asked = ("whales and stem cells", "a base case", "WHALES in the sea", "orca")
    with open_session(engine.database) as session:
        number = find_collection(session, "notes").id
        rows = [
            {"question_key": question_key(each), "question": each, "asked": 1, "weak": 0, "found": 1}
            | {"collection_id": number, "day": date(2026, 11, 30), "last_at": datetime.now(UTC)}
            | {"nowhere": [], "knobs": [], "modes": []}
            for each in asked
        ]
        session.execute(insert(QuestionRow), rows)
        session.commit()
    assert read(engine, "notes", diagnose, QUESTION, DOCUMENT, own).asked == 0, "they are not kept"
    try:
        with open_session(engine.database) as session:
            find_collection(session, "notes").keep_questions = 30
            session.commit()
        diagnosis = read(engine, "notes", diagnose, QUESTION, DOCUMENT, own)
    finally:
        with open_session(engine.database) as session:
            find_collection(session, "notes").keep_questions = None
            session.execute(delete(QuestionRow))
            session.commit()
    assert diagnosis.asked == 2, "its own question and one that is judged are not counted"
    assert diagnosis.offers[0].moved == 1
    pinned = next(each for each in diagnosis.offers if each.kind == "pinned")
    assert pinned.moved == 0


def test_what_stands_first_needs_no_repair(engine: SearchEngine) -> None:
    first = ask(engine).results[0].document.id
    diagnosis = read(engine, "notes", diagnose, QUESTION, first)
    assert (diagnosis.result.rank, diagnosis.first, diagnosis.offers) == (1, None, [])


@pytest.mark.parametrize(
    ("repair", "error", "says"),
    [
        (Repair("pinned", question=QUESTION, document="nothing"), DocumentNotFound, "'nothing'"),
        (Repair("pinned", question=" ", document=DOCUMENT), InvalidQuery, "empty"),
        (Repair("pinned", question="q" * 100_000, document=DOCUMENT), InvalidQuery, "100,000"),
        (Repair("keyword", document=DOCUMENT, words=("the",)), InvalidRequest, "cannot be keywords"),
        (Repair("keyword", document="nothing", words=("orca",)), DocumentNotFound, "'nothing'"),
        (Repair("same_words", words=("orca", "kraken")), InvalidRequest, "Neither 'orca' nor 'kraken'"),
        (Repair("same_words", words=("whale", "whales")), InvalidRequest, "not two different words"),
        (Repair("same_words", words=("whale",)), InvalidRequest, "not two different words"),
        (Repair("same_words", words=("big whale", "orca")), InvalidRequest, "not one word"),
        (Repair("knob", feature=10**6, strength=1.0), InvalidSteering, "1000000"),
        (Repair("knob", feature=1, strength=99.0), InvalidSteering, "99"),
        (Repair("knob", feature=1, strength=0.0), InvalidRequest, "not 0"),
    ],
)
def test_what_cannot_be_a_repair_is_refused(
    engine: SearchEngine, repair: Repair, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        save_repair(engine, "notes", repair, "ann")
    assert read(engine, "notes", list_repairs) == []


def test_a_document_of_another_collection_and_what_is_in_force_are_refused(engine: SearchEngine) -> None:
    with pytest.raises(DocumentNotFound):
        save_repair(engine, "other", PINNED, "ann")
    saved = save_repair(engine, "notes", PINNED, "ann")
    with pytest.raises(InvalidRequest, match=f"Repair {saved.number} says this already"):
        save_repair(engine, "notes", PINNED, "bob")
    with pytest.raises(RepairNotFound):
        undo_repair(engine, "other", saved.number)


def test_repairs_outlive_reindexing_deletion_and_another_machine(
    engine: SearchEngine,
    built: tuple[Engine, Path],
    tmp_path: Path,
    embedder: Embedder,
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
) -> None:
    database, data = built
    build(database, data, embedder, "moved", documents())
    for repair in (PINNED, KEYWORD):
        save_repair(engine, "moved", repair, "ann")

    def first(engine: SearchEngine) -> str:
        answer = engine.search(SearchRequest(QUESTION), collection="moved")
        return answer.results[0].document.id

    assert first(engine) == DOCUMENT
    with open_session(database) as session:
        number = find_collection(session, "moved").id
    Build(database, data, embedder, Reporter(database)).run(number, passage_tokens=24)
    assert first(engine) == DOCUMENT
    dump(database, tmp_path / "moved.dump", Reporter(database), collection="moved")
    with open_session(database) as session:
        delete_documents(session, number, [DOCUMENT])
        session.commit()
    assert first(engine) != DOCUMENT
    assert len(read(engine, "moved", list_repairs)) == 2
    build(database, data, embedder, "moved", documents())
    assert first(engine) == DOCUMENT, "a document of that id is back"
    with new_database() as url:
        elsewhere = create_engine(url)
        there = tmp_path / "elsewhere"
        there.mkdir()
        lend_dictionary(embedder.space.model, there)
        restore(elsewhere, there, tmp_path / "moved.dump", Reporter(elsewhere))
        moved = SearchEngine(elsewhere, there)
        assert first(moved) == DOCUMENT
        (keyword, pinned) = read(moved, "moved", list_repairs)
        assert (pinned.kind, keyword.words) == ("pinned", ["orca", "whales"])
        undo_repair(moved, "moved", pinned.number)
        assert first(moved) != DOCUMENT
        elsewhere.dispose()
