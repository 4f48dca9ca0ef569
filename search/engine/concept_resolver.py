"""Fits the concept that a knob means in one collection: of a phrase, of a family, of examples.

Shape suffixes: D embedding width.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from search.catalog.names import named_after
from search.db.models import DocumentRow
from search.dictionary.concepts import Concept, concept_from_examples, concept_from_members, members_wanted
from search.dictionary.families import Family, concept_from_family
from search.embedding.folding import kept_as
from search.errors import InvalidSteering
from search.filtering.allowed import called
from search.filtering.doc_values import DocValues
from search.index.snapshot import Snapshot
from search.query.filters import format_filter
from search.query.limits import check_query
from search.query.steering import ConceptTarget, ExamplesTarget, FamilyTarget, FittedTarget
from search.scoring.hybrid import counted_words

TELLING_SHARE = 0.5
"""What more of the documents are of than this tells them apart no more: all would be members alike."""

TEXT = "text"
"""What a passage has met that says a phrase."""

EmbedQuery = Callable[[str], NDArray[np.float32]]
ReadValues = Callable[[], DocValues]


def fit_concept(
    snapshot: Snapshot, target: FittedTarget, embed: EmbedQuery, session: Session, read_values: ReadValues
) -> Concept:
    """Fits the concept that a target means on the collection's passages; `read_values` reads the metadata of
    its documents, which only a phrase needs.

    Raises:
        InvalidQuery: the phrase has no letter or digit.
        InvalidSteering: no such family or document.
    """
    match target:
        case ConceptTarget(phrase):
            return _of_phrase(snapshot, phrase, embed, session, read_values())
        case FamilyTarget(family):
            return concept_from_family(find_family(snapshot, family), snapshot.acts_NF)
        case ExamplesTarget():
            return _of_examples(snapshot, target, session)


def find_family(snapshot: Snapshot, number: int) -> Family:
    """Finds the family of that number.

    Raises:
        InvalidSteering: there is none.
    """
    family = snapshot.families.get(number)
    if family is None:
        raise InvalidSteering(
            f"There is no family {number} in {snapshot.collection!r}.",
            hint="GET /v1/concepts lists those there are." if snapshot.families else "It has no families.",
        )
    return family


def find_documents(snapshot: Snapshot, ids: list[str], session: Session) -> dict[str, DocumentRow]:
    """Finds the documents of these ids that a snapshot holds, by the id as it is given here."""
    forms = {id: kept_as(id) for id in ids}
    wanted = [form for each in forms.values() for form in each]
    rows = session.scalars(
        select(DocumentRow)
        .options(defer(DocumentRow.text))
        .where(DocumentRow.collection_id == snapshot.collection_id, DocumentRow.external_id.in_(wanted))
    ).all()
    held = np.isin([row.id for row in rows], snapshot.document_N)
    known = {row.external_id: row for row, is_held in zip(rows, held, strict=True) if is_held}
    return {id: known[form] for id, each in forms.items() for form in reversed(each) if form in known}


def concept_name(snapshot: Snapshot, target: FittedTarget, found: Mapping[str, DocumentRow]) -> str:
    """Says what the concept of a target is called; `found` are the documents that are its examples.

    Raises:
        InvalidSteering: no such family.
    """
    match target:
        case ConceptTarget(phrase):
            return phrase
        case FamilyTarget(family):
            return find_family(snapshot, family).name
        case ExamplesTarget():
            return _name(target, found)


def _of_phrase(
    snapshot: Snapshot, phrase: str, embed: EmbedQuery, session: Session, doc_values: DocValues
) -> Concept:
    """Fits what is about a phrase, with what says it and all that is of it."""
    check_query(phrase)
    _, nearest = snapshot.index.search(embed(phrase)[None], members_wanted(snapshot.passages))
    about = concept_from_members(phrase, nearest[0], snapshot.acts_NF)
    of_it = _of_it(snapshot, phrase, session, doc_values)
    whole = {name: (passages, np.ones(len(passages))) for name, passages in of_it.items()}
    return replace(about, least={**_saying(snapshot, phrase), **whole})


def _saying(snapshot: Snapshot, phrase: str) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Finds the passages that say all words of a phrase, and how much: of its words the least, tf/(tf + k1)
    as in BM25."""
    asked = list(counted_words(phrase))
    parts_NT = snapshot.lexicon.scores(asked).tocsr()
    saying = np.flatnonzero(np.diff(parts_NT.indptr) == len(asked))
    if not 0 < len(saying) <= TELLING_SHARE * snapshot.passages:
        return {}
    share_PT = parts_NT[saying].toarray() / snapshot.lexicon.rarities(asked)
    return {f"{TEXT}:{phrase}": (saying, share_PT.min(axis=1))}


def _of_it(
    snapshot: Snapshot, phrase: str, session: Session, doc_values: DocValues
) -> dict[str, NDArray[np.int64]]:
    """Finds the passages of documents that are of a phrase, whatever they say: it is a value of their
    metadata, or else a part of their id."""
    by_field = {
        format_filter(condition): documents
        for condition, documents in called(doc_values, snapshot.documents_sorted, phrase).items()
    }
    known = np.concatenate([*by_field.values(), np.zeros(0, np.int64)])
    by_id = np.setdiff1d(named_after(session, snapshot, phrase), known)
    return {
        name: np.flatnonzero(np.isin(snapshot.document_N, documents))
        for name, documents in {**by_field, f"id:{phrase}": by_id}.items()
        if 0 < len(documents) <= TELLING_SHARE * snapshot.documents
    }


def _of_examples(snapshot: Snapshot, examples: ExamplesTarget, session: Session) -> Concept:
    found = find_documents(snapshot, [*examples.like, *examples.unlike], session)

    def passages(document: str) -> NDArray[np.int64]:
        row = found.get(document)
        numbers = snapshot.passages_of(row.id) if row else np.zeros(0, np.int64)
        if not len(numbers):
            raise InvalidSteering(
                f"There is no document {document[:100]!r} with text in {snapshot.collection!r}.",
                hint="Give documents by the ids that results carry; ids are case-sensitive.",
            )
        return numbers

    like, unlike = ([passages(document) for document in ids] for ids in (examples.like, examples.unlike))
    return concept_from_examples(_name(examples, found), like, unlike, snapshot.acts_NF)


def _name(examples: ExamplesTarget, found: Mapping[str, DocumentRow]) -> str:
    """Names examples by their titles: `like "A" and 2 more, unlike "B"`."""

    def named(ids: tuple[str, ...]) -> str:
        title = found[ids[0]].title or ids[0]
        return f"“{title}”" + (f" and {len(ids) - 1} more" if len(ids) > 1 else "")

    unlike = f", unlike {named(examples.unlike)}" if examples.unlike else ""
    return f"like {named(examples.like)}{unlike}"
