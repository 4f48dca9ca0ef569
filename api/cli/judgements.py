"""The commands below `refract judgements`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal.context import Collection, opened
from api.cli.terminal.output import console
from search.errors import ConfigurationError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from indexer.judgements.store import Given

app = typer.Typer(help="Keep what people say of results, as files.", no_args_is_help=True)

Questions = Annotated[
    Path | None,
    typer.Option(
        help='What qrels call their questions: lines of {"_id": …, "text": …}, or NUMBER<tab>QUESTION.'
    ),
]


@app.command("import")
def import_(
    path: Annotated[
        Path, typer.Argument(help="JSON Lines, qrels (with --questions), or a BEIR folder (with --split).")
    ],
    collection: Collection = "default",
    questions: Questions = None,
    split: Annotated[str, typer.Option(help="Which qrels of a BEIR folder.")] = "test",
    judge: Annotated[
        str | None, typer.Option(help="Who says so, where the file does not; else who runs this.")
    ] = None,
    skip_unknown: Annotated[
        bool, typer.Option("--skip-unknown", help="Leave out what is judged of documents that are not there.")
    ] = False,
) -> None:
    """Take in judgements, all of them or, where one cannot be used, none."""
    from indexer.audit import actor
    from indexer.judgements.store import keep_judgements

    given = _read(path, questions, split, judge or actor())
    with opened() as (_, database):
        kept = keep_judgements(database, collection, given, skip_unknown=skip_unknown, bounded=False)
    skipped = f", {kept.skipped:,} of unknown documents skipped" if kept.skipped else ""
    console.print(
        f"{kept.added + kept.changed:,} judgements kept in {collection}: {kept.added:,} new, "
        f"{kept.changed:,} as before or changed{skipped}.",
        markup=False,
    )


@app.command()
def export(
    collection: Collection = "default",
    output: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
    questions: Annotated[
        Path | None, typer.Option(help="Write qrels, and into this file what their questions are.")
    ] = None,
) -> None:
    """Write all judgements as JSON Lines; with --questions as qrels, one grade a document, as an evaluation
    counts them."""
    from indexer.judgements.file_format import write_jsonl, write_qrels
    from indexer.judgements.listing import walk_judgements
    from search.db.connection import open_session
    from search.db.lookup import find_collection
    from search.evaluation.judged import read_judged

    with opened() as (_, database), open_session(database) as session:
        number = find_collection(session, collection).id
        if questions is None:
            _write(output, write_jsonl(walk_judgements(session, number)))
            return
        qrels, asked = write_qrels(read_judged(session, number).grades)
    _write(questions, asked)
    _write(output, qrels)


@app.command()
def delete(
    judge: Annotated[str, typer.Argument(help="Who gave them.")], collection: Collection = "default"
) -> None:
    """Delete all that one judge has said."""
    from indexer.judgements.store import delete_judgements

    with opened() as (_, database):
        deleted = delete_judgements(database, collection, judge)
    console.print(f"{deleted:,} judgements of {judge} are deleted.", markup=False)


def _read(path: Path, questions: Path | None, split: str, judge: str) -> "list[Given]":
    from indexer.judgements.file_format import read_jsonl, read_qrels

    if path.is_dir():
        return read_qrels(path / "qrels" / f"{split}.tsv", questions or path / "queries.jsonl", judge)
    if questions is not None:
        return read_qrels(path, questions, judge)
    if path.suffix.lower() in (".qrels", ".tsv", ".txt"):
        raise InvalidRequest(
            f"{path.name} names its questions by numbers.",
            hint="--questions FILE says what these ask. JSON Lines need none.",
        )
    return read_jsonl(path, judge)


def _write(path: Path | None, lines: "Iterable[str]") -> None:
    if path is None:
        for line in lines:
            print(line)
        return
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}.") from None
