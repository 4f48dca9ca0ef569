"""Sources that have an address instead of a path: databases."""

from collections.abc import Iterator

from indexer.sources import database
from indexer.sources.document import Item
from indexer.sources.roles import Columns


def is_address(given: str) -> bool:
    """Whether this is an address and no path."""
    return "://" in given


def source_name(address: str, query: str | None, table: str | None) -> str:
    """What an address is called as a source."""
    return database.source_name(address, query, table)


def read_address(address: str, columns: Columns, query: str | None, table: str | None) -> Iterator[Item]:
    """The documents at an address.

    Raises:
        SourceError: it cannot be read.
    """
    return database.read_database(address, query, table, columns)
