"""Reads repairs: what people have put right where searches failed, as a collection holds it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal, get_args

from sqlalchemy import any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session

from search.db.models import DocumentRow, RepairRow
from search.embedding.words import stems
from search.query.question_key import question_key
from search.query.steering import Strength

RepairKind = Literal["pinned", "same_words", "keyword", "knob"]
KINDS: tuple[RepairKind, ...] = get_args(RepairKind)
IN_SEARCHES = ("pinned", "same_words", "keyword")
"""Kinds that act on a search by themselves; a knob does as part of the default preset."""

EMPTY = (None, "", ())


@dataclass(frozen=True)
class Repair:
    """Says what is put right. By its kind: a `document` stands first for a `question`; two `words` count as
    each other; a `document` counts as saying `words`; a `feature` (a number of `dictionary`) is turned by
    `strength` in every search that names no steering: as part of the default `preset`, in which it was turned
    `before` or not. Documents are named by the id that their user gave."""

    kind: RepairKind
    question: str = ""
    document: str = ""
    words: tuple[str, ...] = ()
    feature: int | None = None
    strength: float | None = None
    dictionary: int | None = None
    preset: str = ""
    before: Strength | None = None

    @classmethod
    def of(cls, kind: RepairKind, says: Mapping[str, Any]) -> "Repair":
        """Reads it as it is stored."""
        known = {each.name for each in fields(cls)} - {"kind", "words"}
        given = {name: value for name, value in says.items() if name in known}
        return cls(kind, words=tuple(says.get("words", ())), **given)

    def says(self) -> dict[str, Any]:
        """Gives what is stored of it beside its kind."""
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "kind"}
        return {
            name: list(value) if name == "words" else value
            for name, value in given.items()
            if value not in EMPTY
        }

    @property
    def stems(self) -> list[str]:
        """Lists the stems of its words."""
        return list(dict.fromkeys(stem for word in self.words for stem in stems(word)))


@dataclass(frozen=True, eq=False)
class Repairs:
    """Holds the repairs of a collection that act on searches, those saved first first; `rows` are the row ids
    of the documents that they name, of all their versions."""

    saved: tuple[Repair, ...] = ()
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.saved)

    def with_one(self, repair: Repair, rows: Mapping[str, tuple[int, ...]]) -> "Repairs":
        """The same and one more, whose document has these row ids."""
        return Repairs((*self.saved, repair), {**self.rows, **rows})

    def only(self, documents: Collection[str]) -> "Repairs":
        """Leaves out those of other documents than some (by their ids)."""
        left = tuple(each for each in self.saved if not each.document or each.document in documents)
        return Repairs(left, self.rows)

    def pinned(self, *questions: str) -> tuple[str, ...]:
        """Lists the documents that are pinned for one of some questions, that which was pinned last last."""
        if not self._pinned:
            return ()
        keys = dict.fromkeys(question_key(question) for question in questions)
        return tuple(dict.fromkeys(document for key in keys for document in self._pinned.get(key, ())))

    def touch(self, asked: Collection[str]) -> bool:
        """Whether some words (by their stems) are asked otherwise because of them."""
        return any(stem in self.same or stem in self.keywords for stem in asked)

    @cached_property
    def same(self) -> dict[str, dict[str, str]]:
        """Gives for a stem all that count as it, it too: words by their stems."""
        groups: dict[str, dict[str, str]] = {}
        for repair in self.saved:
            if repair.kind == "same_words":
                found = {stems(word)[0]: word for word in repair.words}
                group = {key: word for stem in found for key, word in groups.get(stem, {}).items()} | found
                groups |= dict.fromkeys(group, group)
        return groups

    @cached_property
    def keywords(self) -> dict[str, tuple[str, ...]]:
        """Gives the documents that count as saying a word, by its stem."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for repair in self.saved:
            if repair.kind == "keyword":
                for stem in repair.stems:
                    found[stem].append(repair.document)
        return {stem: tuple(documents) for stem, documents in found.items()}

    @cached_property
    def known(self) -> frozenset[str]:
        """Gives the stems that are asked for in this collection though no passage may have them."""
        return frozenset(self.same) | frozenset(self.keywords)

    @cached_property
    def _pinned(self) -> dict[bytes, tuple[str, ...]]:
        found: defaultdict[bytes, list[str]] = defaultdict(list)
        for repair in self.saved:
            if repair.kind == "pinned":
                found[question_key(repair.question)].append(repair.document)
        return {key: tuple(documents) for key, documents in found.items()}


def read_repairs(session: Session, collection: int) -> Repairs:
    """Reads the repairs of a collection (its row id) that are in force and act on searches."""
    rows = session.scalars(
        select(RepairRow)
        .where(
            RepairRow.collection_id == collection,
            RepairRow.undone_at.is_(None),
            RepairRow.kind.in_(IN_SEARCHES),
        )
        .order_by(RepairRow.id)
    )
    saved = tuple(Repair.of(row.kind, row.says) for row in rows)  # type: ignore[arg-type]
    return Repairs(saved, rows_of(session, collection, {each.document for each in saved if each.document}))


def rows_of(session: Session, collection: int, documents: set[str]) -> dict[str, tuple[int, ...]]:
    """Finds the row ids of documents by the ids their user gave, all versions: which one a search sees, its
    snapshot says."""
    if not documents:
        return {}
    found: defaultdict[str, list[int]] = defaultdict(list)
    rows = select(DocumentRow.external_id, DocumentRow.id).where(
        DocumentRow.collection_id == collection,
        DocumentRow.external_id == any_(literal(sorted(documents), ARRAY(TEXT))),
    )
    for name, number in session.execute(rows):
        found[name].append(number)
    return {name: tuple(numbers) for name, numbers in found.items()}
