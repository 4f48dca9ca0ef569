"""Dumping and restoring: what comes back is what was there at one moment; what is damaged does nothing."""

import contextlib
import itertools
import json
import resource
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, inspect, select, text
from sqlalchemy.orm import Session

from indexer.backup.dump import OF_GENERATIONS, ROWS, dump
from indexer.backup.manifest import MANIFEST, Manifest, read_checked
from indexer.backup.restore import restore
from indexer.build.builder import Build
from indexer.build.catch_up import CatchUp
from indexer.build.passage_rows import create_partition
from indexer.build.stages import name_features
from indexer.build.verify import verify
from indexer.documents import delete_documents, ensure_collection, ingest
from indexer.hooks.events import read_events
from indexer.labels.edit import edit_label
from indexer.presets.store import get_preset, list_presets, save_preset
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.db.migrations import current_revision, known_revisions, take_tables_to
from search.db.models import CollectionRow, FeatureRow, GenerationRow, KeyRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import CollectionNotFound, ConfigurationError, InvalidRequest, SourceError
from search.query.request import SearchRequest
from search.query.steering import parse
from search.responses.collections import Progress
from search.responses.search import SearchResponse
from search.settings import DEFAULT_MODEL
from tests.support.building import build
from tests.support.reading import read

pytestmark = [pytest.mark.database, pytest.mark.sql]

THINGS = ["Whales", "Ovens", "Stars", "Ships", "Forests", "Bridges"]
DOINGS = [
    "are older than the first towns, {} and all that lives around them.",
    "grow in the dark; nobody counts {} in winter, says the \\t manual.",
    "cost more than a house.\nWho buys {} buys trouble, and a roof for them.",
]
QUESTIONS = ["animals of the sea", "what is hot in a kitchen", "a long journey over water"]
LABEL = "bridges – \\N of 'steel'"
BITS = [0x01, 0x55]
MARK = "Steel – \\N and \\. and 100 % 'quoted'\ttabs"


def document(number: str, content: str) -> SourceDocument:
    return SourceDocument(number, f"Title {number}", content, f"https://x/{number}", {"n": [number, None]})


@dataclass(frozen=True)
class Source:
    """A database that is dumped, and its dump."""

    database: Engine
    data: Path
    path: Path
    manifest: Manifest
    answers: list[SearchResponse]


@pytest.fixture(scope="module")
def source(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
) -> Iterator[Source]:
    """A collection built twice and changed since, one beside it, one never built, labels and keys."""
    data = tmp_path_factory.mktemp("source")
    with new_database() as url:
        database = create_engine(url)
        try:
            texts = [f"{thing} {doing.format(thing)}" for thing in THINGS for doing in DOINGS]
            documents = [document(str(place), content) for place, content in enumerate(texts)]
            build(database, data, embedder, "c", documents)
            build(database, data, embedder, "beside", documents[:6])
            _change(database, data, embedder)
            path = data / "all.dump"
            manifest = dump(database, path, Reporter(database))
            yield Source(database, data, path, manifest, answers(database, data))
        finally:
            database.dispose()


def _change(database: Engine, data: Path, embedder: Embedder) -> None:
    number = collection_id(database, "c")
    Build(
        database,
        data,
        embedder,
        Reporter(database),
        # Another dictionary, so that there are matches.
        naming=lambda session, generation, _, *parts: name_features(session, generation, None, *parts),
    ).run(number)
    write(database, "c", [document("0", "Not indexed, and soon replaced.")])
    write(database, "c", [document("0", MARK), document("new", "Sails carry ships over the sea.")])
    CatchUp(database, live(database, "c"), embedder).run(Reporter(database))
    write(database, "c", [document("1", "Waits for its passages, first version.")])
    write(database, "c", [document("1", "Waits for its passages."), document("late", "So does this one.")])
    with Session(database) as session:
        delete_documents(session, number, ["2", "3"])
        ensure_collection(session, "waiting", DEFAULT_MODEL, title="Yet \\N to come", description="Soon")
        session.add(KeyRow(name="gone", scope="admin", sha256=b"\0\\\n", revoked_at=datetime.now(UTC)))
        session.add(KeyRow(name="there", scope="search", sha256=b"there"))
        session.commit()
    edit_label(database, "c", 7, LABEL)
    engine, knobs = SearchEngine(database, data), f"5:1.5,concept:{MARK[:5]}:-1,like:4!9:1"
    save_preset(engine, "c", "Bridges – N", parse(knobs), description="of \\N 'steel'", default=True)
    save_preset(engine, "beside", "other", parse("7:off"))
    write(database, "waiting", [document("w", "Has no index yet.")])


