"""Events are told in the transaction of what happens, in the order of the commits, to who may know."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.build.generations import roll_back
from indexer.collections import delete_collection, rename_collection, set_private
from indexer.hooks.events import KEPT, KINDS, MOST_KEPT, EventInfo, EventPage, prune, read_events, tell
from indexer.jobs.queue import cancel_job, start_job
from search.db.models import CollectionRow
from search.embedding.embedder import Embedder
from search.errors import InvalidRequest
from search.rights import EVERYTHING, PUBLIC, Rights
from tests.support.building import build, document, work_off, write

pytestmark = [pytest.mark.database, pytest.mark.sql]


def page(database: Engine, **wanted: Any) -> EventPage:
    with Session(database) as session:
        return read_events(session, **wanted)


def events(database: Engine, **wanted: Any) -> list[EventInfo]:
    return page(database, **wanted).events


def told(database: Engine, *kinds: str, name: str | None = None) -> None:
    """Tells of an event of each kind."""
    with Session(database) as session:
        for kind in kinds:
            tell(session, kind, name)
        session.commit()


def test_the_end_of_a_job_is_told_whichever_it_is(database: Engine, tmp_path: Path) -> None:
    write(database, "notes", [])
    done = start_job(database, "verify", "notes")
    work_off(database, tmp_path)
    failed = start_job(database, "ingest", "notes", path=str(tmp_path / "nothing"))
    work_off(database, tmp_path)
    cancelled = start_job(database, "verify", "notes")
    cancel_job(database, cancelled)
    everywhere = start_job(database, "verify")
    cancel_job(database, everywhere)
    found = events(database)
    assert [(each.kind, each.collection, each.data["job"]) for each in found] == [
        ("job.done", "notes", done),
        ("job.failed", "notes", failed),
        ("job.cancelled", "notes", cancelled),
        ("job.cancelled", None, everywhere),
    ]
    assert [each.data["job_kind"] for each in found] == ["verify", "ingest", "verify", "verify"]
    assert "nothing" in found[1].data["reason"]
    assert "reason" not in found[0].data


def test_generations_are_told_as_they_change(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    built = [
        build(database, tmp_path, small_embedder, "notes", [document(number)]).generation
        for number in range(4)
    ]
    roll_back(database, "notes")
    live = events(database, kinds=["generation.live"])
    assert [(each.data["generation"], each.data["before"]) for each in live] == [
        (built[0], None),
        (built[1], built[0]),
        (built[2], built[1]),
        (built[3], built[2]),
        (built[2], built[3]),
    ]
    (dropped,) = events(database, kinds=["generation.dropped"])
    assert (dropped.data, dropped.collection) == ({"generation": built[0]}, "notes")
    assert delete_collection(database, tmp_path, "notes") == 4
    assert events(database)[-1].kind == "collection.deleted"
    assert events(database)[-1].collection == "notes"


def test_what_is_undone_is_told_to_nobody(database: Engine) -> None:
    with Session(database) as session:
        tell(session, "job.done", None, job=1)
        session.rollback()
    assert events(database) == []


def test_numbers_are_in_the_order_of_the_commits(database: Engine) -> None:
    """Who has read one number never finds a lower one later: a second teller waits for the first."""
    begun, ended = threading.Event(), threading.Event()

    def second() -> None:
        begun.set()
        told(database, "job.failed")
        ended.set()

    with Session(database) as session:
        tell(session, "job.done", None)
        thread = threading.Thread(target=second)
        thread.start()
        begun.wait()
        assert not ended.wait(0.2)
        assert events(database) == []
        session.commit()
    thread.join()
    assert [each.kind for each in events(database)] == ["job.done", "job.failed"]


def test_one_goes_on_after_the_last_number(database: Engine) -> None:
    told(database, *["job.done"] * 3)
    first = page(database, limit=2)
    assert [each.id for each in first.events] == [1, 2]
    assert (first.last, first.missed) == (2, False)
    rest = page(database, after=first.last, limit=2)
    assert [each.id for each in rest.events] == [3]
    assert page(database, after=rest.last) == EventPage([], 3, missed=False)


def test_events_that_are_passed_over_are_passed(database: Engine) -> None:
    told(database, "job.done", "job.failed", "job.done", name="notes")
    assert page(database, kinds=["job.failed"]).last == 3
    assert page(database, collection="others").last == 3
    assert [each.id for each in events(database, collection="notes", kinds=["job.failed"])] == [2]


def test_a_number_of_another_database_is_refused(database: Engine) -> None:
    with pytest.raises(InvalidRequest, match=r"no event 7 yet; the last was 0\..*Begin at 0"):
        page(database, after=7)


def test_kinds_that_there_are_not_are_refused(database: Engine) -> None:
    with pytest.raises(InvalidRequest, match=r"'job\.finished'.*job\.done"):
        page(database, kinds=["job.finished"])


def test_old_and_many_are_dropped_and_who_missed_them_hears_it(database: Engine) -> None:
    told(database, *["job.done"] * 5)
    with database.begin() as connection:
        old = text("UPDATE events SET at = now() - cast(:kept AS interval) WHERE id <= 2")
        connection.execute(old, {"kept": KEPT + timedelta(hours=1)})
    with Session(database) as session:
        prune(session)
        session.commit()
    assert [each.id for each in events(database)] == [3, 4, 5]
    assert page(database, after=1).missed
    assert not page(database, after=2).missed
    assert not page(database).missed  # who begins asks for what there is
    with database.begin() as connection:
        connection.execute(text("SELECT setval('events_id_seq', :far)"), {"far": MOST_KEPT + 4})
    told(database, "job.done")
    with Session(database) as session:
        prune(session)
        session.commit()
    assert [each.id for each in events(database)] == [MOST_KEPT + 5]


def number_of(database: Engine, name: str) -> CollectionRow:
    with Session(database) as session:
        return session.query(CollectionRow).filter_by(name=name).one()


def test_only_what_one_may_know_of_is_told(database: Engine, tmp_path: Path) -> None:
    write(database, "open", [document(1)])
    write(database, "vault", [document(2)])
    set_private(database, "vault", private=True)
    with Session(database) as session:
        for name in ("open", "vault"):
            tell(session, "generation.live", number_of(database, name), generation=1)
            tell(session, "job.done", number_of(database, name), job=1)
        tell(session, "webhook.disabled", None, webhook=1)
        session.commit()

    def seen(rights: Rights, *, admin: bool = False) -> list[str]:
        return [f"{each.kind} {each.collection}" for each in events(database, rights=rights, admin=admin)]

    assert len(seen(EVERYTHING, admin=True)) == 5
    assert seen(EVERYTHING) == ["generation.live open", "generation.live vault"]
    assert seen(PUBLIC) == ["generation.live open"]
    assert seen(Rights(frozenset({"vault"}))) == ["generation.live vault"]
    # another collection of a name that somebody may see is another one
    rename_collection(database, "vault", "cellar")
    assert seen(Rights(frozenset({"vault"}))) == []
    assert seen(Rights(frozenset({"cellar"}))) == ["generation.live vault"]
    delete_collection(database, tmp_path, "cellar")
    write(database, "cellar", [])
    assert seen(Rights(frozenset({"cellar"}))) == []
    assert "generation.live vault" in seen(EVERYTHING)


def test_every_kind_is_described() -> None:
    assert all(told and told[0].islower() for told in KINDS.values())
