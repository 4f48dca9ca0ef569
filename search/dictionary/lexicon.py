"""Reads a lexicon: names of topics as people say them, plain text that belongs to no model.

    names.txt     a group of names a line, divided by tabs: the first is shown, the others mean the same
    classes.txt   a word and what it can be a line: n noun, v verb, a adjective, r adverb

`benchmarks.lexicon` builds both; CARD.md says from what.
"""

import functools
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from pathlib import Path

from search.embedding.words import stems
from search.errors import LexiconError

LEXICON = Path(__file__).parent / "shipped" / "lexicon"
NAMES_FILE = "names.txt"
CLASSES_FILE = "classes.txt"
MOST_BYTES = 4_000_000
LONGEST_NAME = 80
WORD = re.compile(r"\w+")

Group = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class NameLexicon:
    """Holds groups of names, the shown one first in each, and the classes of words."""

    groups: list[Group]
    classes: dict[str, str]

    @cached_property
    def known(self) -> frozenset[tuple[str, ...]]:
        """Holds all names, as they are `spelled`."""
        return frozenset(spelled(name) for group in self.groups for name in group)

    @cached_property
    def words(self) -> frozenset[str]:
        """Holds what people say in one word, in small letters: words with a class, and names."""
        return frozenset(self.classes).union(
            name.lower() for group in self.groups for name in group if " " not in name
        )

    @cached_property
    def _in_order(self) -> list[str]:
        return sorted(self.classes)

    def beginning(self, start: str) -> Iterator[str]:
        """Gives the words with a class that begin so, in order."""
        from_there = islice(self._in_order, bisect_left(self._in_order, start), None)
        return takewhile(lambda word: word.startswith(start), from_there)


def spelled(name: str) -> tuple[str, ...]:
    """Gives what all spellings of a name have in common: the stems of its words (T cells, T-cell)."""
    words = WORD.findall(name.casefold())
    return tuple(stem for word in words for stem in stems(word) or [word])


@functools.cache
def general_lexicon() -> NameLexicon:
    """Reads the lexicon that comes with the program."""
    lines = _read(LEXICON / CLASSES_FILE).splitlines()
    return NameLexicon(read_names(LEXICON / NAMES_FILE), dict(line.split("\t") for line in lines))


def is_used(word: str) -> bool:
    """Tells whether people say this word, written in small letters."""
    return word in general_lexicon().words


def read_names(path: Path) -> list[Group]:
    """Reads a file of names.

    Raises:
        LexiconError: it cannot be read, is too large, or holds a blank, an overlong or a doubled name; the
            message names the line.
    """
    return checked_names(_read(path).splitlines(), str(path))


def checked_names(lines: Iterable[str], source: str) -> list[Group]:
    """Takes the lines of a file of names apart into groups.

    Raises:
        LexiconError: see `read_names`.
    """
    groups: list[Group] = []
    first: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        names = tuple(name.strip() for name in line.split("\t"))
        for name in names:
            where = f"{source}, line {number}"
            if not name:
                raise LexiconError(f"{where}: a name is blank.", hint="Take the line or the tab away.")
            if len(name) > LONGEST_NAME:
                raise LexiconError(
                    f"{where}: a name has {len(name)} characters.", hint=f"At most {LONGEST_NAME} are shown."
                )
            if not name.isprintable():
                raise LexiconError(f"{where}: {name!r} holds control characters.", hint="Take them away.")
            if (there := first.setdefault(name.casefold(), number)) != number or names.count(name) > 1:
                raise LexiconError(
                    f"{where}: {name!r} stands in line {there} already.", hint="Keep one of the two."
                )
        groups.append(names)
    return groups


def _read(path: Path) -> str:
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise LexiconError(
                f"{path} has {size:,} bytes.",
                hint=f"A lexicon has at most {MOST_BYTES:,}: some 100,000 names.",
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LexiconError(
            f"{path} cannot be read: {error}.", hint="It has to be a text file in UTF-8."
        ) from None
