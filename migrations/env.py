"""Runs migrations on the connection that `search.db.connection.migrate` gives, or (from Alembic's own command
line, for developers) on DATABASE_URL or the embedded server."""

from typing import Any

from alembic import context
from sqlalchemy import Connection

from search.db.database import open_database
from search.db.models import Base
from search.settings import load_settings


def keep(obj: Any, name: str | None, type_: str, *_: object) -> bool:
    """Leaves the partitions of `passages` out of comparisons: one is made for each generation."""
    del obj
    return not (type_ == "table" and name is not None and name.startswith("passages_"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=keep,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with open_database(load_settings()) as engine, engine.begin() as connection:
        run(connection)
