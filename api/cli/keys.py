"""The commands below `refract keys`."""

import sys
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.auth.scopes import Scope
from api.cli.terminal.context import opened
from api.cli.terminal.output import output
from api.views.numbers import moment

app = typer.Typer(help="Make, list and revoke keys of API clients and admins.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, or what it is for.")],
    scope: Annotated[Scope, typer.Option(help="What it may do; each may do what those before it may.")],
    expires: Annotated[str, typer.Option(metavar="TIME", help="It holds so long: 90d, 12h, 30m.")] = "",
    collections: Annotated[
        str, typer.Option(metavar="NAMES", help="It reaches these alone, with commas between them.")
    ] = "",
    filter: Annotated[
        list[str],
        typer.Option(metavar="FILTER", help="It sees only the documents that this leaves: team:blue."),
    ] = [],  # noqa: B006 - typer copies it
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    from sqlalchemy.orm import Session

    from api.auth.keys import create_key, parse_duration

    holds = parse_duration(expires) if expires else None
    names = [each.strip() for each in collections.split(",")] if collections else None
    with opened() as (_, database), Session(database) as session:
        key = create_key(session, name, scope, expires=holds, collections=names, filters=filter)
        session.commit()
    print(key)  # alone on standard output
    print("Keep this key: it is shown this once.", file=sys.stderr)


@app.command("list")
def list_() -> None:
    """List all keys: what each reaches, when it was made, last used, revoked, and when it ends."""
    from sqlalchemy.orm import Session

    from api.auth.keys import list_keys, reach

    table = Table(header_style="bold")
    for heading in ("number", "name", "scope", "reaches", "created", "last used", "expires", "revoked"):
        table.add_column(heading)
    with opened() as (_, database), Session(database) as session:
        for key in list_keys(session):
            times = map(_minute, (key.created_at, key.used_at, key.expires_at, key.revoked_at))
            table.add_row(str(key.id), escape(key.name), key.scope, escape(reach(key)), *times)
    output.print(table)


@app.command()
def revoke(number: Annotated[int, typer.Argument(help="Number of the key in `refract keys list`.")]) -> None:
    """Make a key worthless at once, and end the sessions opened with it."""
    from sqlalchemy.orm import Session

    from api.auth.keys import revoke_key

    with opened() as (_, database), Session(database) as session:
        revoke_key(session, number)
        session.commit()
    print(f"Key {number} is revoked.", file=sys.stderr)


def _minute(time: datetime | None) -> str:
    return moment(time.astimezone()) if time else ""
