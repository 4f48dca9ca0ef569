"""The commands below `refract labels`."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from api.cli.terminal.context import Collection, opened
from api.cli.terminal.output import console

if TYPE_CHECKING:
    from indexer.labels.edit import Change

app = typer.Typer(help="Give features other names, by hand.", no_args_is_help=True)

LabelsFile = Annotated[
    Path, typer.Argument(help='JSON lines like {"name": "enzyme", "label": "enzyme kinetics"}.')
]


@app.command()
def edit(
    feature: Annotated[int, typer.Argument(help="Number of the feature.")],
    text: Annotated[str | None, typer.Argument(help="Its label, at most 80 characters.")] = None,
    collection: Collection = "default",
    clear: Annotated[
        bool, typer.Option("--clear", help="Take the label away: the name stands again.")
    ] = False,
) -> None:
    """Write a label by hand: it is shown instead of the feature's name, and nothing replaces it."""
    if clear == (text is not None):
        raise typer.BadParameter("give either a TEXT or --clear")
    from indexer.labels.edit import edit_label

    with opened() as (_, database):
        _print_change(edit_label(database, collection, feature, text))


@app.command()
def export(
    collection: Collection = "default",
    output: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
) -> None:
    """Write the labels by hand as JSON lines, which `refract labels import` takes in any collection."""
    from sqlalchemy.orm import Session

    from indexer.labels.edit import list_hand_labels
    from indexer.labels.file_format import label_line

    with opened() as (_, database), Session(database) as session:
        labels = list_hand_labels(session, collection)
    with _writing(output) as file:
        file.writelines(label_line(each.feature, each.name, each.label) for each in labels)
    console.print(f"{len(labels):,} label{'' if len(labels) == 1 else 's'} by hand.")


@app.command("import")
def import_(
    file: LabelsFile,
    collection: Collection = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Write labels by hand from a file: all of them or, if a line cannot be used, none.

    A line says which feature it is about by the "name" that it was made from, or without one by its number,
    "feature". Serving processes show the new labels at once.
    """
    from indexer.labels.edit import import_labels
    from indexer.labels.file_format import read_label_lines

    lines = read_label_lines(file)
    with opened() as (_, database):
        changes = import_labels(database, collection, lines, dry_run=dry_run)
    for change in changes:
        _print_change(change)
    same = len(lines) - len(changes)
    if changes:
        written = "would be written" if dry_run else "written"
        console.print(f"{len(changes):,} {written}, {same:,} as before.")
    else:
        console.print(f"Nothing changes: {same:,} as before.")


@contextlib.contextmanager
def _writing(output: Path | None) -> Iterator[TextIO]:
    """Opens the file, which appears whole or not at all; or standard output."""
    if output is None:
        yield sys.stdout
        return
    unfinished = output.with_name(f"{output.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            yield file
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _print_change(change: "Change") -> None:
    print(f"{change.feature}: “{change.old.text}” → “{change.new.text}”")
