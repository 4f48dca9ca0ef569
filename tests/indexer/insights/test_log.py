"""Questions are counted by day, kept as long as their owner says, and by nobody's name."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.orm import Session

from indexer.audit import list_entries
from indexer.backup.dump import dump
from indexer.collections import delete_collection
from indexer.hooks.courier import Courier
from indexer.insights import log
from indexer.insights.listing import Insights, list_questions, read_insights
from indexer.insights.log import DROPPED, QuestionLog
from indexer.insights.setting import delete_questions, keep_questions
from indexer.judgements.store import Given, keep_judgements
from indexer.progress import Reporter
from search.db.lookup import find_collection
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import CollectionNotFound, InvalidRequest
from search.query.request import SearchRequest
from search.query.steering import parse
from search.responses.search import SearchResponse
from tests.support.building import build
from tests.support.notes import documents

pytestmark = pytest.mark.database

ON = {"notes": 30}


@pytest.fixture(scope="module")
def answer(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[SearchResponse]:
    """A real answer, to a question of which a word is nowhere, with a knob turned."""
    data = tmp_path_factory.mktemp("insights")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "notes", documents())
        request = SearchRequest("How do cells divide, zzyzx?", parse("concept:sea:1"))
        yield SearchEngine(database, data).search(request, collection="notes")
        database.dispose()


@pytest.fixture
def kept(database: Engine) -> Engine:
    """A database with a collection "notes" whose questions are kept, and "other", whose are not."""
    with database.begin() as connection:
        for name, days in (("notes", 30), ("other", None)):
            values = {"name": name, "days": days}
            statement = "INSERT INTO collections (name, model, keep_questions) VALUES (:name, 'm', :days)"
            connection.execute(text(statement), values)
    return database


def read(database: Engine, name: str = "notes") -> Insights:
    with Session(database) as session:
        return read_insights(session, find_collection(session, name))


def days(database: Engine) -> list[tuple[str, int]]:
    with database.connect() as connection:
        rows = connection.execute(text("SELECT question, asked FROM questions ORDER BY day, question"))
        return [(row.question, row.asked) for row in rows]


def move(database: Engine, back: int) -> None:
    """Makes all that is kept so many days older."""
    with database.begin() as connection:
        connection.execute(text("UPDATE questions SET day = day - :back"), {"back": back})


def test_nothing_is_kept_where_nobody_says_so(kept: Engine, answer: SearchResponse) -> None:
    off = QuestionLog(kept, dict)
    off.note(answer)
    off.flush()
    late = QuestionLog(kept, lambda: {"other": 30, "gone": 30})  # it was until a moment ago
    for name in ("other", "gone"):
        late.note(replace(answer, collection=name))
    late.flush()
    assert days(kept) == []
    assert read(kept, "other").days is None


def test_a_question_is_counted_with_how_it_was_answered(kept: Engine, answer: SearchResponse) -> None:
    questions = QuestionLog(kept, lambda: ON)
    questions.note(answer)
    questions.note(replace(answer, query=" how do CELLS divide,  zzyzx?", steering=[], mode="semantic"))
    questions.note(answer, again=True, turned=["whales"])
    questions.note(replace(answer, offset=10))
    questions.flush()
    questions.note(replace(answer, query="nothing", steering=[], weak=True, query_words=[]))
    questions.note(replace(answer, query="nothing", steering=[], total=0, query_words=[]))
    questions.note(answer)
    questions.flush()
    found = read(kept)
    assert (found.asked, found.questions, found.weak) == (5, 2, 2 + 3 * answer.weak)
    first = found.most_asked[0]
    assert first.question == answer.query
    assert (first.asked, first.found, first.days) == (3, answer.total, 1)
    assert first.nowhere == ["zzyzx"]
    assert first.knobs == ["sea", "whales"]
    assert first.modes == ["hybrid", "semantic"]
    assert (first.last_at.minute, first.last_at.second) == (0, 0)
    assert found.unanswered[0].question == "nothing" or answer.weak
    assert [(each.name, each.questions, each.question) for each in found.nowhere] == [
        ("zzyzx", 1, answer.query)
    ]
    assert {each.name for each in found.knobs} == {"sea", "whales"}


def test_thumbs_down_alone_are_no_good_answer(kept: Engine, answer: SearchResponse) -> None:
    with kept.begin() as connection:
        statement = """
            INSERT INTO documents (collection_id, external_id, title, text, meta, sha256, seq)
            SELECT id, external, '', 'a', '{}', '', nextval('change_seq')
            FROM collections, unnest(ARRAY['a', 'b']) AS external WHERE name = 'notes'"""
        connection.execute(text(statement))
    questions = QuestionLog(kept, lambda: ON)
    for asked in ("bad", "mixed", "fine"):
        questions.note(replace(answer, query=asked, weak=False))
    questions.flush()
    given = [("bad", "a", 0), ("mixed", "a", 0), ("mixed", "b", 1), ("fine", "a", 1)]
    keep_judgements(kept, "notes", [Given(asked, name, grade, "ann") for asked, name, grade in given])
    found = read(kept)
    assert [each.question for each in found.unanswered] == ["bad"]
    assert {each.question: (each.down, each.up) for each in found.most_asked} == {
        "bad": (1, 0),
        "mixed": (1, 1),
        "fine": (0, 1),
    }


def test_what_is_old_is_gone(kept: Engine, answer: SearchResponse) -> None:
    questions = QuestionLog(kept, lambda: ON)
    questions.note(replace(answer, query="long ago"))
    questions.flush()
    move(kept, 29)
    assert [each.question for each in read(kept).most_asked] == ["long ago"]
    move(kept, 1)
    assert read(kept).most_asked == []
    assert len(days(kept)) == 1
    courier = Courier(kept)
    courier.deliver()
    courier.end()
    assert days(kept) == []
    for asked in ("old", "new"):
        questions.note(replace(answer, query=asked))
        questions.flush()
        move(kept, 5)
    keep_questions(kept, "notes", 7)
    assert days(kept) == [("new", 1)]
    keep_questions(kept, "notes", 0)
    assert days(kept) == []


def test_an_owner_decides_how_long_and_deletes_all(kept: Engine, answer: SearchResponse) -> None:
    for wrong in (-1, 366):
        with pytest.raises(InvalidRequest, match="cannot be kept"):
            keep_questions(kept, "notes", wrong)
    with pytest.raises(CollectionNotFound):
        keep_questions(kept, "nobody", 30)
    questions = QuestionLog(kept, lambda: ON)
    questions.note(answer)
    questions.flush()
    assert delete_questions(kept, "notes") == 1
    assert days(kept) == []
    assert read(kept).days == 30
    keep_questions(kept, "notes", 30)  # as it is: nothing is changed
    keep_questions(kept, "notes", 365)
    with Session(kept) as session:
        entries = [(each.action, each.details) for each in list_entries(session)]
    assert entries == [("collection.questions", {"days": 365}), ("questions.delete", {"deleted": 1})]


def test_a_collection_goes_with_its_questions(kept: Engine, tmp_path: Path, answer: SearchResponse) -> None:
    questions = QuestionLog(kept, lambda: ON)
    questions.note(answer)
    questions.flush()
    questions.note(answer)
    delete_collection(kept, tmp_path, "notes")
    questions.flush()
    assert days(kept) == []


def test_dumps_leave_questions_out(kept: Engine, tmp_path: Path, answer: SearchResponse) -> None:
    questions = QuestionLog(kept, lambda: ON)
    questions.note(answer)
    questions.flush()
    manifest = dump(kept, tmp_path / "all.dump", Reporter(kept))
    assert manifest.count("collections") == 2
    assert manifest.count("questions") == 0


def test_too_much_is_dropped_and_counted(
    kept: Engine, answer: SearchResponse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MOST_WAITING", 3)
    monkeypatch.setattr(log, "MOST_A_DAY", 4)
    questions = QuestionLog(kept, lambda: ON)
    dropped = DROPPED._value.get()
    for number in range(5):
        questions.note(replace(answer, query=f"a{number}"))
    questions.flush()
    assert len(days(kept)) == 3
    for asked in ("a0", "b1", "b2"):
        questions.note(replace(answer, query=asked))
    questions.flush()
    assert len(days(kept)) == 4
    assert sum(asked for _, asked in days(kept)) == 5
    assert DROPPED._value.get() - dropped == 3


def test_questions_are_lost_where_the_database_is_gone(
    kept: Engine, answer: SearchResponse, caplog: pytest.LogCaptureFixture
) -> None:
    gone = create_engine(kept.url.set(port=1))
    questions = QuestionLog(gone, lambda: ON)
    questions.note(answer)
    questions.flush()
    assert "1 questions were not kept" in caplog.text
    assert answer.query not in caplog.text


def ask_often(url: str, answer: SearchResponse, times: int) -> None:
    database = create_engine(url)
    questions = QuestionLog(database, lambda: ON)
    for number in range(times):
        for asked in range(20):
            questions.note(replace(answer, query=f"question {(asked * (number + 1)) % 20}"))
        questions.flush()
    database.dispose()


def test_two_processes_count_the_same_questions(kept: Engine, answer: SearchResponse) -> None:
    url = kept.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("forkserver")
    asking = [context.Process(target=ask_often, args=(url, answer, 25)) for _ in range(2)]
    for process in asking:
        process.start()
    for process in asking:
        process.join(120)
    assert [process.exitcode for process in asking] == [0, 0]
    assert read(kept).asked == 2 * 25 * 20
    with Session(kept) as session:
        found = list_questions(session, find_collection(session, "notes"), limit=100)
    assert len(found) == 20
