"""What the commands below `refract labels` do."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sqlalchemy.orm import Session

from api.cli.context import opened
from api.cli.output import console
from indexer.labels.edit import Change, edit_label, import_labels, list_hand_labels
from indexer.labels.file_format import label_line, read_label_lines


def edit(feature: int, text: str | None, collection: str) -> None:
    """Writes a label by hand, or takes it away without a text."""
    with opened() as (_, database):
        _print_change(edit_label(database, collection, feature, text))


def export(collection: str, output: Path | None) -> None:
    """Writes the labels by hand to a file or to standard output."""
    with opened() as (_, database), Session(database) as session:
        labels = list_hand_labels(session, collection)
    with _writing(output) as file:
        file.writelines(label_line(each.feature, each.name, each.label) for each in labels)
    console.print(f"{len(labels):,} label{'' if len(labels) == 1 else 's'} by hand.")


def import_file(path: Path, collection: str, *, dry_run: bool) -> None:
    """Takes labels from a file."""
    lines = read_label_lines(path)
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
    """The file, which appears whole or not at all; or standard output."""
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


def _print_change(change: Change) -> None:
    print(f"{change.feature}: “{change.old.text}” → “{change.new.text}”")
