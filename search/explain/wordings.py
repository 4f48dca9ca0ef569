"""Finds words that bring a document among the first of a search when they are added to the question."""

from collections.abc import Iterator
from dataclasses import replace

from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.engine.response import asked_words
from search.query.request import SearchRequest
from search.responses.explanations import Wording
from search.scoring.hybrid import counted_words

TRIED = 3


def find_wordings(
    reader: Reader, prepared: PreparedQuery, document: int, title: str, wanted: int
) -> list[Wording]:
    """Tries the rarest words of a document's title that the question does not have, one by one: each is asked
    for really, with the steering as it is, and given only if it brings the document (a row id) up."""
    asked, translation = prepared.request, prepared.translation
    live = replace(
        asked, steering=translation.steering, filters=translation.filters, dictionary=translation.dictionary
    )
    found = (_tried(reader, live, word, document, wanted) for word in _words(prepared, title))
    return sorted((each for each in found if each is not None), key=lambda each: each.rank)


def _words(prepared: PreparedQuery, title: str) -> Iterator[str]:
    """Lists the title's words that the question does not have, the rarest of the collection first."""
    if prepared.request.mode != "hybrid":
        return
    asked = set(counted_words(prepared.asked.typed.text).values())
    counted = asked_words(prepared.snapshot, title, "hybrid").found()
    new = [each for each in counted if each.passages and each.word not in asked]
    yield from (each.word for each in sorted(new, key=lambda each: each.passages)[:TRIED])


def _tried(reader: Reader, asked: SearchRequest, word: str, document: int, wanted: int) -> Wording | None:
    reader.breathe()
    query = f"{asked.query} {word}"
    first = reader.prepare(replace(asked, query=query)).rank(wanted).documents[:wanted].tolist()
    return Wording(query, word, first.index(document) + 1) if document in first else None
