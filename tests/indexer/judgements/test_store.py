"""Judgements: kept, replaced, taken back; what cannot be kept is refused in words, and nothing of it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from indexer.audit import list_entries
from indexer.documents import delete_documents
from indexer.judgements import store
from indexer.judgements.listing import count_judgements, own_judgements, walk_judgements
from indexer.judgements.store import Given, Kept, delete_judgements, keep_judgements
from search.db.models import JudgementRow
from search.errors import (
    CollectionNotFound,
    DocumentNotFound,
    InvalidQuery,
    InvalidRequest,
    TooLarge,
    TooManyRequests,
)
from tests.support.building import document, write

pytestmark = pytest.mark.database

QUESTION = "who sings"


@pytest.fixture
def collection(database: Engine) -> int:
    return write(database, "c", [document(number) for number in range(4)])


def given(name: str = "d1", grade: int | None = 1, judge: str = "ann", question: str = QUESTION) -> Given:
    return Given(question, name, grade, judge)


def keep(database: Engine, *judgements: Given, **options: Any) -> Kept:
    return keep_judgements(database, "c", judgements, **options)


def kept(database: Engine, collection: int) -> list[tuple[str, str, int, str]]:
    with Session(database) as session:
        found = list(walk_judgements(session, collection))
    return [(each.question, each.document, each.grade, each.judge) for each in found]


def test_judging_again_replaces_and_taking_back_deletes(database: Engine, collection: int) -> None:
    assert keep(database, given(), given("d2", 0)) == Kept(added=2)
    assert keep(database, given(grade=0, question="  WHO   sings ")) == Kept(changed=1)
    assert kept(database, collection) == [("WHO   sings", "d1", 0, "ann"), (QUESTION, "d2", 0, "ann")]
    assert keep(database, given(judge="bob"), given("d2", None)) == Kept(added=1, taken_back=1)
    assert keep(database, given("d2", None)) == Kept()
    with Session(database) as session:
        assert own_judgements(session, collection, "Who sings", "ann") == {"d1": 0}
        assert own_judgements(session, collection, "who sings?", "ann") == {}
        counts = count_judgements(session, collection)
        assert (counts.judgements, counts.questions, counts.judges) == (2, 1, 2)
        actions = [entry.action for entry in list_entries(session)]
    assert actions.count("judgements.write") == 4


def test_it_is_kept_when_and_by_whom_it_was_said(database: Engine, collection: int) -> None:
    then = datetime(2025, 5, 4, 3, 2, tzinfo=UTC)
    keep(database, Given(QUESTION, "d1", 4, "ann", then, 7), given("d2"))
    with Session(database) as session:
        first, second = walk_judgements(session, collection)
    assert (first.judged_at, first.generation, first.counts) == (then, 7, True)
    assert second.judged_at > then
    assert second.generation is None, "nothing is live"


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ([given("none"), given("nor this")], DocumentNotFound, "'none', 'nor this' in 'c'"),
        ([given(f"x{number}") for number in range(9)], DocumentNotFound, "and 4 more"),
        ([given(question=" ")], InvalidQuery, "empty"),
        ([given(question="?!")], InvalidQuery, "no letter"),
        ([given(question="x" * 5000)], InvalidQuery, "5,000 characters"),
        ([given(grade=5)], InvalidRequest, "grade 5"),
        ([given(grade=-1)], InvalidRequest, "grade -1"),
        ([given(judge=" ")], InvalidRequest, "names no"),
        ([given("d\0")], InvalidRequest, "names no"),
        ([given(), given(grade=0)], InvalidRequest, "both 1 and 0 of 'd1'"),
        ([given(), given(grade=None, question="WHO sings")], InvalidRequest, "both 1 and None"),
    ],
)
def test_where_one_cannot_be_kept_none_is(
    database: Engine, collection: int, wrong: list[Given], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        keep(database, given("d3"), *wrong)
    assert kept(database, collection) == []


def test_what_was_said_of_a_document_that_is_gone_can_be_taken_back(
    database: Engine, collection: int
) -> None:
    keep(database, given(), given("d2"))
    with Session(database) as session:
        delete_documents(session, collection, ["d1"])
        session.commit()
    with pytest.raises(DocumentNotFound):
        keep(database, given(grade=0))
    assert keep(database, given(grade=None)) == Kept(taken_back=1)


def test_unknown_documents_may_be_skipped(database: Engine, collection: int) -> None:
    assert keep(database, given(), given("gone"), skip_unknown=True) == Kept(added=1, skipped=1)
    with pytest.raises(CollectionNotFound):
        keep_judgements(database, "other", [given()])
    assert kept(database, collection) == [(QUESTION, "d1", 1, "ann")]


def test_one_client_cannot_give_more_than_so_many_a_day(
    database: Engine, collection: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_A_DAY", 2)
    keep(database, given(), given("d2"))
    keep(database, given(grade=0))  # it is no more than before
    with pytest.raises(TooManyRequests, match="'ann' would have given 3") as refused:
        keep(database, given("d3"))
    assert 0 < (refused.value.retry_after or 0) <= 24 * 3600
    keep(database, given("d3", judge="bob"))
    with Session(database) as session:
        session.execute(update(JudgementRow).values(judged_at=datetime.now(UTC) - timedelta(days=2)))
        session.commit()
    keep(database, given("d3"))
    keep(database, *(given(f"d{number}", question="others") for number in range(4)), bounded=False)
    assert len(kept(database, collection)) == 8


def test_a_collection_holds_so_many(
    database: Engine, collection: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST", 2)
    with pytest.raises(TooLarge, match="3 judgements; 2 is the most"):
        keep(database, given(), given("d2"), given("d3"), bounded=False)
    assert kept(database, collection) == []


def test_all_that_one_judge_said_is_deleted(database: Engine, collection: int) -> None:
    keep(database, given(), given("d2"), given(judge="bob"))
    with pytest.raises(InvalidRequest, match="These have: ann, bob"):
        delete_judgements(database, "c", "eve")
    assert delete_judgements(database, "c", "ann") == 2
    assert kept(database, collection) == [(QUESTION, "d1", 1, "bob")]
