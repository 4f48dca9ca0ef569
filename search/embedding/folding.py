"""Folding: what different spellings of the same text have in common.

Composed and decomposed letters, capitals, accents, full-width forms, ligatures, Arabic presentation forms,
typographic quotes and dashes, soft hyphens and characters that nobody sees: texts and questions are compared
without them. Vowel signs, which are letters to those who read them, and voiced kana stay what they are.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.cache import of_short_texts

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_DIGIT = re.compile(r"[^\D0-9]")
_KNOWN = 1 << 16

_SAME = {
    **dict.fromkeys("‘’‚‛′‵ʹʻʼʽˈ´\u1ffd՚׳", "'"),
    **dict.fromkeys("“”„‟″‶«»‹›「」『』〝〞〟״", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃﹘", "-"),
    **dict.fromkeys("™℠®©", " "),
    "⁄": "/",
    "\N{COMBINING GREEK YPOGEGRAMMENI}": "ι",
    **dict(zip("ıłŁđĐøØħĦŧŦðÐ", "ilLdDoOhHtTdD", strict=True)),
    **dict(zip("æÆœŒþÞ", ("ae", "AE", "oe", "OE", "th", "TH"), strict=True)),
}
"""What is written for another character, and letters whose stroke Unicode does not take for an accent."""

_TABLE = str.maketrans(_SAME)

_ACCENTS = re.compile(
    r"[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff"
    r"\u115f\u1160\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2cef-\u2cf1\u2de0-\u2dff\ua66f-\ua67d"
    r"\ua69e\ua69f\u3164\ufe00-\ufe0f\ufe20-\ufe2f\uffa0\U000e0100-\U000e01ef]"
)
"""Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic, tatweel, variation selectors."""

_JOINED = {"\u0e4d\u0e32": "\u0e33", "\u0ecd\u0eb2": "\u0eb3"}
"""Vowels of Thai and Lao that have two halves: dictionaries know them as one."""

_SECOND = frozenset(
    "\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u0e32\u0eb2\u102e"
    "\u1b35\U00011127\U0001133e\U00011357\U000114b0\U000114ba\U000114bd\U000115af\U00011930"
)
"""Characters that may become one with what stands before them, besides marks and jamo."""


@dataclass(frozen=True, eq=False)
class Plain:
    """A text without what its spellings differ in, its capitals kept; each character stood from `starts` to
    `ends` in the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def fold(text: str) -> str:
    """What all spellings of a text have in common."""
    return text.lower() if text.isascii() else _without_spelling(text).casefold()


def plain(text: str) -> Plain:
    """The text without what its spellings differ in but capitals, and where its characters stood."""
    if text.isascii():
        return Plain(text, range(len(text)), range(1, len(text) + 1))
    parts, starts, ends = list[str](), list[int](), list[int]()
    at = 0
    for piece in _pieces(text):
        end = at + len(piece)
        if piece.isascii():
            parts.append(piece)
            starts.extend(range(at, end))
            ends.extend(range(at + 1, end + 1))
        elif part := _plain(piece):
            parts.append(part)
            starts.extend([at] * len(part))
            ends.extend([end] * len(part))
        elif ends:
            ends[-1] = end  # an accent belongs to its letter
        at = end
    return Plain("".join(parts), starts, ends)


def composed(text: str) -> str:
    """The one form in which identifiers are kept and looked up."""
    return unicodedata.normalize("NFC", text)


def kept_as(identifier: str) -> list[str]:
    """The forms in which an identifier may be kept: composed, and those from before that was the one form."""
    return list(dict.fromkeys([composed(identifier), identifier, unicodedata.normalize("NFD", identifier)]))


def _without_spelling(text: str) -> str:
    return _FOREIGN.sub(lambda run: "".join(map(_plain, _clusters(run[0]))), text)


def _pieces(text: str) -> Iterator[str]:
    """A text in stretches of ASCII and, one by one, all other characters with the marks that they carry."""
    end = 0
    for run in _FOREIGN.finditer(text):
        if run.start() > end:
            yield text[end : run.start()]
        yield from _clusters(run[0])
        end = run.end()
    if end < len(text):
        yield text[end:]


def _clusters(run: str) -> Iterator[str]:
    """Characters with what may become one with them."""
    start = 0
    for at in range(1, len(run)):
        if not _follows(run[at]):
            yield run[start:at]
            start = at
    yield run[start:]


@lru_cache(_KNOWN)
def _follows(character: str) -> bool:
    """Whether a character may become one with what stands before it, or nobody sees it."""
    first = unicodedata.normalize("NFKD", character)[0]
    return (
        unicodedata.combining(first) > 0
        or "\u1160" <= first <= "\u11ff"  # vowels and ends of Korean syllables
        or first in _SECOND
        or unicodedata.category(first) == "Cf"
    )


@of_short_texts(_KNOWN)
def _plain(cluster: str) -> str:
    apart = unicodedata.normalize("NFKD", cluster.translate(_TABLE)).translate(_TABLE)
    seen = "".join(each for each in apart if unicodedata.category(each) not in ("Cf", "Cs"))
    kept = unicodedata.normalize("NFC", _ACCENTS.sub("", seen))
    for halves, whole in _JOINED.items():
        kept = kept.replace(halves, whole)
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), kept)
