"""What tools answer: short records, which say what they leave out."""

import json
from dataclasses import dataclass
from typing import Any

from api.mcp.reasons import Json, differences, lost, reasons, remarks, restriction, topical

EXCERPT = 300
TITLE = 120
META = 1000
DESCRIPTION = 200
FEW_REASONS = 4
MANY_REASONS = 15
INVISIBLE = dict.fromkeys([*range(0xE0000, 0xE0080), *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Characters that people do not see and models read: tags, and marks that turn the direction of writing."""


@dataclass(frozen=True)
class Hit:
    """One result. `excerpt` is quoted from the document, `why` the strongest reasons of its score."""

    rank: int
    id: str
    title: str
    score: float
    excerpt: str
    why: list[str]


@dataclass(frozen=True)
class Found:
    """The results of a search. `total` counts the documents that may answer, `notes` say what was understood
    and what is left out here."""

    collection: str
    total: int
    results: list[Hit]
    notes: list[str]


@dataclass(frozen=True)
class Explanation:
    """Why a document has its score. The values of all its terms sum to it; `reasons` are the largest."""

    id: str
    title: str
    rank: int | None
    rank_unsteered: int | None
    score: float
    excerpt: str
    reasons: list[str]
    compared: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Way:
    """Steering that brings a document to a rank among the first; give `steer` to search."""

    steer: str
    rank: int
    turns: list[str]


@dataclass(frozen=True)
class Absence:
    """Why a document is not among the first results. `lacks` is what it has less of than the last of them."""

    id: str
    title: str
    rank: int | None
    total: int
    excluded_by: list[str]
    lacks: list[str]
    ways: list[Way]
    notes: list[str]


@dataclass(frozen=True)
class DocumentPage:
    """A stretch of a document's text. `next_offset` is where the next one begins, null at the end."""

    id: str
    title: str
    url: str | None
    meta: str
    text: str
    offset: int
    characters: int
    next_offset: int | None


@dataclass(frozen=True)
class Knob:
    """Something to steer by: `steer` turns it up (a negative number: down). `passages` is how many have it,
    `filter`, where there is one, keeps those alone."""

    steer: str
    label: str
    passages: int
    filter: str | None
    example: str


@dataclass(frozen=True)
class Topics:
    topics: list[Knob]
    families: list[Knob]
    notes: list[str]


@dataclass(frozen=True)
class Collection:
    name: str
    state: str
    documents: int
    title: str
    description: str


@dataclass(frozen=True)
class Collections:
    collections: list[Collection]
    notes: list[str]


def cut(text: str | None, most: int) -> str:
    """Shortens a text to one line of so many characters, and says so by an ellipsis."""
    line = " ".join((text or "").translate(INVISIBLE).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def search_answer(found: Json) -> Found:
    hits = [
        Hit(
            rank=each["rank"],
            id=each["document"]["id"],
            title=cut(each["document"]["title"], TITLE),
            score=round(each["score"], 4),
            excerpt=cut(each["passage"]["text"], EXCERPT),
            why=reasons(topical(each["terms"]), FEW_REASONS),
        )
        for each in found["results"]
    ]
    return Found(found["collection"], found["total"], hits, [*remarks(found), *_left_out(found)])


def _left_out(found: Json) -> list[str]:
    shown, first = len(found["results"]), found["offset"]
    notes = []
    if first + shown < found["total"] and shown:
        notes.append(f"{shown} of {found['total']} documents are shown; offset={first + shown} goes on.")
    if any(len(each["passage"]["text"]) > EXCERPT for each in found["results"]):
        notes.append("Excerpts are cut; the tool document has the texts.")
    if any(len(topical(each["terms"])) > FEW_REASONS for each in found["results"]):
        notes.append(f"At most {FEW_REASONS} reasons are shown; the tool explain has more.")
    return notes


def explanation(told: Json, compared: Json | None) -> Explanation:
    """Explains a document by an answer to why-not, and beside another by a comparison."""
    result = told["result"]
    terms = result["terms"]
    notes = lost(told["steering_lost"])
    if result["rank"] is None:
        notes.append("This search leaves the document out; the tool why_not says why.")
    if len(terms) > MANY_REASONS:
        notes.append(f"The {MANY_REASONS} largest of {len(terms)} terms are shown.")
    return Explanation(
        **_named(result),
        rank=result["rank"],
        rank_unsteered=result["rank_unsteered"],
        score=round(result["score"], 4),
        excerpt=cut(result["passage"]["text"], EXCERPT),
        reasons=reasons(terms, MANY_REASONS),
        compared=differences(compared["terms"], MANY_REASONS) if compared else [],
        notes=notes,
    )


def absence(told: Json) -> Absence:
    ways = [
        Way(
            steer=way["steer"],
            rank=way["rank"],
            turns=[f"{each['label']!r} to {each['strength']}" for each in way["added"]],
        )
        for way in told["ways"]
    ]
    rank, wanted = told["result"]["rank"], told["wanted"]
    notes = lost(told["steering_lost"])
    if rank is not None and rank <= wanted:
        notes.append(f"It is among the first {wanted} already; the tool explain says why.")
    elif rank is not None and not ways:
        notes.append(f"No small change of the steering brings it among the first {wanted}.")
    return Absence(
        **_named(told["result"]),
        rank=rank,
        total=told["total"],
        excluded_by=[f"Results {restriction(each)}." for each in told["excluded_by"]],
        lacks=differences(told["lacks"], MANY_REASONS),
        ways=ways,
        notes=notes,
    )


def page(document: Json, offset: int, limit: int) -> DocumentPage:
    """Cuts a document to a stretch of its text."""
    text: str = document["text"]
    end = offset + limit
    return DocumentPage(
        id=document["id"],
        title=cut(document["title"], TITLE),
        url=document["url"],
        meta=cut(json.dumps(document["meta"], ensure_ascii=False), META) if document["meta"] else "",
        text=text[offset:end].translate(INVISIBLE),
        offset=offset,
        characters=len(text),
        next_offset=end if end < len(text) else None,
    )


def topics(features: Json, concepts: Json) -> Topics:
    """Lists features and families of features as knobs."""
    return Topics(
        topics=[
            _knob(str(each["feature"]), each["label"], each, f"feature:{each['feature']}")
            for each in features["features"]
        ],
        families=[
            _knob(f"family:{each['family']}", each["name"], each, None) for each in concepts["concepts"]
        ],
        notes=[
            f"{len(shown)} of {of['total']} {what} are shown."
            for what, of, shown in (
                ("topics", features, features["features"]),
                ("families", concepts, concepts["concepts"]),
            )
            if len(shown) < of["total"]
        ],
    )


def _knob(name: str, label: str, of: Json, filter: str | None) -> Knob:
    return Knob(f"{name}:1", label, of["passages"], filter, cut(of["example"], TITLE))


def collections(found: list[Json], most: int) -> Collections:
    """Lists collections; one more than `most` says that there are more."""
    listed = [
        Collection(
            each["name"],
            each["state"],
            each["documents"],
            cut(each["title"], TITLE),
            cut(each["description"], DESCRIPTION),
        )
        for each in found[:most]
    ]
    return Collections(listed, [f"Only the first {most} are shown."] if len(found) > most else [])


def _named(result: Json) -> dict[str, Any]:
    return {"id": result["document"]["id"], "title": cut(result["document"]["title"], TITLE)}
