"""Documents are written by the thousand, in requests that a server takes."""

import dataclasses
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from refract_client.calls import Call
from refract_client.records import FailureOut, Written

MOST_DOCUMENTS = 1000
MOST_BYTES = 8 << 20


@dataclass(frozen=True)
class Document:
    """A document to write. One that is there under this id is replaced."""

    id: str
    text: str
    title: str = ""
    url: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)


class Batches:
    """Gathers documents to requests of at most `MOST_DOCUMENTS` and about `MOST_BYTES`, however many come."""

    def __init__(self, collection: str) -> None:
        self._collection = collection
        self._documents: list[str] = []
        self._bytes = 0

    def add(self, document: Document) -> Call[Written] | None:
        """Takes a document; gives a request to send first, where it does not fit into that any more."""
        written = json.dumps(dataclasses.asdict(document))
        full = len(self._documents) == MOST_DOCUMENTS or self._bytes + len(written) > MOST_BYTES
        ready = self.rest() if full else None
        self._documents.append(written)
        self._bytes += len(written)
        return ready

    def rest(self) -> Call[Written] | None:
        """Gives the request of what was gathered, if anything was."""
        if not self._documents:
            return None
        body = (
            f'{{"collection": {json.dumps(self._collection)}, "documents": [{", ".join(self._documents)}]}}'
        )
        self._documents, self._bytes = [], 0
        return Call("POST", "/v1/documents", Written, body=body.encode())


class Totals:
    """Sums up what became of documents."""

    def __init__(self) -> None:
        self._added = self._changed = self._unchanged = 0
        self._failures: list[FailureOut] = []

    def add(self, written: Written) -> None:
        self._added += written.added
        self._changed += written.changed
        self._unchanged += written.unchanged
        self._failures += written.failures

    def written(self) -> Written:
        return Written(
            added=self._added, changed=self._changed, unchanged=self._unchanged, failures=self._failures
        )


async def each(documents: Iterable[Document] | AsyncIterable[Document]) -> AsyncIterator[Document]:
    """Goes through documents, whether they come at once or one after another."""
    if isinstance(documents, AsyncIterable):
        async for document in documents:
            yield document
    else:
        for document in documents:
            yield document
