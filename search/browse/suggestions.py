"""Suggests what may be meant while somebody types: names of topics, and titles of documents."""

import numpy as np
from sqlalchemy import select

from search.catalog.beginnings import Beginnings, is_begun, words_of
from search.db.models import DocumentRow
from search.engine.reader import Reader
from search.errors import InvalidPage
from search.query.limits import MAX_QUERY
from search.responses.search import DocumentRef
from search.responses.suggestions import Suggestion, Suggestions

MOST = 8
TOPICS = 3
"""So many are topics, where there are titles to fill the rest."""


def suggest(reader: Reader, typed: str, *, limit: int = MOST) -> Suggestions:
    """Gives names that go on with what was typed, or have a word that does: topics of many passages first,
    then titles, short ones first; of each those first that begin so.

    Raises:
        InvalidPage: limit is out of range.
    """
    if not 1 <= limit <= MOST:
        raise InvalidPage(f"limit={limit} is out of range.", hint=f"Use 1 to {MOST}.")
    begun = words_of(typed)
    topics, titles = _topics(reader, begun), _titles(reader, begun)
    first: dict[str, Suggestion] = {}
    for each in topics[: max(TOPICS, limit - len(titles))] + titles:
        first.setdefault(words_of(each.text), each)
    return Suggestions(
        query=typed[:MAX_QUERY],
        collection=reader.collection,
        generation=reader.snapshot.generation,
        suggestions=list(first.values())[:limit],
    )


def _topics(reader: Reader, begun: str) -> list[Suggestion]:
    snapshot = reader.snapshot
    found = _names_of_topics(reader).find(begun, np.flatnonzero(snapshot.telling))
    names = {feature: snapshot.labels[feature].text for feature in found}
    order = sorted(
        (not words_of(name).startswith(begun), -int(snapshot.passages_F[feature]), feature)
        for feature, name in names.items()
        if is_begun(begun, words_of(name))
    )
    return [Suggestion(names[feature], "topic", feature=feature) for *_, feature in order[:MOST]]


def _names_of_topics(reader: Reader) -> Beginnings:
    """The beginnings of all topics' names, made once for each state of the labels."""
    snapshot = reader.snapshot

    def make() -> Beginnings:
        return Beginnings().and_of((place, words_of(each.text)) for place, each in enumerate(snapshot.labels))

    return reader.shared.topics.get((snapshot.dictionary_id, snapshot.mark.labels_version), make)


def _titles(reader: Reader, begun: str) -> list[Suggestion]:
    titles = reader.shared.titles.of(reader.session, reader.snapshot)
    found = titles.beginnings.find(begun, reader.snapshot.documents_sorted)
    columns = DocumentRow.external_id, DocumentRow.title, DocumentRow.url
    rows = reader.session.execute(select(*columns).where(DocumentRow.id.in_(found))).all() if found else []
    refs = [(words_of(title), DocumentRef(id, title, url)) for id, title, url in rows]
    fit = [(name, ref) for name, ref in refs if is_begun(begun, name)]
    fit.sort(key=lambda pair: (not pair[0].startswith(begun), len(pair[0]), pair[0], pair[1].id))
    return [Suggestion(" ".join(ref.title.split()), "title", document=ref) for _, ref in fit[:MOST]]
