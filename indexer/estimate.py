"""What a new generation costs is estimated before it is built: how much is embedded anew, for how long, where
the texts go, and what it takes up."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from indexer.build.catch_up import count_pending
from indexer.build.passage_rows import SAME_SPACE, space_values
from indexer.dictionary.naming import ACTIVE, CANDIDATES, known_dictionary
from indexer.pipeline import embedder_for
from indexer.stats import generation_sizes
from search.db.lookup import find_collection, live_of
from search.db.models import CollectionRow, DocumentRow, GenerationRow
from search.dictionary.lexicon import general_lexicon
from search.embedding.embedder import Embedder, EndpointEmbedder
from search.embedding.endpoint import AT_ONCE, FOR_QUESTIONS, TEXTS
from search.embedding.splitter import TARGET_TOKENS

TRIED = 16
NAMES_TRIED = 64
"""So many passages and names are embedded to see how long all will take."""

CHARACTERS_A_TOKEN = 4
FILLED = 0.7
"""So full passages are on the average, of the tokens that they may have."""

TOKENS_A_NAME = 4
EMBEDDING = "embedding passages"


class Estimate(BaseModel):
    """Says what a new generation would cost, about.

    `embedded`: passages whose vectors are not known yet, of all `passages`; `names`: names of topics that are
    embedded besides; `tokens`: of both. `seconds`: the whole build, as fast as embedding was just measured.
    `disk` and `memory`: bytes it takes up beside the live generation; `model_memory`: bytes of the model.
    `sent_to`: the endpoint that gets the texts; None: they stay on this machine.
    """

    model: str
    dimensions: int
    passages: int
    embedded: int
    names: int
    tokens: int
    seconds: float
    disk: int
    memory: int
    model_memory: int
    sent_to: str | None = None

    @property
    def texts(self) -> int:
        return self.embedded + self.names


@dataclass(frozen=True)
class _Passages:
    """Holds how many passages there will be, how many of them are embedded anew, and the characters of all
    documents."""

    all: int
    fresh: int
    characters: int


def estimate(
    database: Engine,
    data: Path,
    name: str,
    *,
    model: str | None = None,
    dimensions: int | None = None,
    passage_tokens: int | None = None,
) -> Estimate:
    """Estimates what `reindex` would cost with the same arguments. An endpoint gets no text of the collection
    for it.

    Raises:
        CollectionNotFound, ConfigurationError, InvalidRequest: no such collection, model or width.
        ModelUnavailable: the model's endpoint does not answer as it should.
    """
    with Session(database) as session:
        collection = find_collection(session, name)
        embedder = embedder_for(session, collection, model, dimensions)
        live = live_of(session, collection.id)
        most = passage_tokens or _passage_tokens(collection, live)
        found = _passages(session, collection, live, embedder, min(most, embedder.max_tokens))
        names = _names(embedder, data, found.all)
        tried = _tried(session, collection, CHARACTERS_A_TOKEN * most) if found.fresh else []
        rest = sum(live.timings.values()) - live.timings.get(EMBEDDING, 0.0) if live else 0.0
        disk = _disk(session, data, collection, live, embedder, found.all)
    characters = found.characters * found.fresh / max(found.all, 1)
    return Estimate(
        model=embedder.space.model,
        dimensions=embedder.width,
        passages=found.all,
        embedded=found.fresh,
        names=names,
        tokens=round(characters / CHARACTERS_A_TOKEN) + TOKENS_A_NAME * names,
        seconds=rest + _seconds(embedder, tried, found.fresh, names),
        disk=disk,
        memory=found.all * (2 * embedder.width + 24 * ACTIVE),
        model_memory=embedder.bytes,
        sent_to=embedder.endpoint.address if isinstance(embedder, EndpointEmbedder) else None,
    )


def _passage_tokens(collection: CollectionRow, live: GenerationRow | None) -> int:
    asked = live.recipe.passage_tokens if live else collection.first_build.get("passage_tokens")
    return asked or TARGET_TOKENS


def _passages(
    session: Session, collection: CollectionRow, live: GenerationRow | None, embedder: Embedder, most: int
) -> _Passages:
    """Counts the passages where they stay as they are; else so long ones that the documents will have."""
    current = (DocumentRow.collection_id == collection.id, DocumentRow.superseded.is_(None))
    size = select(func.count(), func.coalesce(func.sum(func.char_length(DocumentRow.text)), 0))
    documents, characters = session.execute(size.where(*current)).one()
    if live and most == min(live.recipe.passage_tokens, live.recipe.max_tokens):
        there, fresh = _counted(session, live, embedder)
        added = count_pending(session, live)
        added *= math.ceil(there / max(documents - added, 1))
        return _Passages(there + added, fresh + added, characters)
    full = math.ceil(characters / (FILLED * CHARACTERS_A_TOKEN * most))
    return _Passages(max(documents, full), max(documents, full), characters)


def _counted(session: Session, live: GenerationRow, embedder: Embedder) -> tuple[int, int]:
    """Counts the passages that searches see, and their texts that no generation has in this space."""
    found = session.execute(
        text(
            f"""
            SELECT count(*), count(DISTINCT p.sha256) FILTER (WHERE known.sha256 IS NULL)
            FROM passages AS p
            JOIN documents AS d ON d.id = p.document_id AND d.superseded IS NULL
            LEFT JOIN (
                SELECT DISTINCT k.sha256 FROM passages AS k JOIN generations AS g ON g.id = k.generation_id
                WHERE g.collection_id = :collection AND k.embedding IS NOT NULL AND {SAME_SPACE}
            ) AS known ON known.sha256 = p.sha256
            WHERE p.generation_id = :live
            """
        ),
        {"collection": live.collection_id, "live": live.id, **space_values(embedder.space)},
    ).one()
    return int(found[0]), int(found[1])


def _names(embedder: Embedder, data: Path, passages: int) -> int:
    """Counts the names that are embedded: those of the texts, and all others where the model is new here."""
    own = min(CANDIDATES, 50 + passages // 2)
    known = known_dictionary(embedder, data / "dictionaries") is not None
    return own if known else own + len(general_lexicon().groups)


def _tried(session: Session, collection: CollectionRow, characters: int) -> list[str]:
    """Some beginnings of documents, as long as a passage, in an order that says nothing about them."""
    current = (DocumentRow.collection_id == collection.id, DocumentRow.superseded.is_(None))
    beginnings = select(func.left(DocumentRow.text, characters)).where(*current)
    return list(session.scalars(beginnings.order_by(DocumentRow.sha256).limit(TRIED)))


def _seconds(embedder: Embedder, tried: list[str], passages: int, names: int) -> float:
    """How long embedding takes, by what some texts take now; an endpoint is asked for a word only."""
    if isinstance(embedder, EndpointEmbedder):
        started = time.perf_counter()
        embedder.endpoint.embed(["width"], FOR_QUESTIONS)
        requests = math.ceil(passages / TEXTS) + math.ceil(names / TEXTS)
        return requests * (time.perf_counter() - started) / AT_ONCE
    groups = general_lexicon().groups
    named = [group[0] for group in groups[:: max(len(groups) // NAMES_TRIED, 1)]]
    return _measured(embedder, tried, passages) + _measured(embedder, named, names)


def _measured(embedder: Embedder, tried: Sequence[str], texts: int) -> float:
    if not tried or not texts:
        return 0.0
    embedder.encode(tried[:1])  # the first one takes longer
    started = time.perf_counter()
    embedder.encode(tried)
    return texts * (time.perf_counter() - started) / len(tried)


def _disk(
    session: Session,
    data: Path,
    collection: CollectionRow,
    live: GenerationRow | None,
    embedder: Embedder,
    passages: int,
) -> int:
    """How many bytes passages take up: as those of the live generation do, but for the width of a vector,
    which is stored twice in two bytes a number."""
    a_passage = 12 * ACTIVE + 200.0
    if live and live.passages:
        size = generation_sizes(session, data, collection.id)[live.id]
        a_passage = size / live.passages - 4 * _width(session, live)
    return round(passages * max(a_passage + 4 * embedder.width, 0.0))


def _width(session: Session, live: GenerationRow) -> int:
    """How wide the vectors of a generation are."""
    size = text("SELECT octet_length(embedding) / 2 FROM passages WHERE generation_id = :live LIMIT 1")
    return session.scalar(size, {"live": live.id}) or 0
