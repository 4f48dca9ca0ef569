"""The command that prints the audit log."""

import json
from typing import Annotated

import typer

from api.cli.terminal.context import opened

app = typer.Typer()


@app.command()
def audit(
    after: Annotated[
        int, typer.Option(min=0, help="Only entries after this number: what is new since the last time.")
    ] = 0,
    find: Annotated[str, typer.Option(help="A part of an actor, an action or a target.")] = "",
    denied: Annotated[bool, typer.Option("--denied", help="Only what was denied.")] = False,
) -> None:
    """Print who changed what, and what was denied, as JSON Lines."""
    from indexer.audit import DENIED, walk_entries

    with opened() as (_, database):
        outcome = DENIED if denied else ""
        for entry in walk_entries(database, after=after, find=find, outcome=outcome):
            print(json.dumps(entry, ensure_ascii=False))
