"""What a labeller works on: the live generation of a collection, without its texts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, defer

from search.db import open_session
from search.dictionary import Dictionary
from search.labels import Label, read_labels
from search.models import DictionaryRow, Generation
from search.passages import read_passages
from search.stored import live_generation, read_activations, read_embeddings
from search.visible import visible_numbers

EXCERPT = 300
TITLE = 80

ReadTexts = Callable[[Iterable[int]], dict[int, str]]


@dataclass(frozen=True, eq=False)
class Material:
    """A live generation: `x_ND` the embeddings of its visible passages, `acts_NF` their activations,
    `number_N` their numbers in it, the labels of its dictionary, and `lineage`, which says whose feature
    numbers these are (see `lineage`)."""

    collection: str
    collection_id: int
    generation: int
    dictionary_id: int
    dictionary: Dictionary
    lineage: str
    labels: list[Label]
    x_ND: NDArray[np.float16]
    acts_NF: csr_matrix
    number_N: NDArray[np.int64]


def lineage(card: dict[str, Any]) -> str:
    """What dictionaries whose features have the same numbers have in common: the SHA-256 of the one that they
    were adapted from, or of their own names; else a dictionary's own."""
    training = card["training"]
    return str(training.get("lineage") or training.get("adapted_from") or card["sha256"])


def live_and_own(session: Session, generation: Generation) -> tuple[DictionaryRow | None, DictionaryRow]:
    """The dictionary of the collection's live generation, if there is one, and that of this generation."""
    live = session.scalar(
        select(DictionaryRow)
        .join(Generation, Generation.dictionary_id == DictionaryRow.id)
        .where(Generation.collection_id == generation.collection_id, Generation.state == "live")
    )
    return live, session.get_one(DictionaryRow, generation.dictionary_id)


def lock_dictionaries(session: Session, collection: int) -> list[DictionaryRow]:
    """The dictionaries of a collection, as they are now. Until the transaction ends, no label of theirs is
    edited elsewhere and no build goes live."""
    rows = select(DictionaryRow).where(DictionaryRow.collection_id == collection).order_by(DictionaryRow.id)
    locked = rows.with_for_update(key_share=True).options(defer(DictionaryRow.weights))
    return list(session.scalars(locked.execution_options(populate_existing=True)))


def read_material(session: Session, collection: str) -> Material:
    """Reads the live generation of a collection.

    Raises:
        CollectionNotFound, NotIndexed
    """
    generation = live_generation(session, collection)
    row = session.get_one(DictionaryRow, generation.dictionary_id)
    dictionary = Dictionary.from_bytes(row.weights, row.card)
    document_M, acts_MF = read_activations(session, generation.id, dictionary)
    number_N = visible_numbers(session, generation, document_M)
    return Material(
        collection,
        generation.collection_id,
        generation.id,
        row.id,
        dictionary,
        lineage(row.card),
        read_labels(session, row.id, dictionary),
        read_embeddings(session, generation.id)[number_N],
        acts_MF[number_N],
        number_N,
    )


def text_reader(database: Engine, material: Material) -> ReadTexts:
    """Reads the excerpts of some passages by their row, in a transaction of its own each time. Passages of a
    generation that was dropped meanwhile are missing."""

    def read(passages: Iterable[int]) -> dict[int, str]:
        numbers = {int(material.number_N[passage]): passage for passage in passages}
        with open_session(database) as session:
            rows = read_passages(session, material.generation, numbers)
        return {
            numbers[number]: excerpt(row.document.title, row.passage.text) for number, row in rows.items()
        }

    return read


def excerpt(title: str, text: str) -> str:
    """The beginning of a passage, on one line, with its document's title in front."""
    whole = " ".join(f"{title[:TITLE]}: {text}".split()).removeprefix(": ")
    return whole if len(whole) <= EXCERPT else whole[: EXCERPT - 1] + "…"
