"""The rows of a generation's passages are planned first and filled in later.

Shape suffixes: N passages, D embedding width, F features.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from search.db.connection import among, driver
from search.db.models import DocumentRow, GenerationRow, PassageRow
from search.db.recipe import Recipe
from search.dictionary.autoencoder import Activations, Dictionary
from search.embedding.embedder import VectorSpace
from search.embedding.splitter import PassageSplitter, embedded_text

READ_DOCUMENTS = 500
LOOKED_UP = 500

PassageValues = tuple[int, int, int, bytes, bytes, bytes, bytes]
"""Document, start, end, hash of its text, embedding, feature ids, activations."""


SAME_SPACE = """
    g.recipe ->> 'model' = :model AND g.recipe ->> 'precision' = :precision
    AND COALESCE(g.recipe ->> 'passage_prompt', '') = :prompt
    AND COALESCE((g.recipe ->> 'dimensions')::int, 0) = :dimensions
    AND COALESCE((g.recipe ->> 'width')::int, 0) = :width
"""
"""Says in SQL that passages of a generation `g` are embedded as those of the recipe that `space_values` was
given."""


def space_values(space: Recipe | VectorSpace) -> dict[str, str | int]:
    """What `SAME_SPACE` compares with."""
    return {
        "model": space.model,
        "precision": space.precision,
        "prompt": space.passage_prompt,
        "dimensions": space.dimensions,
        "width": space.width,
    }


def create_partition(session: Session, generation: int) -> None:
    """Makes the generation's partition. It is made as a table of its own and then attached, which waits for
    no reader of `passages` and holds none up; a partition made in place would do both."""
    name = f"passages_{generation}"
    session.execute(text(f"CREATE TABLE {name} (LIKE passages INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    session.execute(text(f"ALTER TABLE passages ATTACH PARTITION {name} FOR VALUES IN ({generation})"))


def plan_passages(
    session: Session,
    generation: GenerationRow,
    splitter: PassageSplitter,
    on_documents: Callable[[int], None],
) -> int:
    """Makes a row for each passage of the generation's documents; gives their number."""
    columns = "generation_id, id, document_id, start, stop, sha256"
    documents = session.execute(
        select(DocumentRow.id, DocumentRow.title, DocumentRow.text)
        .where(
            DocumentRow.collection_id == generation.collection_id,
            DocumentRow.seq <= generation.seq,
            or_(DocumentRow.superseded.is_(None), DocumentRow.superseded > generation.seq),
        )
        .order_by(DocumentRow.id),
        execution_options={"yield_per": READ_DOCUMENTS},
    )
    planned = 0
    for chunk in documents.partitions():
        rows = [
            (generation.id, planned + number, *row)
            for number, row in enumerate(
                (document.id, *row)
                for document in chunk
                for row in passages_of(document.title, document.text, splitter)
            )
        ]
        copy_rows(session, f"COPY passages ({columns}) FROM STDIN", rows)
        planned += len(rows)
        on_documents(len(chunk))
    return planned


def take_over_embeddings(session: Session, generation: GenerationRow) -> None:
    """Copies embeddings of equal text in the same vector space from earlier generations of the collection."""
    session.execute(
        text(
            f"""
            UPDATE passages AS fresh SET embedding = kept.embedding
            FROM (
                SELECT DISTINCT ON (p.sha256) p.sha256, p.embedding
                FROM passages AS p JOIN generations AS g ON g.id = p.generation_id
                WHERE g.collection_id = :collection AND g.id <> :generation AND p.embedding IS NOT NULL
                  AND {SAME_SPACE}
            ) AS kept
            WHERE fresh.generation_id = :generation AND fresh.sha256 = kept.sha256
            """
        ),
        {
            "collection": generation.collection_id,
            "generation": generation.id,
            **space_values(generation.recipe),
        },
    )


def share_embeddings(session: Session, generation: int) -> None:
    """Gives passages that say the same the embedding that one of them has."""
    session.execute(
        text(
            """
            UPDATE passages AS fresh SET embedding = kept.embedding
            FROM (
                SELECT DISTINCT ON (sha256) sha256, embedding FROM passages
                WHERE generation_id = :generation AND embedding IS NOT NULL
                  AND sha256 IN (SELECT sha256 FROM passages
                                 WHERE generation_id = :generation AND embedding IS NULL)
            ) AS kept
            WHERE fresh.generation_id = :generation AND fresh.embedding IS NULL AND fresh.sha256 = kept.sha256
            """
        ),
        {"generation": generation},
    )


