"""Phrases: words next to each other, or, in scripts without blanks, characters, in any spelling of them.

What the counted words leave is read and compared, so that a phrase is found exactly where it stands: whatever
the database's locale takes for a letter, and whichever way a dictionary breaks Chinese or Thai into words.

Shape suffixes: N passages.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from search.db.connection import among
from search.db.models import DocumentRow
from search.embedding.folding import fold
from search.embedding.words import DENSE, LOOSE, SILENT, hidden, spaced, stem_of
from search.index.snapshot import Snapshot

AT_ONCE = 2000
_MOST_BETWEEN = 8  # characters between two words of a phrase: blanks, a comma, a line's end

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Phrase:
    """Words in their order, as somebody typed them."""

    typed: str

    @property
    def word(self) -> str | None:
        """The stem, where it is but one word of a script with blanks that has one."""
        folded = fold(self.typed)
        return stem_of(folded) if re.fullmatch(f"[{spaced()}]+", folded) and _tells(folded) else None

    @cached_property
    def parts(self) -> list[frozenset[str]]:
        """What the counted words of a document that says it have: one at least of each set."""
        found = (match[1] or match[2] or match[0] for match in _atom().finditer(fold(self.typed)))
        return [frozenset((stem_of(each), hidden(each))) for each in found if _tells(each)]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds it in a folded text."""
        w, pieces = spaced(), [match[0] for match in _piece().finditer(fold(self.typed))]
        if not pieces:
            return re.compile(r"(?!)")
        found, last = _escaped(pieces[0]), pieces[0]
        for piece in pieces[1:]:
            unbroken = _unbroken().fullmatch(last[-1]) and _unbroken().fullmatch(piece[0])
            found += rf"\W{{{0 if unbroken else 1},{_MOST_BETWEEN}}}{_escaped(piece)}"
            last = piece
        before = rf"(?<![{w}])" if re.match(f"[{w}]", pieces[0]) else ""
        after = rf"(?![{w}])" if re.match(f"[{w}]", last[-1]) else ""
        alone = r"(?!\+\+|\#)" if len(last) == 1 and after else ""  # C is not C++
        return re.compile(before + found + after + alone)

    def in_text(self, text: str) -> bool:
        """Whether a text says it."""
        return self.pattern.search(fold(text)) is not None


def saying(session: Session, snapshot: Snapshot, typed: str, among_N: Mask, *, title: bool = False) -> Mask:
    """Which of some passages (N,) are of documents that say a phrase, in their title or anywhere."""
    phrase = Phrase(typed)
    may_N = among_N & _having(snapshot, phrase.parts)
    column = DocumentRow.title if title else DocumentRow.title + literal("\n") + DocumentRow.text
    documents, found = snapshot.documents_of(may_N), list[int]()
    for start in range(0, len(documents), AT_ONCE):
        some = documents[start : start + AT_ONCE].tolist()
        rows = session.execute(select(DocumentRow.id, column).where(among(DocumentRow.id, some)))
        found += [number for number, text in rows if phrase.in_text(text)]
    return may_N & np.isin(snapshot.document_N, np.array(found, dtype=np.int64))


def with_word(snapshot: Snapshot, stem: str) -> Mask:
    """Which passages (N,) are of documents that have a word somewhere."""
    return _having(snapshot, [frozenset([stem])])


def _having(snapshot: Snapshot, parts: list[frozenset[str]]) -> Mask:
    """Passages (N,) of the documents that have one at least of each set of stems somewhere."""
    having_N, lexicon = np.ones(snapshot.passages, np.bool_), snapshot.lexicon
    for names in parts:
        letter = next((name for name in names if _unbroken().fullmatch(name)), None)
        wanted = names if letter is None else [name for name in lexicon.names() if letter in name]
        documents = np.unique(snapshot.document_N[lexicon.having(wanted)])
        having_N &= np.isin(snapshot.document_N, documents)
    return having_N


def _tells(atom: str) -> bool:
    return atom not in SILENT and any(map(str.isalnum, atom))


def _escaped(piece: str) -> str:
    """A piece of a phrase; what has a hyphen is also written without."""
    return rf"\W{{1,{_MOST_BETWEEN}}}".join(map(re.escape, filter(None, piece.split("-"))))


@cache
def _atom() -> re.Pattern[str]:
    """A word without punctuation, or two characters of a script without blanks (one, if it stands alone)."""
    pairs = (f"(?=([{u}]{{2}}))[{u}]|(?<![{u}])[{u}](?![{u}])" for u in (DENSE, LOOSE))
    return re.compile(f"[{spaced()}]+|" + "|".join(pairs))


@cache
def _piece() -> re.Pattern[str]:
    """What has no blank in it, less the punctuation around it."""
    w = spaced() + DENSE + LOOSE
    return re.compile(rf"[{w}](?:\S*[{w}])?(?:\+\+|\#)?")


@cache
def _unbroken() -> re.Pattern[str]:
    return re.compile(f"[{DENSE}{LOOSE}]")
