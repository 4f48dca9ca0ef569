"""What the commands do. Imported only when one runs, so that --help need not wait for torch."""

import dataclasses
import json
from pathlib import Path

from sqlalchemy import Engine as Database
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.opened import opened
from api.server import listen, serve
from api.terminal import (
    ProgressDisplay,
    console,
    print_build,
    print_generations,
    print_ingest,
    print_results,
    print_scorecard,
    print_verified,
)
from indexer.build import Build
from indexer.documents import ensure_collection, ingest
from indexer.generations import list_generations, roll_back
from indexer.inherit import adapted_from
from indexer.progress import Reporter
from indexer.sources import open_source
from indexer.stages import DictionaryPlan
from indexer.verify import verify
from search.catalog import collections
from search.dictionary import Dictionary
from search.embedder import Embedder, load_embedder
from search.engine import Engine
from search.models import Collection, DictionaryRow, Generation
from search.settings import Settings
from search.snapshot import find_collection, live_generation
from search.steering import parse


def run_demo(port: int | None, collection: str) -> None:
    """Indexes the documentation of the installed Python where it is not live yet, and serves it."""
    with opened() as (settings, database):
        wanted = settings.port if port is None else port
        engine = Engine(database, settings.data)
        if not any(known.name == collection and known.state == "live" for known in collections(engine)):
            listen(settings.host, wanted).close()  # a taken port is told now, not after the work
            console.print("First start: indexing the documentation of the installed Python.")
            _index(settings, database, collection, None, "pydoc", {})
        serve(engine, listen(settings.host, wanted), settings, say=_say)


def serve_all(port: int | None) -> None:
    """Serves every collection."""
    with opened() as (settings, database):
        listening = listen(settings.host, settings.port if port is None else port)
        serve(Engine(database, settings.data), listening, settings, say=_say)


def index(path: Path | None, collection: str, format: str | None, columns: dict[str, str | None]) -> None:
    """Reads documents and makes a new generation of the collection live."""
    with opened() as (settings, database):
        _index(settings, database, collection, path, format, columns)


def rebuild(name: str, plan: DictionaryPlan | None = None) -> None:
    """Makes a new generation live from the documents in the store."""
    with opened() as (settings, database):
        with Session(database) as session:
            collection = find_collection(session, name)
            number = collection.id
            embedder = embedder_of(session, collection)
        with ProgressDisplay() as display:
            build = Build(database, settings.data, embedder, Reporter(database, display))
            built = build.run(number, plan)
        print_build(built)


def generations(name: str) -> None:
    """Prints the generations of a collection."""
    with opened() as (_, database), Session(database) as session:
        print_generations(list_generations(session, name))


def rollback(name: str, to: int | None) -> None:
    """Makes an earlier generation live."""
    with opened() as (_, database):
        live = roll_back(database, name, to)
    console.print(f"Generation {live} of {name} is live again. Rolling back once more undoes it.")


def verify_all(name: str | None, *, repair: bool) -> bool:
    """Compares Postgres with the files made from it; says whether all is sound now."""
    with opened() as (settings, database):
        with Session(database) as session:
            number = find_collection(session, name).id if name else None
        found = verify(database, settings.data, collection=number, repair=repair)
    print_verified(found)
    return found.sound


def search(
    query: str, collection: str, steer: str, dictionary: int | None, limit: int, *, as_json: bool
) -> None:
    """Prints a search as a table or as the API's JSON."""
    with opened() as (settings, database):
        engine = Engine(database, settings.data)
        response = engine.search(
            query, steering=parse(steer), collection=collection, dictionary=dictionary, limit=limit
        )
        if as_json:
            print(json.dumps(dataclasses.asdict(response), indent=2, ensure_ascii=False))
        else:
            print_results(response)


def scorecard(name: str, *, as_json: bool) -> None:
    """Prints the scorecard of a collection's dictionary, and that of the shipped one it was adapted from."""
    with opened() as (_, database), Session(database) as session:
        row = session.get_one(DictionaryRow, live_generation(session, name).dictionary_id)
        base = adapted_from(Dictionary.from_bytes(row.weights, row.card))
    here, shipped = row.card["scorecard"], base.dictionary.card.scorecard if base else None
    if as_json:
        print(json.dumps({**here, "shipped": shipped}, indent=2))
    else:
        print_scorecard(here, shipped)


def _say(address: str, admin_link: str) -> None:
    print(f"Refract is at {address} (Ctrl-C stops it)", flush=True)
    if admin_link:
        print(f"Admin page: {admin_link} (works once, within an hour)", flush=True)


def _index(
    settings: Settings,
    database: Database,
    name: str,
    path: Path | None,
    format: str | None,
    columns: dict[str, str | None],
) -> None:
    source = open_source(path, format, **columns)
    load_embedder(settings.model)  # a model that is not there is told before a collection is made with it
    with Session(database) as session:
        collection = ensure_collection(session, name, settings.model)
        number = collection.id
        embedder = embedder_of(session, collection)
        session.commit()
    with ProgressDisplay() as display:
        reporter = Reporter(database, display)
        print_ingest(ingest(database, number, source, reporter))
        built = Build(database, settings.data, embedder, reporter).run(number)
    print_build(built)


def embedder_of(session: Session, collection: Collection) -> Embedder:
    """The embedder of a collection: the precision chosen for its first generation stays, because another one
    would be another vector space and everything would be embedded again."""
    chosen = session.scalar(
        select(Generation.recipe["precision"].astext)
        .where(Generation.collection_id == collection.id)
        .order_by(Generation.id)
        .limit(1)
    )
    return load_embedder(collection.model, chosen)
