"""Readiness says what is missing before searches are answered, and what will soon be missing."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from api.checks import Check, check_disk, check_live, check_tables, check_vectors, check_worker
from api.errors import envelope
from search.browse.collections import collection_names
from search.db.connection import first_line, open_session
from search.engine.engine import SearchEngine
from search.errors import ConfigurationError, NotIndexed, RefractError, StoreUnavailable, VectorsUnavailable
from search.rights import EVERYTHING


@dataclass(frozen=True)
class Readiness:
    """Holds what was looked at, and the names of the public collections that can be searched. `missing` is
    what keeps searches from being answered."""

    checks: list[Check]
    collections: list[str]
    missing: RefractError | None

    def answer(self, *, private: bool) -> dict[str, Any]:
        """Says it as JSON; where searching needs a key, collections are only counted."""
        checks = {"checks": [asdict(check) for check in self.checks]}
        if self.missing is None:
            live = len(self.collections) if private else self.collections
            return {"status": "ok", "collections": live, **checks}
        return {**envelope(self.missing), **checks}


def readiness(engine: SearchEngine) -> Readiness:
    """Looks whether searches are answered: the database is there, its tables are this version's, a collection
    is live, and Milvus answers where a live one is there. No worker and a full disk are warnings: searches go
    on."""
    checks, live = [check_disk(engine.data)], list[str]()
    try:
        with open_session(engine.database) as session:
            checks.append(Check("database", "ok", "The database answers."))
            checks.append(check_tables(session.connection()))
            if checks[-1].state != "fail":
                known = [found for found in collection_names(session, EVERYTHING) if found.live]
                live = [found.name for found in known if not found.private]
                checks += [check_live(len(known)), *check_vectors(session), check_worker(session)]
    except (StoreUnavailable, DBAPIError) as error:
        told = error.message if isinstance(error, StoreUnavailable) else f"{first_line(error)}."
        checks.append(Check("database", "fail", told, "Start it, or mend DATABASE_URL."))
    return Readiness(checks, live, next(_missing(checks), None))


def _missing(checks: list[Check]) -> Iterator[RefractError]:
    """Gives the errors that failed checks are, the first thing to mend first."""
    kinds: dict[str, type[RefractError]] = {
        "database": StoreUnavailable,
        "migrations": ConfigurationError,
        "live": NotIndexed,
        "vectors": VectorsUnavailable,
    }
    for check in checks:
        if check.state == "fail":
            yield kinds[check.name](check.message, hint=check.hint)