def write(database: Engine, name: str, documents: list[SourceDocument]) -> None:
    ingest(database, collection_id(database, name), documents, Reporter(database))


def collection_id(database: Engine, name: str) -> int:
    with Session(database) as session:
        return session.scalars(select(CollectionRow.id).where(CollectionRow.name == name)).one()


def live(database: Engine, name: str) -> int:
    with Session(database) as session:
        is_live = (CollectionRow.name == name, GenerationRow.state == "live")
        return session.scalars(select(GenerationRow.id).join(CollectionRow).where(*is_live)).one()


def answers(database: Engine, data: Path, *, limit: int = 30) -> list[SearchResponse]:
    """What both collections say to some questions, steered in every way."""
    engine = SearchEngine(database, data)
    plain = engine.search(SearchRequest(QUESTIONS[0], preset="none"), collection="c", limit=1)
    first = int(engine.snapshot("c").passages_F.argmax())
    ways = ["", f"{first}:2", f"{first}:off", "concept:the sea:1", "like:4~6!9:1"]
    ways += [f"family:{family}:1" for family in engine.snapshot("c").families][:1]
    found = [
        engine.search(SearchRequest(question, parse(way), preset="none"), collection=name, limit=limit)
        for question in QUESTIONS
        for way in ways
        for name in ("c", "beside")
        if name == "c" or ("family" not in way and "like" not in way)
    ]
    earlier = plain.dictionary - 2  # that of "beside" came between
    return [*found, engine.search(SearchRequest("a", parse("5:1"), earlier), collection="c")]


def ranking(response: SearchResponse) -> list[tuple[str, int, str]]:
    return [(each.document.id, each.passage.id, each.passage.text) for each in response.results]


def scores(response: SearchResponse) -> dict[str, float]:
    return {each.document.id: each.score for each in response.results}


def count(database: Engine, table: str) -> int:
    with database.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def assert_empty(database: Engine) -> None:
    for table in ("collections", "documents", "passages", "dictionaries", "keys"):
        assert count(database, table) == 0
    with database.connect() as connection:
        assert current_revision(connection) == known_revisions()[-1]


def test_a_restored_dump_gives_the_same_answers(source: Source, database: Engine, tmp_path: Path) -> None:
    assert restore(database, tmp_path, source.path, Reporter(database)) == source.manifest
    assert verify(database, tmp_path).sound
    with Session(database) as session:
        told = read_events(session).events  # none of the source's: those are of another installation
    assert [(each.kind, each.collection) for each in told] == [
        ("generation.live", "beside"),
        ("generation.live", "c"),
    ]
    pairs = zip(source.answers, answers(database, tmp_path), strict=True)
    for before, after in pairs:
        assert ranking(after) == ranking(before)
        assert scores(after) == pytest.approx(scores(before), abs=1e-6)
        untimed = replace(before, took_ms=after.took_ms, results=[])
        assert replace(after, results=[]) == untimed
    shown = {number for number, _, _ in ranking(answers(database, tmp_path)[0])}
    assert {"0", "1", "new"} < shown
    assert not {"2", "3", "late"} & shown


