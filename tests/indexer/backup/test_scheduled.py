"""Scheduled dumps: each tried, the latest kept, nothing half left."""

import resource
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.backup import scheduled
from indexer.backup.restore import restore
from indexer.backup.scheduled import Backups, back_up
from indexer.backup.storage import Place
from indexer.jobs.queue import get_job, list_jobs, start_job
from indexer.jobs.results import BackupResult
from indexer.jobs.schedule import Schedule, is_due
from indexer.progress import Reporter
from search.db.models import CollectionRow
from search.embedding.embedder import Embedder
from search.errors import ConfigurationError, InvalidRequest, SourceError
from search.settings import Settings
from tests.support.building import build, document, work_off, write

pytestmark = [pytest.mark.database, pytest.mark.sql]

DAY = timedelta(days=1)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_each_dump_is_tried_and_the_latest_are_kept(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    build(database, tmp_path, small_embedder, "c", [document(number) for number in range(3)])
    folder = tmp_path / "dumps"
    folder.mkdir()
    for name in ("refract-20200101T000000Z.dump", "refract-20990101T000000Z.dump", "mine.dump"):
        (folder / name).write_text("a dump of before")
    (folder / ".refract-20200102T000000Z.dump.x.part").write_text("left by a kill")
    backups = Backups(Place(str(folder)), DAY, keep=2)
    made = back_up(database, tmp_path, backups, Reporter(database))
    assert made.tried
    assert made.removed == ("refract-20200101T000000Z.dump",)
    assert names(folder) == sorted(["mine.dump", made.place.name, "refract-20990101T000000Z.dump"])
    with database.connect() as connection:
        left = connection.execute(
            text("SELECT count(*) FROM pg_database WHERE datname LIKE 'refract_trial%'")
        )
        assert left.scalar_one() == 0
    assert not (tmp_path / "trial").exists()


def test_a_dump_goes_to_an_address_and_comes_back_from_there(database: Engine, tmp_path: Path) -> None:
    write(database, "c", [document(1)])
    made = back_up(database, tmp_path, Backups(Place("memory://kept"), DAY, 1), Reporter(database))
    with database.begin() as connection:
        connection.execute(text("TRUNCATE collections, keys CASCADE"))
    manifest = restore(database, tmp_path, made.place.given, Reporter(database))
    assert manifest.count("documents") == 1
    again = back_up(database, tmp_path, Backups(Place("memory://kept"), DAY, 1), Reporter(database))
    assert (again.removed, Place("memory://kept").names()) == ((made.place.name,), [again.place.name])


def test_dumps_follow_each_other_within_a_second(database: Engine, tmp_path: Path) -> None:
    backups = Backups(Place(str(tmp_path / "dumps")), DAY, keep=9)
    made = [back_up(database, tmp_path, backups, Reporter(database)).place.name for _ in range(4)]
    assert made == sorted(set(made)) == names(tmp_path / "dumps")


def test_a_dump_that_does_not_restore_is_not_kept_and_nothing_is_deleted(
    database: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / "refract-20200101T000000Z.dump").write_text("a dump of before")
    with Session(database) as session:
        session.add(CollectionRow(name="Not a name", model="m"))
        session.commit()
    with pytest.raises(SourceError, match="a collection's name"):
        back_up(database, tmp_path, Backups(Place(str(folder)), DAY, 1), Reporter(database))
    assert names(folder) == ["refract-20200101T000000Z.dump"]


def test_a_full_disk_is_told_and_leaves_nothing_half(database: Engine, tmp_path: Path) -> None:
    write(database, "c", [document(number) for number in range(50)])
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / "refract-20200101T000000Z.dump").write_text("a dump of before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # what a full disk is to who writes
    try:
        with pytest.raises(ConfigurationError, match="cannot be written: File too large"):
            back_up(database, tmp_path, Backups(Place(str(folder)), DAY, 1), Reporter(database))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(folder) == ["refract-20200101T000000Z.dump"]


def test_where_no_database_can_be_made_a_dump_is_read_again(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled, "try_restore", lambda *_: False)
    assert not back_up(database, tmp_path, Backups(Place("memory://read"), DAY, 1), Reporter(database)).tried


def test_a_worker_makes_the_dump_that_is_due(database: Engine, tmp_path: Path) -> None:
    write(database, "c", [document(1)])
    backups = Backups.of(Settings(backup_to=str(tmp_path / "dumps"), backup_every=24, backup_keep=3))
    for _ in range(2):  # two workers look at the same time
        Schedule(database, backups).look()
    assert [job.kind for job in list_jobs(database)] == ["backup"]
    work_off(database, tmp_path, backups=backups)
    job = next(job for job in list_jobs(database) if job.kind == "backup")
    assert (job.state, job.reason) == ("done", None)
    assert isinstance(job.result, BackupResult)
    assert job.result.tried
    assert names(tmp_path / "dumps") == [Path(job.result.file).name]
    Schedule(database, backups).look()
    assert [job.kind for job in list_jobs(database)].count("backup") == 1
    with Session(database) as session:
        assert not is_due(session, DAY)
        assert is_due(session, timedelta(0))


def test_one_that_failed_is_tried_again_sooner(database: Engine, tmp_path: Path) -> None:
    number = start_job(database, "backup")
    work_off(database, tmp_path)  # no place is set
    job = get_job(database, number)
    assert job.state == "failed"
    assert "REFRACT_BACKUP_TO" in (job.reason or "")
    with Session(database) as session:
        assert not is_due(session, DAY)
        session.execute(text("UPDATE jobs.procrastinate_events SET at = at - interval '2 hours'"))
        assert is_due(session, DAY)


def test_without_a_setting_there_are_none(database: Engine, tmp_path: Path) -> None:
    assert Backups.of(Settings(backup_to="")) is None
    Schedule(database, None).look()
    assert list_jobs(database) == []
    with pytest.raises(InvalidRequest, match="No place"):
        back_up(database, tmp_path, None, Reporter(database))
