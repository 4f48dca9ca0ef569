"""The commands that look after a collection: its documents, generations, files, dumps, dictionary."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.terminal.context import Collection, opened, opened_reader
from api.cli.terminal.output import (
    ProgressDisplay,
    console,
    print_dump,
    print_generations,
    print_keys,
    print_scorecard,
    print_verified,
)

app = typer.Typer()


@app.command()
def documents(
    collection: Collection = "default",
    limit: Annotated[int | None, typer.Option(min=1, help="How many; else all.")] = None,
    after: Annotated[str, typer.Option(help="Only those whose id comes after this one.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each.")] = False,
) -> None:
    """List the documents of a collection by their ids, all of them if wanted."""
    from itertools import islice

    from search.browse.documents import walk_documents

    with opened_reader(collection) as reader:
        for each in islice(walk_documents(reader, after=after), limit):
            told = json.dumps(asdict(each), ensure_ascii=False) if as_json else f"{each.id}\t{each.title}"
            print(told)


@app.command()
def generations(collection: Collection = "default") -> None:
    """List the collection's generations: the live one, and the one before, that rollback goes back to."""
    from sqlalchemy.orm import Session

    from indexer.build.generations import list_generations

    with opened() as (_, database), Session(database) as session:
        print_generations(list_generations(session, collection))


@app.command()
def rollback(
    collection: Collection = "default",
    to: Annotated[int | None, typer.Option(help="Number of a generation; else the one before.")] = None,
) -> None:
    """Make an earlier generation live again, at once: its texts as they were, its dictionary, its index."""
    from indexer.build.generations import roll_back

    with opened() as (_, database):
        live = roll_back(database, collection, to)
    console.print(f"Generation {live} of {collection} is live again. Rolling back once more undoes it.")


@app.command("verify")
def verify_all(
    collection: Annotated[str | None, typer.Option(help="Name of the collection; else all.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make damaged files again.")] = False,
) -> None:
    """Compare the database with the files made from it; exit status 1 if something is wrong."""
    from sqlalchemy.orm import Session

    from indexer.build.verify import verify
    from search.db.lookup import find_collection

    with opened() as (settings, database):
        with Session(database) as session:
            number = find_collection(session, collection).id if collection else None
        found = verify(database, settings.data, collection=number, repair=repair)
    print_verified(found)
    if not found.sound:
        raise typer.Exit(1)


@app.command("dump")
def dump_all(
    file: Annotated[
        str, typer.Argument(help="The file to write, or an address: s3://bucket/key. It must not be there.")
    ],
    collection: Annotated[
        str | None, typer.Option(help="One collection alone, without the keys; else all.")
    ] = None,
    without_embeddings: Annotated[
        bool, typer.Option("--without-embeddings", help="Much smaller; restoring it embeds all texts again.")
    ] = False,
) -> None:
    """Write documents, labels, dictionaries, live indexes and keys into one file, also while serving."""
    from indexer.audit import record_apart
    from indexer.backup.dump import dump
    from indexer.backup.storage import Place
    from indexer.progress import Reporter

    with opened() as (_, database), ProgressDisplay() as display:
        reporter = Reporter(database, display)
        embeddings = not without_embeddings
        manifest = dump(database, file, reporter, collection=collection, embeddings=embeddings)
        record_apart(database, "dump", Place(file).name, collection=collection)
    print_dump("Dumped", manifest, file, reporter.seconds)


@app.command()
def backup() -> None:
    """Do now what the worker does by REFRACT_BACKUP_TO: dump all, restore it for trial, drop the oldest."""
    from indexer.backup.scheduled import Backups, back_up
    from indexer.progress import Reporter

    with opened() as (settings, database), ProgressDisplay() as display:
        made = back_up(database, settings.data, Backups.of(settings), Reporter(database, display))
    tried = "restored for trial" if made.tried else "read again (this role may make no database for a trial)"
    gone = f"; deleted: {', '.join(made.removed)}" if made.removed else ""
    console.print(f"{made.place}, {made.bytes / 1e6:,.1f} MB, {tried}{gone}.", markup=False, soft_wrap=True)


@app.command("restore")
def restore_all(
    file: Annotated[str, typer.Argument(help="A file that refract dump wrote, or its address.")],
) -> None:
    """Put a dump into an empty database, embedded or of DATABASE_URL: all of it or, if stopped, nothing."""
    from sqlalchemy.orm import Session

    from api.auth.keys import list_keys
    from indexer.backup.restore import restore
    from indexer.progress import Reporter

    with opened() as (settings, database), ProgressDisplay() as display:
        reporter = Reporter(database, display)
        manifest = restore(database, settings.data, file, reporter)
        with Session(database) as session:
            keys = list_keys(session)
    print_dump("Restored", manifest, file, reporter.seconds)
    print_keys(keys)


@app.command()
def scorecard(
    collection: Collection = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Everything that was measured.")] = False,
) -> None:
    """Show how good the collection's dictionary is."""
    from sqlalchemy.orm import Session

    from indexer.dictionary.inherit import adapted_from
    from search.db.lookup import live_generation
    from search.db.models import DictionaryRow
    from search.dictionary.autoencoder import Dictionary

    with opened() as (_, database), Session(database) as session:
        row = session.get_one(DictionaryRow, live_generation(session, collection).dictionary_id)
        base = adapted_from(Dictionary.from_bytes(row.weights, row.card))
    here, shipped = row.card.scorecard, base.dictionary.card.scorecard if base else None
    if as_json:
        written = shipped.model_dump(mode="json") if shipped else None
        print(json.dumps({**here.model_dump(mode="json"), "shipped": written}, indent=2))
    else:
        print_scorecard(here, shipped)