def test_without_embeddings_they_are_computed_again(source: Source, database: Engine, tmp_path: Path) -> None:
    path = tmp_path / "small.dump"
    manifest = dump(source.database, path, Reporter(source.database), embeddings=False)
    assert not manifest.embeddings
    assert path.stat().st_size < source.path.stat().st_size
    restore(database, tmp_path, path, Reporter(database))
    assert verify(database, tmp_path).sound
    pairs = zip(source.answers, answers(database, tmp_path), strict=True)
    for before, after in pairs:
        assert scores(after) == pytest.approx(scores(before), abs=1e-3)
        clear = sorted(scores(before).values(), reverse=True)
        if len(clear) > 1 and clear[0] - clear[1] > 2e-3:
            assert ranking(after)[0] == ranking(before)[0]


def test_every_byte_comes_back_whatever_the_server_is_set_to(
    source: Source, database: Engine, tmp_path: Path
) -> None:
    restore(database, tmp_path, source.path, Reporter(database))
    name = database.url.database
    with database.begin() as connection:
        for setting in ("datestyle TO 'SQL, DMY'", "extra_float_digits TO -5", "bytea_output TO 'escape'"):
            connection.execute(text(f"ALTER DATABASE {name} SET {setting}"))
        connection.execute(text(f"ALTER DATABASE {name} SET timezone TO 'Asia/Kolkata'"))
    database.dispose()
    again = dump(database, tmp_path / "again.dump", Reporter(database))
    assert again.members == source.manifest.members
    assert again.sequences == source.manifest.sequences
    assert {member.table for member in again.members} >= {"families", "feature_matches"}


def test_labels_by_hand_and_keys_survive(source: Source, database: Engine, tmp_path: Path) -> None:
    restore(database, tmp_path, source.path, Reporter(database))
    with Session(database) as session:
        by_hand = session.scalars(select(FeatureRow).where(FeatureRow.origin == "hand")).one()
        assert (by_hand.feature, by_hand.label) == (7, LABEL)
        keys = {key.name: key for key in session.scalars(select(KeyRow))}
        assert keys["gone"].revoked_at is not None
        assert keys["gone"].sha256 == b"\0\\\n"
        assert keys["there"].revoked_at is None


def test_presets_survive(source: Source, database: Engine, tmp_path: Path) -> None:
    restore(database, tmp_path, source.path, Reporter(database))
    there, here = SearchEngine(source.database, source.data), SearchEngine(database, tmp_path)
    for name in ("c", "beside"):
        assert read(here, name, list_presets) == read(there, name, list_presets)
    preset = read(here, "c", get_preset, "Bridges – N")
    assert (preset.default, preset.steer) == (True, "5:1.5,concept:Steel:-1,like:4!9:1")
    assert here.search(SearchRequest("a"), collection="c").preset == preset.name
    save_preset(here, "c", "after", parse("5:1"))


