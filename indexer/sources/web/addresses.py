"""Sources that have an address instead of a path: databases and web sites."""

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from indexer.sources.document import Item
from indexer.sources.records import database
from indexer.sources.records.roles import Columns
from indexer.sources.web import website
from indexer.sources.web.fetching import normalized
from indexer.sources.web.website import Bounds

_SITES = ("http://", "https://")


def is_address(given: str) -> bool:
    """Whether this is an address and no path."""
    return "://" in given


def is_below(address: str, allowed: str) -> bool:
    """Whether an address is one that is allowed, or below it."""
    parts = unquote(address).replace("\\", "/").split("/")
    return ".." not in parts and f"{address}/".startswith(f"{allowed.rstrip('/')}/")


def is_site(given: str) -> bool:
    """Whether this is the address of a web site."""
    return given.lower().startswith(_SITES)


def source_name(address: str, query: str | None = None, table: str | None = None) -> str:
    """What an address is called as a source.

    Raises:
        SourceError: it is none.
    """
    if is_site(address):
        return normalized(address) or address
    return database.source_name(address, query, table)


def read_address(
    address: str,
    columns: Columns,
    query: str | None,
    table: str | None,
    bounds: Bounds,
    known: Mapping[str, str],
) -> Iterator[Item]:
    """The documents at an address. Pages of a site with the stamps that are `known` of them, by id, are not
    sent again.

    Raises:
        SourceError: it cannot be read.
    """
    if is_site(address):
        return website.read_site(address, bounds, known)
    return database.read_database(address, query, table, columns)
