"""Answers searches on every collection of one database: holds the snapshots in memory, and opens readers of
them."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from pathlib import Path

from sqlalchemy import Engine, select

from search import machine
from search.db.connection import limit_statements, most_connections, open_session
from search.db.lookup import find_collection, holds
from search.db.models import CollectionRow
from search.engine.reader import Reader, Shared
from search.errors import IndexReplaced
from search.index.snapshot import Snapshot
from search.index.snapshot_manager import SnapshotManager
from search.presentation.for_people import ForPeople
from search.query.request import SearchRequest
from search.responses.search import SearchResponse
from search.rights import EVERYTHING, Rights
from search.scoring.ranking import POOL, Pool
from search.shared_tables import SharedTable


class SearchEngine:
    """Answers searches on every collection of one database.

    Snapshots of live generations are kept in memory and swapped when documents or labels change or another
    generation goes live. `pool` is how much a search looks at; so many `cores` are used (None: all that there
    are). By `changes` engines of several processes hear what one of them changed. `rights` are those of the
    caller whom it answers (see `on_behalf_of`): every reader is made with them.
    """

    def __init__(
        self,
        database: Engine,
        data: Path,
        *,
        pool: Pool = POOL,
        cores: int | None = None,
        changes: SharedTable | None = None,
    ) -> None:
        self.database = database
        self.data = data
        self.snapshots = SnapshotManager(database, data)
        self._changes, self._heard = changes or SharedTable(), dict[str, float]()
        self._shared = Shared.among(pool, cores or machine.cores(), most_connections(database))
        self.embed = self._shared.encoder
        self.rights = EVERYTHING
        limit_statements(database)

    def on_behalf_of(self, rights: Rights) -> "SearchEngine":
        """Gives this engine as a caller with these rights may use it. What is in memory is shared."""
        engine = copy(self)
        engine.rights = rights
        return engine

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
        snapshot = self.snapshot(collection)
        shared = self._shared
        first = shared.dear.taken() if dear else nullcontext()
        with first, shared.readers.taken(), shared.limiter.taken(), open_session(self.database) as session:
            waited = time.perf_counter() - begun
            if not holds(session, snapshot.generation):  # it was replaced twice while we waited
                session.rollback()
                snapshot = self.snapshots.renew(collection)
                if not holds(session, snapshot.generation):
                    raise IndexReplaced("The index was replaced just now.", hint="Ask again.")
            if self.rights.only:
                doc_values = shared.doc_values.of(session, snapshot)
                snapshot = shared.parts.of(session, snapshot, self.rights.only, doc_values)
            yield Reader(snapshot, session, shared, waited, self.rights)

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
        values_of: Collection[str] = (),
        for_people: ForPeople | None = None,
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
                values_of=values_of,
                for_people=for_people,
            )

    def snapshot(self, collection: str) -> Snapshot:
        """Gives the live generation of a collection as it is in memory, loaded if it is not there yet.

        Raises:
            CollectionNotFound, NotIndexed: there is nothing to search.
            StoreUnavailable: the database does not answer.
        """
        self.check(collection)
        changed = self._changes.get(collection)
        if changed == self._heard.get(collection, 0.0):
            return self.snapshots.of(collection)
        snapshot = self.snapshots.renew(collection)
        self._heard[collection] = changed
        return snapshot

    def renew(self, collection: str) -> None:
        """Lets the next request see what was just changed, whichever process it comes to.

        Raises:
            CollectionNotFound, NotIndexed: there is nothing to search.
            StoreUnavailable: the database does not answer.
        """
        self._changes.put(collection, changed := time.monotonic())
        self.snapshots.renew(collection)
        self._heard[collection] = changed

    def check(self, collection: str) -> None:
        """Refuses a collection that the caller may not know of as if it were not there.

        Raises:
            CollectionNotFound: there is none, or none for them.
            StoreUnavailable: the database does not answer.
        """
        private = self.snapshots.private().get(collection)
        known = private is not None and self.rights.sees(collection, private=private)
        if not (self.rights.whole or known):
            with open_session(self.database) as session:
                find_collection(session, collection, self.rights.seen())

    def chosen(self, collection: str) -> str:
        """Gives the collection that a request names or, where it names none, the default one.

        Raises:
            CollectionNotFound: there is none of that name for the caller.
        """
        if not collection:
            return self.default_collection()
        self.check(collection)
        return collection

    def default_collection(self) -> str:
        """Names the collection of requests that name none: the chosen one or, where the caller may not know
        of that, the first by name that is live for them; "default" before there is any."""
        with open_session(self.database) as session:
            chosen = select(CollectionRow.name).where(CollectionRow.is_default, self.rights.seen())
            if name := session.scalar(chosen):
                return name
            names = select(CollectionRow.name).where(self.rights.seen()).order_by(CollectionRow.name)
            seen = [] if self.rights.whole else session.scalars(names).all()
        live = set(self.snapshots.live())
        return next((name for name in seen if name in live), "default")

    def warm(self, collection: str) -> None:
        """Loads what the first search of a collection needs, so that nobody waits for it."""
        with self.reader(collection) as reader:
            reader.embed("warm")
            reader.floor()
