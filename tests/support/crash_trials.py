"""The trials of `benchmarks.crash`: a process is killed at a random point, and what is left is looked at."""

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import Engine as Database
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from indexer.backup.dump import dump
from indexer.backup.manifest import read_checked
from indexer.build.builder import Build
from indexer.build.catch_up import Replay
from indexer.build.generations import list_generations, roll_back
from indexer.build.verify import verify
from indexer.documents import delete_documents, ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.db.models import Collection, Document
from search.embedding.embedder import Embedder, VectorSpace, load_embedder
from search.engine.engine import Engine
from search.engine.prepared import Request
from search.errors import SourceError

NAME = "crash"
POOL = 40  # documents that are written, replaced and deleted
SERVER_EVERY = 10
MOST_SECONDS = {"ingest": 1.0, "reindex": 4.0, "flip": 1.5, "compaction": 5.0, "dump": 1.5}

Change = dict[str, str | None]
"""What a batch makes of documents: the text by id, None where it deletes."""


@dataclass
class Outcome:
    """What a run of trials found."""

    trials: dict[str, int] = field(default_factory=dict)
    servers: int = 0
    acknowledged: int = 0
    ended: int = 0
    problems: list[str] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)


def run_trials(
    database: Database,
    data: Path,
    trials: int,
    seed: int,
    embedder: Embedder,
    *,
    say: Callable[[str], None] = lambda _: None,
    kill_server: Callable[[], None] | None = None,
) -> Outcome:
    """Runs so many trials on an empty database, one after the other, each on what the one before left."""
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])  # so that a trial need not wait for torch
    outcome = Outcome()
    model = _begin(database, data, chance, embedder)
    kinds = list(MOST_SECONDS)
    for trial in range(trials):
        kind = kinds[trial % len(kinds)]
        with_server = kill_server is not None and trial % SERVER_EVERY == SERVER_EVERY - 1
        ours, theirs = context.Pipe()
        url = database.url.render_as_string(hide_password=False)
        process = context.Process(
            target=_work, args=(kind, url, data, chance.random(), embedder.space, theirs)
        )
        process.start()
        theirs.close()
        begun, acknowledged = _until_killed(process, ours, chance.random() * MOST_SECONDS[kind])
        if with_server and kill_server is not None:
            kill_server()
            outcome.servers += 1
        started = time.perf_counter()
        for change in acknowledged:
            _apply(model, change)
        problems = [*_look(database, data, model, begun[len(acknowledged) :])]
        outcome.recovery.append(time.perf_counter() - started)
        outcome.trials[kind] = outcome.trials.get(kind, 0) + 1
        outcome.acknowledged += sum(len(change) for change in acknowledged)
        outcome.ended += process.exitcode == 0
        outcome.problems += [f"trial {trial} ({kind}): {problem}" for problem in problems]
        if (trial + 1) % 50 == 0:
            say(f"{trial + 1} trials, {len(outcome.problems)} problems")
    return outcome


