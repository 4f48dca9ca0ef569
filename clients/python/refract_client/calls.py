"""Calls say what is asked of the server and how it answers; the two clients send them, and nothing else.

More about each, its parameters and its errors stands in the description of the JSON API, under its address.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from refract_client.records import (
    CollectionInfo,
    Comparison,
    ConceptList,
    Deleted,
    DocumentDetail,
    DocumentRef,
    DocumentWords,
    EventPage,
    FeatureDetail,
    FeatureList,
    FeatureMap,
    JobInfo,
    PresetInfo,
    Refinement,
    SearchResponse,
    Suggestions,
    TextAnalysis,
    WhyNot,
    Written,
)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request, and the type of its answer. What was not given is not sent."""

    method: str
    path: str
    answer: type[Answer]
    params: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None


class Asked(TypedDict, total=False):
    """What may go with any question. `steer` is written like 123:1.5,45:off,concept:astronomy:-1, each of
    `filter` like lang:en, year:1990..2000 or -lang:en."""

    collection: str
    steer: str
    dictionary: int | None
    preset: str
    mode: str
    filter: Sequence[str]
    as_typed: bool


def search(
    q: str,
    *,
    limit: int = 10,
    offset: int = 0,
    facets: bool = False,
    values_of: Sequence[str] = (),
    collapse: bool = True,
    min_score: float | None = None,
    **asked: Unpack[Asked],
) -> Call[SearchResponse]:
    """Searches a collection; the values of a result's terms sum to its score. `facets` counts what it can be
    narrowed down to, with many values of the fields `values_of`."""
    page = {"limit": limit, "offset": offset, "collapse": collapse, "min_score": min_score}
    counted = {"facets": facets, "values_of": values_of}
    return _get("/v1/search", SearchResponse, q=q, **page, **counted, **asked)


def compare(q: str, first: str, second: str, **asked: Unpack[Asked]) -> Call[Comparison]:
    """Says why one document stands before another."""
    return _get("/v1/compare", Comparison, q=q, first=first, second=second, **asked)


def why_not(q: str, document: str, **asked: Unpack[Asked]) -> Call[WhyNot]:
    """Says where a document stands, what it lacks, and what would bring it up."""
    return _get("/v1/why-not", WhyNot, q=q, document=document, **asked)


def features(q: str = "", *, limit: int = 20, offset: int = 0, collection: str = "") -> Call[FeatureList]:
    """Lists features for a text; without one the most frequent."""
    return _get("/v1/features", FeatureList, q=q, limit=limit, offset=offset, collection=collection)


def feature(feature: int, *, collection: str = "") -> Call[FeatureDetail]:
    """Shows all about a feature."""
    return _get(f"/v1/features/{feature}", FeatureDetail, collection=collection)


def feature_map(*, collection: str = "") -> Call[FeatureMap]:
    """Places the most distinctive features on a map where near meanings lie near each other."""
    return _get("/v1/map", FeatureMap, collection=collection)


def concepts(q: str = "", *, limit: int = 20, offset: int = 0, collection: str = "") -> Call[ConceptList]:
    """Lists families of features to steer by."""
    return _get("/v1/concepts", ConceptList, q=q, limit=limit, offset=offset, collection=collection)


def refine(
    like: Sequence[str], unlike: Sequence[str] = (), *, q: str = "", collection: str = ""
) -> Call[Refinement]:
    """Finds what tells liked documents from others, as steering."""
    body = {"like": [*like], "unlike": [*unlike], "q": q, "collection": collection}
    return _send("POST", "/v1/refine", Refinement, body)


def analyze(text: str, *, limit: int = 20, collection: str = "") -> Call[TextAnalysis]:
    """Finds the features of any text."""
    return _send(
        "POST", "/v1/analyze", TextAnalysis, {"text": text, "limit": limit, "collection": collection}
    )


def words(
    document: str,
    q: str = "",
    *,
    feature: Sequence[int] = (),
    passage: Sequence[int] = (),
    steer: str = "",
    dictionary: int | None = None,
    limit: int = 10,
    offset: int = 0,
    collection: str = "",
) -> Call[DocumentWords]:
    """Says which words of a document match a question, and which make features fire."""
    return _get(
        "/v1/words",
        DocumentWords,
        document=document,
        q=q,
        feature=feature,
        passage=passage,
        steer=steer,
        dictionary=dictionary,
        limit=limit,
        offset=offset,
        collection=collection,
    )


