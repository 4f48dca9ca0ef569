"""One document per row of a table or query, of any database that SQLAlchemy knows."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, make_url, select, text
from sqlalchemy import table as named_table
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from indexer.sources.document import Failure, Item, UnreadableError
from indexer.sources.records.roles import Columns, document_of, refuse_missing
from search.errors import SourceError

ROWS = 500
"""So many rows are held at a time."""

DRIVERS = {
    "postgresql": "psycopg",
    "mysql": "pymysql (and write mysql+pymysql://)",
    "mariadb": "pymysql (and write mariadb+pymysql://)",
    "mssql": "pyodbc",
    "oracle": "oracledb",
    "snowflake": "snowflake-sqlalchemy",
    "bigquery": "sqlalchemy-bigquery",
    "duckdb": "duckdb-engine",
    "clickhouse": "clickhouse-sqlalchemy",
}
READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}


def source_name(address: str, query: str | None, table: str | None) -> str:
    """What a table or query is called as a source; passwords and other options are not part of it."""
    what = table or f"query-{hashlib.sha256((query or '').strip().encode()).hexdigest()[:8]}"
    return f"{_shown(_url(address))}/{what}"


def read_database(address: str, query: str | None, table: str | None, columns: Columns) -> Iterator[Item]:
    """Documents of a table or query, row by row as the database gives them; nothing is written to it.

    Raises:
        SourceError: neither or both are given, the address is none, its driver is not installed, the database
            cannot be reached or refuses the query, or there is no column for the text.
    """
    if (query is None) == (table is None):
        raise SourceError(
            "What to read of the database is not said, or twice.",
            hint="Give --table NAME or --query 'SELECT id, title, text FROM …'.",
        )
    url = _url(address)
    rows = _rows(url, query, table)
    header = next(rows)
    refuse_missing(_shown(url), header, columns)
    return _items(header, rows, columns)


def _items(header: list[str], rows: Iterator[Sequence[Any]], columns: Columns) -> Iterator[Item]:
    for number, row in enumerate(rows, start=1):
        values = ((name, _plain(value)) for name, value in zip(header, row, strict=True))
        try:
            yield document_of({name: value for name, value in values if value is not None}, columns)
        except UnreadableError as error:
            yield Failure(f"row {number}", str(error))


def _rows(url: URL, query: str | None, table: str | None) -> Iterator[Any]:
    """The names of the columns, then the rows."""
    with _connected(url) as connection:
        if table is not None:
            schema, _, name = table.rpartition(".")
            result = connection.execute(
                select(text("*")).select_from(named_table(name, schema=schema or None))
            )
        else:
            result = connection.exec_driver_sql(query or "", execution_options={"no_parameters": True})
        if not result.returns_rows:
            raise SourceError("The query gives no rows.", hint="It has to begin with SELECT or WITH.")
        yield _unique(list(result.keys()))
        yield from result


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    """A connection that only reads, a few rows at a time.

    Raises:
        SourceError: there is none, or the database refused something; with the password nowhere in it.
    """
    dialect = url.get_backend_name()
    if dialect == "sqlite" and not Path(url.database or "").is_file():
        raise SourceError(
            f"There is no database at {url.database or 'no path'}.", hint="Give sqlite:///PATH."
        )
    options: dict[str, Any] = {"stream_results": True, "yield_per": ROWS}
    if dialect == "postgresql":
        options["postgresql_readonly"] = True
    try:
        engine = create_engine(url, poolclass=NullPool, execution_options=options)
        with engine.connect() as connection:
            if statement := READ_ONLY.get(dialect):
                connection.exec_driver_sql(statement)
                connection.rollback()
            yield connection
    except (NoSuchModuleError, ModuleNotFoundError):
        raise SourceError(
            f"There is no driver for {url.drivername} databases here.",
            hint=f"Install one: pip install {DRIVERS.get(dialect, '(the one that SQLAlchemy names)')}.",
        ) from None
    except (SQLAlchemyError, OSError) as error:
        raise SourceError(f"{_shown(url)} cannot be read: {_reason(error, url)}.") from None


def _reason(error: Exception, url: URL) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    line = next(iter(str(cause).strip().splitlines()), type(cause).__name__)[:300].rstrip(".")
    return line.replace(url.password, "***") if url.password else line


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        scheme = address.partition("://")[0]
        raise SourceError(
            f"The address of the {scheme[:40]} database cannot be read.",
            hint="Write it as postgresql://user:password@host/name; signs like @ in a password as %40.",
        ) from None
    return url.set(drivername="postgresql") if url.drivername == "postgres" else url


def _shown(url: URL) -> str:
    return url.set(query={}).render_as_string(hide_password=True)


def _unique(names: list[str]) -> list[str]:
    """The names of columns, each of them once."""
    given: list[str] = []
    for name in names:
        times = given.count(name) + sum(each.startswith(f"{name}_") for each in given)
        given.append(f"{name}_{times + 1}" if name in given else name)
    return given


def _plain(value: Any) -> Any:
    """A value as JSON has it; None for bytes, which are no words."""
    match value:
        case None | str() | bool() | int() | float():
            return value
        case Decimal():
            return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return None
        case dict():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple() | set():
            return [_plain(inner) for inner in value]
    return str(value)
