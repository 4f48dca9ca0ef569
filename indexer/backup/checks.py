"""The values of a dump are checked again when it is restored: somebody may have edited it by hand.

COPY takes whatever fits a column's type. What the program relies on besides is looked at here, in the tables
of today, before anything is made of it: a number of a feature that there is not would end the process that
reads it. What only a later version forbids passes, so that no dump of an earlier one is lost.

Shape suffixes: N passages, D embedding width, K active features.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from indexer.sources.document import is_link
from search.db.lookup import COLLECTION_NAME
from search.db.models import DictionaryRow, FamilyRow, GenerationRow, PassageRow, PresetRow
from search.db.recipe import IndexKind
from search.dictionary.autoencoder import Dictionary
from search.errors import DictionaryError, InvalidRequest
from search.query.steering import parse

SCOPES = ("search", "write", "admin")
ROWS = 2000
ODD_ROWS = {
    "a collection's name": f"SELECT name FROM collections WHERE name !~ '^{COLLECTION_NAME.pattern}$'",
    "a collection's title": "SELECT left(title, 40) FROM collections WHERE title ~ '[[:cntrl:]]'",
    "a collection's description": """
        SELECT left(description, 40) FROM collections WHERE description ~ '[[:cntrl:]]'""",
    "a generation that is not live": """
        SELECT id FROM generations WHERE state <> 'live' OR dictionary_id IS NULL""",
    "a generation with another collection's dictionary": """
        SELECT g.id FROM generations AS g JOIN dictionaries AS d ON d.id = g.dictionary_id
        WHERE d.collection_id <> g.collection_id""",
    "a number of passages": """
        SELECT g.id FROM generations AS g LEFT JOIN (
            SELECT generation_id, count(*) AS n, min(id) AS first, max(id) AS last FROM passages
            GROUP BY generation_id) AS p ON p.generation_id = g.id
        WHERE coalesce(g.passages, -1) NOT BETWEEN 0 AND coalesce(n, 0) OR first <> 0 OR last <> n - 1""",
    "a place in a document": """
        SELECT p.generation_id || '/' || p.id FROM passages AS p
        JOIN generations AS g ON g.id = p.generation_id
        JOIN (SELECT id, collection_id, char_length(text) AS letters FROM documents OFFSET 0) AS d
            ON d.id = p.document_id
        WHERE d.collection_id <> g.collection_id OR p.start < 0 OR p.stop < p.start OR p.stop > letters""",
    "a document's id": "SELECT left(external_id, 40) FROM documents WHERE external_id = ''",
    "a document's metadata": "SELECT external_id FROM documents WHERE jsonb_typeof(meta) <> 'object'",
    "a key's scope": "SELECT scope FROM keys WHERE scope <> ALL(:scopes)",
    "the weights of a family": """
        SELECT family FROM families WHERE cardinality(features) <> cardinality(weights)
            OR array_position(features, NULL) IS NOT NULL OR array_position(weights, NULL) IS NOT NULL
            OR array_position(weights, 'NaN') IS NOT NULL""",
    "a judgement": """
        SELECT left(question, 40) FROM judgements
        WHERE question = '' OR document = '' OR judge = '' OR octet_length(question_key) <> 32""",
    "a repair": """
        SELECT left(says::text, 40) FROM repairs WHERE jsonb_typeof(says) <> 'object' OR created_by = ''
            OR (kind IN ('pinned', 'keyword') AND coalesce(says ->> 'document', '') = '')
            OR (kind = 'pinned' AND coalesce(says ->> 'question', '') = '')
            OR (kind IN ('same_words', 'keyword') AND jsonb_typeof(says -> 'words') IS DISTINCT FROM 'array')
            OR (kind = 'knob' AND jsonb_typeof(says -> 'feature') IS DISTINCT FROM 'number')""",
    "a confidence": "SELECT confidence FROM feature_matches WHERE NOT confidence BETWEEN -.1 AND 1.1",
}
"""Statements that find what must not be there, by what it is."""

ODD_FEATURES = {
    "features": "SELECT feature FROM features WHERE dictionary_id = :id AND NOT feature BETWEEN 0 AND :last",
    "families": """
        SELECT f FROM families, unnest(features) AS f
        WHERE dictionary_id = :id AND NOT f BETWEEN 0 AND :last""",
    "feature_matches": """
        SELECT feature FROM feature_matches WHERE dictionary_id = :id AND NOT feature BETWEEN 0 AND :last""",
}


class _FirstBuild(BaseModel):
    """What a collection may say of its first build."""

    model_config = ConfigDict(extra="forbid", strict=True)

    passage_tokens: int | None = None
    index: IndexKind | None = None


def find_odd(session: Session, *, embeddings: bool) -> str:
    """Says what of the restored rows no Refract writes, in words; "" where all is as it should be. Without
    `embeddings` those are still to be made."""
    return next(_odd(session, embeddings), "")


def _odd(session: Session, embeddings: bool) -> Iterator[str]:
    for what, statement in ODD_ROWS.items():
        values = {"scopes": list(SCOPES)} if ":scopes" in statement else {}
        if (found := session.execute(text(f"{statement} LIMIT 1"), values).first()) is not None:
            yield f"{what} is {found[0]!r}"
    yield from _odd_links(session)
    yield from _odd_builds(session)
    dictionaries = dict[int, Dictionary]()
    for row in session.scalars(select(DictionaryRow)):
        try:
            dictionaries[row.id] = Dictionary.from_bytes(row.weights, row.card)
        except (DictionaryError, ValidationError) as error:
            yield f"a dictionary: {str(error).splitlines()[0]}"
            return
        yield from _odd_features(session, row.id, dictionaries[row.id].features)
    yield from _odd_families(session)
    yield from _odd_presets(session)
    for generation in session.scalars(select(GenerationRow)) if embeddings else []:
        yield from _odd_passages(session, generation.id, dictionaries[generation.dictionary_id or 0])


def _odd_links(session: Session) -> Iterator[str]:
    statement = text("SELECT url FROM documents WHERE url IS NOT NULL")
    with session.execute(statement, execution_options={"yield_per": ROWS}) as links:
        yield from (f"a link is {url[:80]!r}" for (url,) in links if not is_link(url))


def _odd_builds(session: Session) -> Iterator[str]:
    for asked in session.execute(text("SELECT first_build FROM collections")).scalars():
        try:
            _FirstBuild.model_validate(asked)
        except ValidationError:
            yield f"a first build is {str(asked)[:80]!r}"


def _odd_features(session: Session, dictionary: int, features: int) -> Iterator[str]:
    for table, statement in ODD_FEATURES.items():
        values = {"id": dictionary, "last": features - 1}
        if (found := session.execute(text(f"{statement} LIMIT 1"), values).first()) is not None:
            yield f"{table} name feature {found[0]} of {features:,}"


def _odd_families(session: Session) -> Iterator[str]:
    """A family is part of another one of the same dictionary, and none of itself."""
    columns = (FamilyRow.dictionary_id, FamilyRow.family, FamilyRow.parent)
    parents = {
        (dictionary, family): parent for dictionary, family, parent in session.execute(select(*columns))
    }
    for (dictionary, family), parent in parents.items():
        steps = 0
        while parent is not None:
            if (dictionary, parent) not in parents or steps > len(parents):
                yield f"family {family} is part of {parent}"
                return
            parent, steps = parents[dictionary, parent], steps + 1


def _odd_presets(session: Session) -> Iterator[str]:
    for preset in session.scalars(select(PresetRow)):
        try:
            parse(preset.steering)
        except InvalidRequest as error:
            yield f"the preset {preset.name[:40]!r}: {error.message}"


def _odd_passages(session: Session, generation: int, dictionary: Dictionary) -> Iterator[str]:
    columns = (PassageRow.embedding, PassageRow.feature_ids, PassageRow.activations)
    statement = select(*columns).where(PassageRow.generation_id == generation).order_by(PassageRow.id)
    with session.execute(statement, execution_options={"yield_per": ROWS}) as rows:
        for number, part in enumerate(rows.partitions()):
            where = f"of passages from {number * ROWS} on in generation {generation}"
            yield from (f"{odd} {where}" for odd in _odd_vectors(part, dictionary))


def _odd_vectors(part: Sequence[Any], dictionary: Dictionary) -> Iterator[str]:
    active = dictionary.card.active
    sizes = {"embedding": 2 * dictionary.width, "feature_ids": 4 * active, "activations": 4 * active}
    for name, size in sizes.items():
        if any(len(getattr(row, name) or b"") != size for row in part):
            yield f"{name} is of another size"
            return
    x_ND, ids_NK, values_NK = (
        np.frombuffer(b"".join(getattr(row, name) for row in part), kind)
        for name, kind in zip(sizes, (np.float16, np.int32, np.float32), strict=True)
    )
    if not (np.isfinite(x_ND).all() and np.isfinite(values_NK).all() and (values_NK >= 0).all()):
        yield "a number is none"
    if ((ids_NK < 0) | (ids_NK >= dictionary.features)).any():
        yield f"a feature is beyond the {dictionary.features:,} of its dictionary"