def suggest(q: str, *, limit: int = 8, collection: str = "") -> Call[Suggestions]:
    """Suggests what may be meant by the beginning of a question: topics and titles."""
    return _get("/v1/suggest", Suggestions, q=q, limit=limit, collection=collection)


def documents(
    q: str = "", *, after: str = "", limit: int = 10, collection: str = ""
) -> Call[list[DocumentRef]]:
    """Lists documents by their id, or by words of it or of their title; without `q` all, a page at a time:
    the next one is `after` the last id of this one."""
    return _get("/v1/documents", list[DocumentRef], q=q, after=after, limit=limit, collection=collection)


def document(id: str, *, collection: str = "") -> Call[DocumentDetail]:
    """Shows a document with its text, and what fires where."""
    return _get(f"/v1/documents/{_part(id)}", DocumentDetail, collection=collection)


def write_document(
    id: str,
    text: str,
    *,
    title: str = "",
    url: str | None = None,
    meta: dict[str, Any] | None = None,
    collection: str = "",
) -> Call[Written]:
    """Writes one document, or replaces it. Searches find it within seconds."""
    body = {"text": text, "title": title, "url": url, "meta": meta or {}}
    return _send("PUT", f"/v1/documents/{_part(id)}", Written, body, collection=collection)


def delete_document(id: str, *, collection: str = "") -> Call[Deleted]:
    """Deletes a document."""
    return _send("DELETE", f"/v1/documents/{_part(id)}", Deleted, collection=collection)


def delete_documents(ids: Sequence[str], *, collection: str = "") -> Call[Deleted]:
    """Deletes documents; ids that are unknown are named and change nothing."""
    return _send("POST", "/v1/documents/delete", Deleted, {"ids": [*ids], "collection": collection})


def collections(*, after: str = "", limit: int = 100) -> Call[list[CollectionInfo]]:
    """Lists collections by name, a page at a time."""
    return _get("/v1/collections", list[CollectionInfo], after=after, limit=limit)


def presets(*, collection: str = "") -> Call[list[PresetInfo]]:
    """Lists a collection's presets, as they steer now."""
    return _get("/v1/presets", list[PresetInfo], collection=collection)


def preset(name: str, *, collection: str = "") -> Call[PresetInfo]:
    """Shows a preset, as it steers now."""
    return _get(f"/v1/presets/{_part(name)}", PresetInfo, collection=collection)


def jobs(*, collection: str | None = None, limit: int = 50) -> Call[list[JobInfo]]:
    """Lists the latest jobs, the newest first."""
    return _get("/v1/jobs", list[JobInfo], collection=collection, limit=limit)


def job(number: int) -> Call[JobInfo]:
    """Shows a job: its state, progress, last lines, and why it failed."""
    return _get(f"/v1/jobs/{number}", JobInfo)


def start_job(kind: str, **request: Any) -> Call[JobInfo]:
    """Puts a job into the queue: reindex, ingest, verify or dump, with the fields of its request."""
    return _send("POST", "/v1/jobs", JobInfo, {"kind": kind, **request})


def cancel_job(number: int) -> Call[JobInfo]:
    """Takes a waiting job out of the queue, or asks a running one to stop."""
    return _send("POST", f"/v1/jobs/{number}/cancel", JobInfo)


def events(
    *, after: int = 0, wait: float = 0, kind: Sequence[str] = (), collection: str = "", limit: int = 100
) -> Call[EventPage]:
    """Reads what has happened after a number; where nothing has, waits so many seconds for it, 20 at most.
    The next page is `after` the `last` of this one."""
    asked = {"after": after, "wait": wait, "kind": kind, "collection": collection, "limit": limit}
    return _get("/v1/events", EventPage, **asked)


def _get(path: str, answer: type[Answer], **params: Any) -> Call[Answer]:
    return _send("GET", path, answer, **params)


def _send(method: str, path: str, answer: type[Answer], body: Any = None, **params: Any) -> Call[Answer]:
    given = {name: value for name, value in params.items() if name == "q" or value not in (None, "", (), [])}
    return Call(method, path, answer, given, None if body is None else json.dumps(body).encode())


def _part(id: str) -> str:
    return quote(id, safe="")