def kill_server(database: Database, data: Path) -> None:
    """Kills the embedded server as a power cut would, and waits until it is started again by itself."""
    os.kill(int((data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    for _ in range(300):
        time.sleep(0.1)
        with contextlib.suppress(DBAPIError), database.connect():
            return
    raise RuntimeError("The server did not start again.")


def _begin(database: Database, data: Path, chance: random.Random, embedder: Embedder) -> dict[str, str]:
    with Session(database) as session:
        number = ensure_collection(session, NAME, embedder.space.model).id
        session.commit()
    model = {f"d{each}": _text(chance) for each in range(POOL // 2)}
    ingest(database, number, [_document(*pair) for pair in model.items()], Reporter(database))
    for tokens in (24, 192):  # two generations, so that there is one to go back to
        Build(database, data, embedder, Reporter(database)).run(number, passage_tokens=tokens)
    return model


def _until_killed(process: Any, pipe: Connection, seconds: float) -> tuple[list[Change], list[Change]]:
    """Kills a process so long after it said that it works; gives the writes it began and those it was told
    are done."""
    said: list[tuple[str, Any]] = []

    def listen(wait: float) -> bool:
        try:
            if pipe.poll(wait):
                said.append(pipe.recv())
                return True
        except (EOFError, OSError):
            return False
        return True

    while not said and process.is_alive():
        listen(0.2)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and process.is_alive():
        if not listen(min(left, 0.05)):
            time.sleep(min(max(left, 0), 0.05))
    os.kill(process.pid, signal.SIGKILL) if process.is_alive() else None
    process.join()
    with contextlib.suppress(EOFError, OSError):
        while pipe.poll():
            said.append(pipe.recv())
    begun = [change for what, change in said if what == "begin"]
    return begun, [change for what, change in said if what == "done"]


def _look(database: Database, data: Path, model: dict[str, str], unknown: list[Change]) -> Iterator[str]:
    """What is wrong after a kill. A write that was begun and not acknowledged may be there or not, whole; the
    model follows what is found."""
    stored = _stored(database)
    for change in unknown:
        changed = dict(model)
        _apply(changed, change)
        if stored == changed:
            _apply(model, change)
    if stored != model:
        wrong = {id for id in {*stored, *model} if stored.get(id) != model.get(id)}
        yield f"{len(wrong)} documents are not what was acknowledged: {sorted(wrong)[:5]}"
        model.clear()
        model.update(stored)
    with Session(database) as session:
        live = [each.number for each in list_generations(session, NAME) if each.state == "live"]
    if len(live) != 1:
        yield f"{len(live)} generations are live"
        return
    engine = Engine(database, data)
    response = engine.search(Request("anything"), collection=NAME, limit=100)
    if response.generation != live[0]:
        yield f"generation {response.generation} answers for {live[0]}"
    Replay(database, live[0]).run(Reporter(database))
    found = engine.search(Request("anything"), collection=NAME, limit=100)
    if {result.document.id for result in found.results} != set(model):
        yield f"a search finds {len(found.results)} of {len(model)} documents"
    yield from (f"verify: {problem.what}" for problem in verify(database, data).problems)
    for path in data.glob("*.dump"):
        with contextlib.suppress(FileNotFoundError):
            try:
                read_checked(path, Reporter(database))
            except SourceError as error:
                yield f"dump: {error}"
            path.unlink()


def _stored(database: Database) -> dict[str, str]:
    """The documents, once the server answers again and what the killed process held is let go."""
    for _ in range(100):
        with contextlib.suppress(DBAPIError), Session(database) as session:
            others = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            if not session.scalar(text(others)):
                collection = select(Collection.id).where(Collection.name == NAME).scalar_subquery()
                rows = select(Document.external_id, Document.text).where(
                    Document.collection_id == collection, Document.superseded.is_(None)
                )
                return {row[0]: row[1] for row in session.execute(rows)}
        time.sleep(0.1)
    raise RuntimeError("The database does not come back.")


def _apply(model: dict[str, str], change: Change) -> None:
    for id, content in change.items():
        if content is None:
            model.pop(id, None)
        else:
            model[id] = content


def _work(kind: str, url: str, data: Path, seed: float, space: VectorSpace, pipe: Connection) -> None:
    """The process that is killed."""
    chance = random.Random(seed)
    database = create_engine(url)
    embedder = load_embedder(space.model, space.precision)
    reporter = Reporter(database)
    with Session(database) as session:
        number = session.scalars(select(Collection.id).where(Collection.name == NAME)).one()

    def write(batches: int) -> None:
        for _ in range(batches):
            change = _change(chance)
            pipe.send(("begin", change))
            _write(database, number, change)
            pipe.send(("done", change))

    pipe.send(("ready", None))
    match kind:
        case "ingest":
            write(1000)
        case "reindex":
            tokens = chance.choice([24, 192])
            Build(database, data, embedder, reporter).run(number, passage_tokens=tokens)
        case "flip":
            for _ in range(100):
                roll_back(database, NAME)
                write(1)
        case "compaction":
            write(5)
            with Session(database) as session:
                live = next(each.number for each in list_generations(session, NAME) if each.state == "live")
            Replay(database, live, embedder).run(reporter)
            Build(database, data, embedder, reporter).run(number)
        case "dump":
            for count in range(100):
                dump(database, data / f"{count}.dump", reporter)
                write(1)


def _write(database: Database, number: int, change: Change) -> None:
    """A batch of writes or of deletes: one transaction."""
    if None in change.values():
        with Session(database) as session:
            delete_documents(session, number, change)
            session.commit()
    else:
        documents = [_document(id, content or "") for id, content in change.items()]
        ingest(database, number, documents, Reporter(database))


def _change(chance: random.Random) -> Change:
    ids = chance.sample([f"d{each}" for each in range(POOL)], chance.randint(1, 8))
    deletes = chance.random() < 0.2
    return {id: None if deletes else _text(chance) for id in ids}


def _text(chance: random.Random) -> str:
    words = ["whales sing", "bread is baked", "stars shine", "ships sail", "cells divide", "kings rule"]
    return ". ".join(chance.choices(words, k=chance.randint(1, 6))) + f". {chance.random()}"


def _document(id: str, content: str) -> SourceDocument:
    return SourceDocument(id, "", content, None, {})