def test_a_restored_collection_goes_on(
    source: Source, database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    restore(database, tmp_path, source.path, Reporter(database))
    engine = SearchEngine(database, tmp_path)
    engine.search(SearchRequest("a", parse("")), collection="c")
    fresh = document("fresh", "Volcanoes throw out hot stone.")
    write(database, "c", [fresh, document("12", "Changed after it was restored.")])
    CatchUp(database, live(database, "c"), embedder).run(Reporter(database))
    found = {number: body for number, _, body in ranking(answers(database, tmp_path)[0])}
    assert found["fresh"] == fresh.text
    assert found["12"] == "Changed after it was restored."
    assert found["late"] == "So does this one."
    assert count(database, "documents WHERE external_id = '12'") == 2
    before = max(live(source.database, "c"), live(source.database, "beside"))
    build(database, tmp_path, embedder, "c", [document("5", "Built after it was restored.")])
    assert live(database, "c") > before
    build(database, tmp_path, embedder, "waiting", [])
    assert verify(database, tmp_path).sound


def test_a_dump_is_of_one_moment_and_holds_up_nobody(
    source: Source, database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    restore(database, tmp_path, source.path, Reporter(database))
    steps: list[str] = []

    def meddle(progress: Progress) -> None:
        """Another process writes, when the dump has begun and between its first tables."""
        if len(steps) == 3:
            return
        steps.append(progress.step)
        write(database, "c", [document(f"meanwhile {len(steps)}", "Written while the dump was made.")])
        with Session(database) as session:
            delete_documents(session, collection_id(database, "c"), [str(9 + len(steps))])
            session.commit()
        CatchUp(database, live(database, "c"), embedder).run(Reporter(database))
        with Session(database) as session:  # a build begins, which else every search would queue behind
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            create_partition(session, 99)

    path = tmp_path / "meanwhile.dump"
    manifest = dump(database, path, Reporter(database, meddle))
    assert len(steps) == 3
    assert manifest.members == source.manifest.members
    assert count(database, "documents") > manifest.count("documents")


def test_one_collection_goes_alone(source: Source, database: Engine, tmp_path: Path) -> None:
    path = tmp_path / "beside.dump"
    manifest = dump(source.database, path, Reporter(source.database), collection="beside")
    assert (manifest.collections, manifest.count("keys")) == (["beside"], 0)
    restore(database, tmp_path, path, Reporter(database))
    assert [count(database, table) for table in ("collections", "documents", "generations", "keys")] == [
        1, 6, 1, 0,
    ]  # fmt: skip
    before, after = (
        SearchEngine(*place).search(SearchRequest(QUESTIONS[0]), collection="beside")
        for place in ((source.database, source.data), (database, tmp_path))
    )
    assert after.results == before.results
    with pytest.raises(CollectionNotFound, match="nowhere"):
        dump(source.database, tmp_path / "no.dump", Reporter(source.database), collection="nowhere")
    assert not (tmp_path / "no.dump").exists()


def test_an_empty_database_can_be_dumped(database: Engine, tmp_path: Path) -> None:
    manifest = dump(database, tmp_path / "nothing.dump", Reporter(database))
    assert (manifest.collections, manifest.rows) == ([], 0)
    assert restore(database, tmp_path, tmp_path / "nothing.dump", Reporter(database)) == manifest


def cut(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.9, 0.99999])
def test_a_dump_cut_off_is_refused(source: Source, database: Engine, tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.dump"
    shutil.copy(source.path, path)
    cut(path, share)
    with pytest.raises(SourceError, match=r"cut\.dump is damaged or cut off"):
        restore(database, tmp_path, path, Reporter(database))
    assert_empty(database)


def test_a_dump_with_a_changed_byte_is_refused(source: Source, database: Engine, tmp_path: Path) -> None:
    path = tmp_path / "flipped.dump"
    for share in (0.1, 0.5, 0.9):  # at the end stand times, which say nothing; see the next test
        content = bytearray(source.path.read_bytes())
        content[int(len(content) * share)] ^= 1
        path.write_bytes(content)
        with pytest.raises(SourceError, match=r"flipped\.dump is damaged"):
            restore(database, tmp_path, path, Reporter(database))
        assert_empty(database)


def test_no_changed_byte_goes_unseen_or_unexplained(source: Source, tmp_path: Path) -> None:
    """Of a small dump every byte; some, like the time of a member, say nothing."""
    small, path = tmp_path / "small.dump", tmp_path / "flipped.dump"
    manifest = dump(source.database, small, Reporter(source.database), collection="waiting")
    content = bytearray(small.read_bytes())
    refused = 0
    for place, bits in itertools.product(range(len(content)), BITS):
        content[place] ^= bits
        path.write_bytes(content)
        content[place] ^= bits
        with contextlib.suppress(SourceError):
            refused += 1
            assert read_checked(path, Reporter(source.database)) == manifest
            refused -= 1
    assert refused > len(content) * len(BITS) / 2


def rewritten(source: Source, path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of the dump, a sound zip, with other members (None: without it)."""
    with zipfile.ZipFile(source.path) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            content = change(name, before.read(name))
            if content is not None:
                after.writestr(name, content)
    return path


def changed(source: Source, path: Path, **changes: object) -> Path:
    """A copy of the dump with another manifest."""

    def change(name: str, content: bytes) -> bytes:
        return content if name != MANIFEST else json.dumps({**json.loads(content), **changes}).encode()

    return rewritten(source, path, change)


@pytest.mark.parametrize("other", [None, b"", b"1\tcollection\n"])
def test_a_member_that_is_not_the_one_written_is_refused(
    source: Source, database: Engine, tmp_path: Path, other: bytes | None
) -> None:
    path = tmp_path / "other.dump"
    rewritten(source, path, lambda name, content: other if name == "collections.copy" else content)
    with pytest.raises(SourceError, match=r"other\.dump is damaged"):
        restore(database, tmp_path, path, Reporter(database))
    assert_empty(database)


@pytest.mark.parametrize("changes", [{"format": 2, "more": 1}, {"revision": "9999"}])
def test_a_dump_of_a_newer_version_is_refused(
    source: Source, database: Engine, tmp_path: Path, changes: dict[str, object]
) -> None:
    path = changed(source, tmp_path / "newer.dump", version="99.1", **changes)
    with pytest.raises(SourceError, match=r"newer\.dump was made by Refract 99\.1 .* or newer\.") as error:
        restore(database, tmp_path, path, Reporter(database))
    assert source.manifest.version in error.value.message
    assert str(next(iter(changes.values()))) in error.value.message
    assert_empty(database)


@pytest.mark.parametrize("changes", [{"members": []}, {"members": [{}]}, {"format": "1"}, {"more": 1}])
def test_a_manifest_of_another_shape_is_refused(
    source: Source, database: Engine, tmp_path: Path, changes: dict[str, object]
) -> None:
    path = changed(source, tmp_path / "odd.dump", **changes)
    with pytest.raises(SourceError, match=r"odd\.dump is damaged"):
        restore(database, tmp_path, path, Reporter(database))
    assert_empty(database)


def test_what_is_no_dump_is_refused(database: Engine, tmp_path: Path) -> None:
    words, archive = tmp_path / "words.txt", tmp_path / "archive.zip"
    words.write_text("Not a dump.")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("words.txt", "Not a dump.")
    for path, word in {
        words: "damaged or cut off",
        archive: "not a dump of Refract",
        tmp_path: "cannot be read",
        tmp_path / "gone": "cannot be read: No such file",
    }.items():
        with pytest.raises(SourceError, match=word) as error:
            restore(database, tmp_path, path, Reporter(database))
        assert str(path) in error.value.message
    assert_empty(database)


def test_a_database_that_is_not_empty_stays_as_it_is(
    source: Source, database: Engine, tmp_path: Path
) -> None:
    with Session(database) as session:
        session.add(KeyRow(name="mine", scope="admin", sha256=b"mine"))
        session.commit()
    with pytest.raises(InvalidRequest, match=r"not empty: it has 1 key\(s\)"):
        restore(database, tmp_path, source.path, Reporter(database))
    with Session(database) as session:
        ensure_collection(session, "mine", DEFAULT_MODEL)
        session.commit()
    with pytest.raises(InvalidRequest, match=r"the collection mine, 1 key\(s\).*new one"):
        restore(database, tmp_path, source.path, Reporter(database))
    assert [count(database, table) for table in ("collections", "keys", "documents")] == [1, 1, 0]


def test_a_dump_that_does_not_fit_is_refused(source: Source, database: Engine, tmp_path: Path) -> None:
    """Whole, but its rows point to others that are not there."""
    members = [asdict(each) for each in source.manifest.members if each.table != "documents"]

    def without_documents(name: str, content: bytes) -> bytes | None:
        if name == MANIFEST:
            return json.dumps({**json.loads(content), "members": members}).encode()
        return None if name == "documents.copy" else content

    path = rewritten(source, tmp_path / "lacking.dump", without_documents)
    with pytest.raises(SourceError, match=r"lacking\.dump does not fit this database: .*foreign key"):
        restore(database, tmp_path, path, Reporter(database))
    assert_empty(database)


class Stopped(Exception):
    """Somebody ends the process."""


def stop_at(step: str) -> Callable[[Progress], None]:
    def listener(progress: Progress) -> None:
        if progress.step == step and progress.done:
            raise Stopped

    return listener


@pytest.mark.parametrize("step", ["loading the dump", "writing the index"])
def test_a_restore_that_was_stopped_leaves_nothing_and_can_be_repeated(
    source: Source, database: Engine, tmp_path: Path, step: str
) -> None:
    with pytest.raises(Stopped):
        restore(database, tmp_path, source.path, Reporter(database, stop_at(step)))
    assert_empty(database)
    restore(database, tmp_path, source.path, Reporter(database))
    assert verify(database, tmp_path).sound


def test_a_dump_that_was_stopped_leaves_no_file(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "stopped.dump"
    with pytest.raises(Stopped):
        dump(source.database, path, Reporter(source.database, stop_at("writing the dump")))
    assert list(tmp_path.iterdir()) == []
    dump(source.database, path, Reporter(source.database))
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_there_is_not_overwritten(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("mine")
    with pytest.raises(InvalidRequest, match=r"mine\.txt is there already\. Choose another"):
        dump(source.database, path, Reporter(source.database))
    assert path.read_text() == "mine"


def test_a_folder_that_is_not_there_is_told(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone/x\.dump cannot be written: No such file"):
        dump(source.database, tmp_path / "gone" / "x.dump", Reporter(source.database))


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What a full disk is to who writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [100, 100_000, 0.99999])
def test_a_full_disk_is_told_and_leaves_no_file(source: Source, tmp_path: Path, room: float) -> None:
    size = int(room if room > 1 else source.path.stat().st_size * room)
    with (
        files_of_at_most(size),
        pytest.raises(ConfigurationError, match=r"full\.dump cannot be written: File too large"),
    ):
        dump(source.database, tmp_path / "full.dump", Reporter(source.database))
    assert list(tmp_path.iterdir()) == []


def test_a_dump_of_older_tables_is_brought_up_to_date(
    source: Source,
    database: Engine,
    tmp_path: Path,
    new_database: Callable[[], AbstractContextManager[URL]],
) -> None:
    """Taken back to 0002 the tables hold what that version had, and nothing of what came later."""
    restore(database, tmp_path, source.path, Reporter(database))
    with database.begin() as connection:
        take_tables_to(connection, "0002")
    path = tmp_path / "older.dump"
    manifest = dump(database, path, Reporter(database))
    assert manifest.revision == "0002"
    assert manifest.members != source.manifest.members
    assert manifest.count("keys") == 0
    with new_database() as url:
        newer = create_engine(url)
        data = tmp_path / "newer"
        assert restore(newer, data, path, Reporter(newer)) == manifest
        with newer.connect() as connection:
            assert current_revision(connection) == known_revisions()[-1]
        assert verify(newer, data).sound
        pairs = zip(source.answers, answers(newer, data), strict=True)
        assert all(ranking(before) == ranking(after) for before, after in pairs)
        write(newer, "c", [document("fresh", "The queue and the keys are there as well.")])
        assert count(newer, "keys") == count(newer, "jobs.procrastinate_jobs") == 0
        newer.dispose()


def test_columns_and_tables_that_are_gone_are_taken_from_an_older_dump_and_dropped(
    source: Source,
    database: Engine,
    tmp_path: Path,
    new_database: Callable[[], AbstractContextManager[URL]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restore(database, tmp_path, source.path, Reporter(database))
    with database.begin() as connection:
        take_tables_to(connection, "0004")
        connection.execute(text("UPDATE features SET before = .5, drift = .25"))
        stats = "INSERT INTO feature_stats SELECT id, 7, 3, '{.1,.2}', '{1,2}' FROM generations"
        connection.execute(text(stats))
    monkeypatch.setitem(ROWS, "feature_stats", OF_GENERATIONS)  # as the version of 0004 had it
    path = tmp_path / "older.dump"
    manifest = dump(database, path, Reporter(database))
    assert (manifest.count("features"), manifest.count("feature_stats")) == (1, 2)
    with new_database() as url:
        newer = create_engine(url)
        assert restore(newer, tmp_path / "newer", path, Reporter(newer)) == manifest
        with Session(newer) as session:
            assert session.scalars(select(FeatureRow)).one().label == LABEL
        assert "feature_stats" not in inspect(newer).get_table_names()
        assert verify(newer, tmp_path / "newer").sound
        newer.dispose()
