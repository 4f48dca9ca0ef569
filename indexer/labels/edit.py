"""A label by hand is another name for a feature, which always wins.

A label is written into every dictionary of the collection with the same features, so that it outlives a
rollback, and a build that is about to go live.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, delete, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.dictionary.inherit import lock_dictionaries, same_numbers
from indexer.labels.file_format import LabelLine, clean_label
from search.db.lookup import find_collection, live_generation
from search.db.models import DictionaryRow, FeatureRow
from search.dictionary.autoencoder import FeatureNames
from search.dictionary.labels import Label, read_labels, unwritten_labels
from search.errors import FeatureNotFound, LabelError

HAND = "hand"
"""The origin of a label by hand."""


@dataclass(frozen=True)
class Change:
    """Says what a feature was called, and what it is called now."""

    feature: int
    old: Label
    new: Label


@dataclass(frozen=True)
class HandLabel:
    """Holds a label by hand; `name` is what its feature was made from, empty if it was made from none."""

    feature: int
    name: str
    label: str


def edit_label(database: Engine, collection: str, feature: int, text: str | None) -> Change:
    """Writes the label of a feature; without a text the label is taken away, and the name stands again.

    Raises:
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation.
        FeatureNotFound: there is no such feature.
        LabelError: the text is empty, too long, or holds control characters; or there is no label by hand to
            take away.
    """
    label = None if text is None else clean_label(text)
    with Session(database) as session:
        live = _Live.locked(session, collection)
        if not 0 <= feature < live.dictionary.features:
            raise FeatureNotFound(
                f"There is no feature {feature}.",
                hint=f"Features are numbered 0 to {live.dictionary.features - 1}.",
            )
        old = live.labels[feature]
        if label is None and old.origin != HAND:
            raise LabelError(
                f"The label of feature {feature}, {old.text!r}, was not written by hand.",
                hint="Write another one over it.",
            )
        live.write(session, {feature: label})
        record(session, "label.write", collection, feature=feature, label=label)
        session.commit()
        return Change(feature, old, live.called(feature, label))


def list_hand_labels(session: Session, collection: str) -> list[HandLabel]:
    """Lists the labels by hand of a collection, by feature.

    Raises:
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation.
    """
    number = live_generation(session, collection).dictionary_id
    row = session.get_one(DictionaryRow, number)
    dictionary = FeatureNames.from_bytes(row.weights, row.card)
    return [
        HandLabel(feature, dictionary.names[feature][0] if dictionary.names else "", label.text)
        for feature, label in enumerate(read_labels(session, number, dictionary))
        if label.origin == HAND
    ]


def import_labels(
    database: Engine, collection: str, lines: Iterable[LabelLine], *, dry_run: bool = False
) -> list[Change]:
    """Writes all labels of a file by hand, or none; gives what changes. With `dry_run` it only says so.

    Raises:
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation.
        LabelError: a line is about a feature that there is not, or that another line is about.
    """
    with Session(database) as session:
        live = _Live.locked(session, collection)
        given = live.features(lines)
        changes = [
            Change(feature, live.labels[feature], live.called(feature, text))
            for feature, text in sorted(given.items())
        ]
        changes = [
            change for change in changes if (change.old.text, change.old.origin) != (change.new.text, HAND)
        ]
        if changes and not dry_run:
            live.write(session, {change.feature: change.new.text for change in changes})
            record(session, "label.import", collection, labels=len(changes))
            session.commit()
        return changes


def write_label(session: Session, dictionary: int, feature: int, text: str) -> None:
    """Writes a label by hand into one dictionary (not committed)."""
    values = {"label": text, "score": None, "reliable": True, "origin": HAND}
    row = upsert(FeatureRow).values(dictionary_id=dictionary, feature=feature, **values)
    session.execute(row.on_conflict_do_update(index_elements=["dictionary_id", "feature"], set_=values))


def clear_label(session: Session, dictionary: int, feature: int) -> None:
    """Takes what was written over a feature's name in one dictionary away (not committed)."""
    session.execute(
        delete(FeatureRow).where(FeatureRow.dictionary_id == dictionary, FeatureRow.feature == feature)
    )


@dataclass(frozen=True, eq=False)
class _Live:
    """Holds the names of the live dictionary of a collection, its labels, and how many features each
    dictionary has that numbers them as it does."""

    dictionary: FeatureNames
    labels: list[Label]
    same: dict[int, int]

    @classmethod
    def locked(cls, session: Session, collection: str) -> "_Live":
        """Reads and locks them, until the transaction ends."""
        rows = lock_dictionaries(session, find_collection(session, collection).id)
        row = session.get_one(DictionaryRow, live_generation(session, collection).dictionary_id)
        dictionary = FeatureNames.from_bytes(row.weights, row.card)
        return cls(dictionary, read_labels(session, row.id, dictionary), same_numbers(row, rows))

    def called(self, feature: int, text: str | None) -> Label:
        """Says what a feature is called with a label by hand, or without."""
        if text is None:
            return unwritten_labels(self.dictionary)[feature]
        return Label(text, None, reliable=True, origin=HAND)

    def write(self, session: Session, labels: dict[int, str | None]) -> None:
        """Writes labels, or takes those that are None away (not committed)."""
        for dictionary, features in self.same.items():
            for feature, text in labels.items():
                if feature >= features:
                    continue
                if text is None:
                    clear_label(session, dictionary, feature)
                else:
                    write_label(session, dictionary, feature, text)
        version = DictionaryRow.labels_version + 1
        same = DictionaryRow.id.in_(self.same)
        session.execute(update(DictionaryRow).where(same).values(labels_version=version))

    def features(self, lines: Iterable[LabelLine]) -> dict[int, str]:
        """Finds the features that some lines are about, with their labels."""
        number = {group[0].casefold(): feature for feature, group in enumerate(self.dictionary.names)}
        given: dict[int, LabelLine] = {}
        for line in lines:
            feature = self._feature(line, number)
            if feature in given:
                raise LabelError(
                    f"{line.where}: feature {feature} has a label in {given[feature].where} already.",
                    hint="Keep one of the two lines.",
                )
            given[feature] = line
        return {feature: line.label for feature, line in given.items()}

    def _feature(self, line: LabelLine, number: dict[str, int]) -> int:
        if isinstance(line.feature, str):
            found = number.get(line.feature.casefold())
            if found is None:
                raise LabelError(
                    f"{line.where}: no feature of this collection has the name {line.feature!r}.",
                    hint="Take the line away, or give a name that refract labels export or /features shows.",
                )
            return found
        if not 0 <= line.feature < self.dictionary.features:
            raise LabelError(
                f"{line.where}: there is no feature {line.feature}.",
                hint=f"They are numbered 0 to {self.dictionary.features - 1}.",
            )
        return line.feature
