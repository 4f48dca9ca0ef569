"""Jobs as an earlier version put them in the queue: what this one records of it has no table there yet."""

import json
from typing import Any

from sqlalchemy import Engine, text


def queued(database: Engine, kind: str, collection: str, **arguments: Any) -> int:
    """Puts a job in the queue; gives its number."""
    statement = text(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args) "
        "VALUES ('default', :kind, :lock, :waiting, cast(:args AS jsonb)) RETURNING id"
    )
    values = {
        "kind": kind,
        "lock": f"collection {collection}",
        "waiting": f"{kind} {collection}",
        "args": json.dumps({"collection": collection, **arguments}),
    }
    with database.begin() as connection:
        connection.execute(text("SET LOCAL search_path = jobs"))  # its triggers name its tables alone
        return int(connection.execute(statement, values).scalar_one())
