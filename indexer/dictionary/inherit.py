"""Dictionaries inherit: from the one that ships, and from earlier ones whose features keep their numbers."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from search.db.models import DictionaryRow
from search.dictionary.artifact import Shipped, shipped
from search.dictionary.autoencoder import Dictionary


def adapted_from(dictionary: Dictionary) -> Shipped | None:
    """Finds the shipped dictionary that a dictionary was made from; None if another one ships now."""
    base = shipped(dictionary.card.model)
    return base if base and base.sha256 == dictionary.card.training.adapted_from else None


def same_numbers(dictionary: DictionaryRow, rows: Iterable[DictionaryRow]) -> dict[int, int]:
    """Finds the dictionaries that number their features as one does, that one too: how many features each
    has."""

    def is_part(of: DictionaryRow, number: int) -> bool:
        alias = of.card.aliases.get(number)
        return alias is not None and alias.dictionary == of.id

    return {
        row.id: row.card.features
        for row in rows
        if row.id == dictionary.id or is_part(dictionary, row.id) or is_part(row, dictionary.id)
    }


def lock_dictionaries(session: Session, collection: int) -> list[DictionaryRow]:
    """Reads and locks the dictionaries of a collection. Until the transaction ends, no label of theirs is
    edited elsewhere and no build goes live."""
    rows = select(DictionaryRow).where(DictionaryRow.collection_id == collection).order_by(DictionaryRow.id)
    locked = rows.with_for_update(key_share=True).options(defer(DictionaryRow.weights))
    return list(session.scalars(locked.execution_options(populate_existing=True)))