def fill(session: Session, generation: int, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Sets binary columns of planned rows; each row is (passage, value, ...)."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.filled"))
    typed = ", ".join(f"{column} bytea" for column in columns)
    session.execute(text(f"CREATE TEMPORARY TABLE filled (id integer, {typed}) ON COMMIT DROP"))
    copy_rows(session, f"COPY filled (id, {', '.join(columns)}) FROM STDIN", rows)
    assigned = ", ".join(f"{column} = filled.{column}" for column in columns)
    session.execute(
        text(
            f"UPDATE passages SET {assigned} FROM filled "
            "WHERE passages.generation_id = :generation AND passages.id = filled.id"
        ),
        {"generation": generation},
    )


def read_passages(session: Session, generation: int, ids: Sequence[int], *columns: Any) -> Iterator[Any]:
    """Reads columns of some passages, by number, a batch at a time."""
    for start in range(0, len(ids), LOOKED_UP):
        these = among(PassageRow.id, ids[start : start + LOOKED_UP])
        chosen = select(*columns).where(PassageRow.generation_id == generation, these)
        yield from session.execute(chosen.order_by(PassageRow.id))


def passage_embeddings(session: Session, generation: int, ids: Sequence[int]) -> NDArray[np.float16]:
    """Reads the embeddings (N, D) of some passages; `ids` ascend."""
    rows = [row[0] for row in read_passages(session, generation, ids, PassageRow.embedding)]
    return np.frombuffer(b"".join(rows), dtype=np.float16).reshape(len(rows), -1 if rows else 0)


def passage_activations(
    session: Session, generation: int, ids: Sequence[int], dictionary: Dictionary
) -> csr_matrix:
    """Reads the activations (N, F) of some passages; `ids` ascend."""
    columns = (PassageRow.feature_ids, PassageRow.activations)
    rows = read_passages(session, generation, ids, *columns)
    parts = [csr_matrix((0, dictionary.features), dtype=np.float32)]
    while block := list(itertools.islice(rows, LOOKED_UP)):
        active_ids, values = zip(*block, strict=True)
        acts = Activations.from_bytes(active_ids, values, dictionary.card.active)
        parts.append(acts.matrix(dictionary.features))
    return vstack(parts, format="csr")


def passage_texts(session: Session, generation: int, ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Reads (passage, title, text) of some passages in the order of `ids`."""
    parts = (ids[start : start + LOOKED_UP] for start in range(0, len(ids), LOOKED_UP))
    return [row for part in parts for row in _texts(session, generation, part)]


def _texts(session: Session, generation: int, ids: Sequence[int]) -> list[tuple[int, str, str]]:
    columns = (PassageRow.id, PassageRow.document_id, PassageRow.start, PassageRow.end)
    spans = {row[0]: row for row in read_passages(session, generation, ids, *columns)}
    wanted = {document for _, document, _, _ in spans.values()}
    # Whole documents, each once: Postgres would unpack a long text anew for each of its passages.
    texts = {
        row[0]: row
        for row in session.execute(
            select(DocumentRow.id, DocumentRow.title, DocumentRow.text).where(among(DocumentRow.id, wanted))
        )
    }
    return [
        (passage, texts[document][1], texts[document][2][start:end])
        for passage, document, start, end in (spans[passage] for passage in ids)
    ]


def copy_rows(session: Session, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Runs a COPY ... FROM STDIN in the session's transaction."""
    with driver(session.connection()).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def passages_of(title: str, body: str, splitter: PassageSplitter) -> Iterator[tuple[int, int, bytes]]:
    """Splits a document into passages, each (start, end, hash of what is embedded)."""
    clipped = splitter.clip_title(title)
    for span in splitter.split(body, title):
        embedded = embedded_text(clipped, body[span.start : span.end])
        yield span.start, span.end, hashlib.sha256(embedded.encode()).digest()


def add_passages(session: Session, generation: int, first: int, rows: Iterable[PassageValues]) -> None:
    """Adds whole passages, numbered from `first` on."""
    columns = "generation_id, id, document_id, start, stop, sha256, embedding, feature_ids, activations"
    numbered = ((generation, first + place, *row) for place, row in enumerate(rows))
    copy_rows(session, f"COPY passages ({columns}) FROM STDIN", numbered)
