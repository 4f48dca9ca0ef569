"""What the commands below `refract keys` do."""

import sys
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.orm import Session

from api.auth.keys import create_key, list_keys, revoke_key
from api.cli.context import opened


def create(name: str, scope: str) -> None:
    """Makes a key; it alone goes to standard output."""
    with opened() as (_, database), Session(database) as session:
        key = create_key(session, name, scope)
        session.commit()
    print(key)
    print("Keep this key: it is shown this once.", file=sys.stderr)


def show() -> None:
    """Prints a table of all keys."""
    table = Table(header_style="bold")
    for heading in ("number", "name", "scope", "created", "last used", "revoked"):
        table.add_column(heading)
    with opened() as (_, database), Session(database) as session:
        for key in list_keys(session):
            times = map(_minute, (key.created_at, key.used_at, key.revoked_at))
            table.add_row(str(key.id), escape(key.name), key.scope, *times)
    Console(highlight=False).print(table)


def revoke(number: int) -> None:
    """Revokes a key."""
    with opened() as (_, database), Session(database) as session:
        revoke_key(session, number)
        session.commit()
    print(f"Key {number} is revoked.", file=sys.stderr)


def _minute(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""
