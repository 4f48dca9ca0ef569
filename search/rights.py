"""Rights say what a caller may know of: which collections, and which of their documents.

What may not be known of is not there: not found, not counted, not named in a hint.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, true

from search.db.models import CollectionRow
from search.query.parser import Condition


@dataclass(frozen=True)
class Rights:
    """Lets a caller see some `collections` by name (None: all), private ones or not, and of each the
    documents that meet all conditions of `only`."""

    collections: frozenset[str] | None = None
    private: bool = True
    only: tuple[Condition, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every collection is seen."""
        return self.collections is None and self.private

    def seen(self) -> ColumnElement[bool]:
        """Says in SQL which collections are seen."""
        named = true() if self.collections is None else CollectionRow.name.in_(self.collections)
        return named & (true() if self.private else ~CollectionRow.private)

    def sees(self, name: str, *, private: bool) -> bool:
        """Tells of one collection whether it is seen."""
        return (self.collections is None or name in self.collections) and (self.private or not private)

    def may_make(self, name: str) -> bool:
        """Whether a collection of this name, which may not be there yet, would be seen."""
        return self.private and (self.collections is None or name in self.collections)


EVERYTHING = Rights()
PUBLIC = Rights(private=False)
NOTHING = Rights(collections=frozenset())
