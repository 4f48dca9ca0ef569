"""Answers searches on every collection of one database: holds the snapshots in memory, and opens readers of
them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Engine, select

from search.db.connection import limit_statements, open_session
from search.db.lookup import holds
from search.db.models import CollectionRow
from search.engine.reader import Reader, Shared
from search.errors import IndexReplaced
from search.index.snapshot import Snapshot
from search.index.snapshot_manager import SnapshotManager
from search.query.request import SearchRequest
from search.responses.search import SearchResponse
from search.scoring.ranking import POOL, Pool


class SearchEngine:
    """Answers searches on every collection of one database.

    Snapshots of live generations are kept in memory and swapped when documents or labels change or another
    generation goes live. `pool` is how much a search looks at.
    """

    def __init__(self, database: Engine, data: Path, *, pool: Pool = POOL) -> None:
        self.database = database
        self.data = data
        self.snapshots = SnapshotManager(database, data)
        self._shared = Shared(pool)
        self.embed = self._shared.encoder
        limit_statements(database)

    @contextmanager
    def reader(self, collection: str, *, dear: bool = False) -> Iterator[Reader]:
        """Opens a reader of the live generation of a collection: one snapshot, one session and one turn,
        until the end of the block. The generation is not dropped meanwhile, whatever goes live. Answers that
        are `dear`, which take seconds, have turns of their own besides, so that searches stay quick.

        Raises:
            CollectionNotFound, NotIndexed: there is nothing to search.
            Overloaded, TimedOut: too many wait already; the request's time is up.
            StoreUnavailable: the database does not answer.
        """
        begun = time.perf_counter()
        snapshot = self.snapshots.of(collection)
        shared = self._shared
        first = shared.dear.taken() if dear else nullcontext()
        with first, shared.readers.taken(), shared.limiter.taken(), open_session(self.database) as session:
            waited = time.perf_counter() - begun
            if not holds(session, snapshot.generation):  # it was replaced twice while we waited
                session.rollback()
                snapshot = self.snapshots.renew(collection)
                if not holds(session, snapshot.generation):
                    raise IndexReplaced("The index was replaced just now.", hint="Ask again.")
            yield Reader(snapshot, session, shared, waited)

    def search(
        self,
        request: SearchRequest,
        *,
        collection: str,
        limit: int = 10,
        offset: int = 0,
        collapse: bool = True,
        min_score: float | None = None,
        facets: bool = False,
        for_people: bool = False,
    ) -> SearchResponse:
        """Runs one search with a reader of its own, see `Reader.search`.

        Raises:
            CollectionNotFound, NotIndexed: there is nothing to search.
            StoreUnavailable: the database does not answer.
        """
        with self.reader(collection) as reader:
            return reader.search(
                request,
                limit=limit,
                offset=offset,
                collapse=collapse,
                min_score=min_score,
                facets=facets,
                for_people=for_people,
            )

    def snapshot(self, collection: str) -> Snapshot:
        """Gives the live generation of a collection as it is in memory, loaded if it is not there yet.

        Raises:
            CollectionNotFound, NotIndexed: there is nothing to search.
            StoreUnavailable: the database does not answer.
        """
        return self.snapshots.of(collection)

    def default_collection(self) -> str:
        """Names the collection of requests that name none; "default" before there is any."""
        with open_session(self.database) as session:
            chosen = select(CollectionRow.name).where(CollectionRow.is_default)
            return session.scalar(chosen) or "default"

    def warm(self, collection: str) -> None:
        """Loads what the first search of a collection needs, so that nobody waits for it."""
        with self.reader(collection) as reader:
            reader.embed("warm")
            reader.floor()
