"""The database: its version, encoding, rights and speed, a pooler before it, its clock, its tables."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text

from api.checks import Check
from api.supervisor import share_of
from search.errors import ConfigurationError

LEAST_VERSION = 15
SLOW_MS = 20.0
CLOCK_SECONDS = 5.0
USED_SHARE = 0.8
TRIES = 5
PGBOUNCER_PORT = 6432

FACTS = text(
    """
    SELECT current_setting('server_version_num')::int / 10000 AS version,
           current_setting('server_version') AS named,
           pg_encoding_to_char(encoding) AS encoding,
           pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS read_only,
           has_database_privilege(current_database(), 'CREATE') AS may_create_schemas,
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create_tables,
           EXISTS (SELECT FROM pg_extension WHERE extname = 'plpgsql') AS has_plpgsql,
           current_user AS who, current_database() AS database,
           current_setting('max_connections')::int AS most,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used
    FROM pg_database WHERE datname = current_database()
    """
)


def check_database(database: Engine) -> Iterator[Check]:
    """Looks at the server and what this user may do there; changes nothing."""
    with database.connect() as connection:
        yield from check_facts(connection)
        yield check_latency(connection)
        yield check_clock(connection)
    yield check_pooler(database)


def check_facts(connection: Connection) -> Iterator[Check]:
    """Looks at what the server says of itself and of this user's rights."""
    found = connection.execute(FACTS).one()
    yield _judged(
        "version",
        f"PostgreSQL {found.named}.",
        found.version >= LEAST_VERSION,
        f"Use PostgreSQL {LEAST_VERSION} or newer.",
    )
    yield _judged(
        "encoding",
        f"The database {found.database} is encoded in {found.encoding}.",
        found.encoding == "UTF8",
        "Make it anew with ENCODING 'UTF8' TEMPLATE template0: other encodings lose letters.",
    )
    yield _judged(
        "writable",
        "The server is read-only." if found.read_only else "The server can be written.",
        not found.read_only,
        "Point DATABASE_URL to the primary server.",
    )
    may = found.may_create_schemas and found.may_create_tables
    yield _judged(
        "rights",
        f"{found.who} may{'' if may else ' not'} make tables and schemas in {found.database}.",
        may,
        f"GRANT CREATE ON DATABASE {found.database} TO {found.who}, and on its schema public.",
    )
    yield _judged(
        "extensions",
        "plpgsql is there; no other extension is needed." if found.has_plpgsql else "plpgsql is missing.",
        found.has_plpgsql,
        "CREATE EXTENSION plpgsql: the queue's functions are written in it.",
    )
    yield _judged(
        "connections",
        f"{found.used} of {found.most} connections are in use.",
        found.used <= found.most * USED_SHARE,
        "Raise max_connections, or close what holds them; each process of Refract takes up to 20.",
        otherwise="warn",
    )


def check_latency(connection: Connection) -> Check:
    """Measures how long the shortest statement takes: every search has several."""
    taken = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        connection.execute(text("SELECT 1"))
        taken.append((time.perf_counter() - begun) * 1000)
    median = statistics.median(taken)
    hint = "Run PostgreSQL nearer to Refract: a search waits for it a few times."
    told = f"A statement takes {median:.1f} ms."
    return _judged("latency", told, median <= SLOW_MS, hint, otherwise="warn")


def check_clock(connection: Connection) -> Check:
    """Compares the server's clock with this machine's; sessions and audit entries go by the server's."""
    before = datetime.now(UTC)
    there = connection.scalar(text("SELECT clock_timestamp()"))
    here = before + (datetime.now(UTC) - before) / 2
    apart = abs((there - here).total_seconds()) if there else 0.0
    told = f"The clocks of the database and this machine are {apart:,.1f} s apart."
    hint = "Set both by NTP: ages in metrics, sessions and logs are wrong by so much."
    return _judged("clock", told, apart <= CLOCK_SECONDS, hint, otherwise="warn")


def check_pooler(database: Engine) -> Check:
    """Looks whether a connection is still the same in its next transaction. Through a pooler of transactions
    it need not be: what is listened to is lost there."""
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("LISTEN refract_doctor")
        backends = {connection.scalar(text("SELECT pg_backend_pid()")) for _ in range(TRIES)}
        listens = connection.scalar(text("SELECT 'refract_doctor' IN (SELECT pg_listening_channels())"))
        if listens:
            connection.exec_driver_sql("UNLISTEN refract_doctor")
    if listens and len(backends) == 1 and database.url.port != PGBOUNCER_PORT:
        return Check("pooler", "ok", "There is no pooler of transactions in between.")
    told = "It looks as if PgBouncer, or another pooler, stood before the database."
    hint = (
        "Notifications and locks of sessions are lost in its transaction mode: connect to the server itself."
    )
    return Check("pooler", "warn", told, hint)


def check_processes(database: Engine, wanted: int | None) -> Check:
    """Looks how many processes would serve, and whether the database has connections for them."""
    try:
        share = share_of(database, wanted)
    except ConfigurationError as error:
        return Check("processes", "fail", error.message, error.hint)
    told = f"Processes that would serve: {share.processes}, with {share.connections} connections each."
    return Check("processes", "ok", told)


def _judged(name: str, told: str, is_well: bool, hint: str, *, otherwise: str = "fail") -> Check:
    if is_well:
        return Check(name, "ok", told)
    return Check(name, "warn" if otherwise == "warn" else "fail", told, hint)
