r"""The words of a text, and of a question in the same way, as lexical search compares them.

Words are compared without what their spellings differ in (see `folding`), English ones by their stems,
without those that say nothing. Scripts that leave no blanks are broken into words by ICU's dictionaries. What
has punctuation of its own is one word (C++, 2.4, json.dumps, AB-123/4, jane@example.org), and its parts are
words besides, so that either way finds it:

    WHOLE    stands by itself: json.dumps
    PART     is asked for as well: json, dumps; in Chinese, Japanese and Korean also two characters that stand
             next to each other, where dictionaries may break a text in different ways
    PAIR     is found but not asked for: two such characters across the end of a word
    HIDDEN   finds phrases alone: 2 and 4 of 2.4, two letters of Thai
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise
from typing import NamedTuple

import Stemmer
from icu4py.breakers import WordBreaker

from search.cache import of_short_texts
from search.embedding.folding import plain

TOKENIZER = 2
"""The version of what is a word: counts of another one are of other words."""

_SILENT = (
    "a an and are as at be but by for i if in into is it no not of on or such that the their then there "
    "these they this to was will with"
)
SILENT = frozenset(_SILENT.split())
"""Lucene's English stop words, and I."""

WHOLE, PART, PAIR, HIDDEN = range(4)

DENSE = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa"
    "\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
"""Ranges of Chinese, Japanese and Korean characters, of which one or two are a word."""

LOOSE = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u109d\u1780-\u17d3\u17d7\u17dc"
    "\u17dd\u1950-\u19c9\u1a20-\u1a7f\uaa60-\uaa7a\uaa80-\uaadd\ua9e0-\ua9ef\ua9fa-\ua9fe"
)
"""Ranges of the letters of Thai, Lao, Burmese, Khmer and their neighbours, which leave no blanks either."""

_LONGEST_HUMPS = 40
_PLAIN = "(?:[A-Z]?[a-z]+|[A-Z]+)"
_USUAL = re.compile(rf"""[(\["'*]*({_PLAIN}(?:[/-]{_PLAIN})*|[0-9]+)[]).,;:!?"'*]*""")
_CHUNK = re.compile(r"\S+")
_BESIDE = re.compile(r"[^/-]+")
_LEVELS = [re.compile(f"[^{mark}]+") for mark in ("@", "/", r"\-", "&", ":", ".", ",", "'", "#+", "_")]
_NUMBER = re.compile(r"[vV]?\d+(?:[.:,]\d+)+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_ENGLISH = re.compile(r"[a-z]+(?:'[a-z]+)*")
_CONTRACTED = re.compile(r"(.+)'(?:s|m|d|re|ve|ll)")
_ENDINGS = frozenset(("'s", "'m", "'d", "'re", "'ve", "'ll", "'t"))
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]{2,}|[a-z]{3,}|[A-Z]{3,}")
_LAST_LETTER = 0x20000  # beyond are Chinese characters alone
_SAID_BY_PUNCTUATION = "/.,;:!?)]}'\"*_"

_of_thread = threading.local()  # a stemmer serves one thread at a time


class Word(NamedTuple):
    """A word of a text or a part of one, where it stands, and its stem."""

    stem: str
    start: int
    end: int
    kind: int = WHOLE


def words(text: str) -> list[Word]:
    """The words of a text that can be asked for, and their parts."""
    return [
        Word(word.stem, word.start + chunk.start(), word.end + chunk.start(), word.kind)
        for chunk in _CHUNK.finditer(text)
        for word in words_between_blanks(chunk[0])
        if word.kind <= PART
    ]


def stems(text: str) -> list[str]:
    """The stems of a text's words, each once, in the order of their first words."""
    return list(dict.fromkeys(word.stem for word in words(text)))


@of_short_texts(1 << 16)
def stem_of(word: str) -> str:
    """The stem of a folded word; only English ones differ from it."""
    if not _ENGLISH.fullmatch(word):
        return word
    if not hasattr(_of_thread, "stemmer"):
        _of_thread.stemmer = Stemmer.Stemmer("english")
    stem: str = _of_thread.stemmer.stemWord(word)
    return stem


def hidden(part: str) -> str:
    """How a folded part is counted that no question asks for: as no word is written."""
    return " " + part


@of_short_texts(1 << 16)
def words_between_blanks(chunk: str) -> tuple[Word, ...]:
    """All words and parts of words of a stretch without blanks, those too that are not asked for."""
    if usual := _USUAL.fullmatch(chunk):
        start, end = usual.span(1)
        word = usual[1].lower()
        if word.isalnum():
            return () if word in SILENT else (Word(stem_of(word), start, end),)
        return tuple(_beside(word, start))
    given = plain(chunk)
    found = _in_plain(given.text, 0, len(given.text), WHOLE)
    return tuple(
        Word(stem, given.starts[start], given.ends[end - 1], kind) for stem, start, end, kind in found
    )


def _beside(words: str, start: int) -> Iterator[Word]:
    """Plain words with strokes between them."""
    for word in _BESIDE.finditer(words):
        if word[0] not in SILENT:
            yield Word(stem_of(word[0]), start + word.start(), start + word.end())


def _in_plain(text: str, start: int, end: int, kind: int) -> Iterator[Word]:
    """The words of a stretch of a text that differs from others of its spellings in capitals alone."""
    for match in _pattern(ascii_only=text.isascii()).finditer(text, start, end):
        if match.lastgroup == "address":
            yield from _of_address(text, *match.span(), kind)
        elif match.lastgroup == "name":
            yield from _of_name(text, *match.span(), kind)
        else:
            yield from _of_run(match[0], match.start(), kind, dense=match.lastgroup == "dense")


def _of_address(text: str, start: int, end: int, kind: int) -> Iterator[Word]:
    """An address of the web, and the words in it."""
    said = text[start:end].rstrip(_SAID_BY_PUNCTUATION)
    yield Word(said.casefold(), start, start + len(said), kind)
    colon = text.index("://", start)
    yield from _with_parts(text, start, colon, HIDDEN)
    yield from _in_plain(text, colon + 3, start + len(said), PART)


def _of_name(text: str, start: int, end: int, kind: int) -> Iterator[Word]:
    """What has no blank in it: one word, or some beside each other, as in and/or."""
    name = text[start:end]
    if "@" in name or any(map(str.isdigit, name)):
        yield from _with_parts(text, start, end, kind)
    else:
        for each in _BESIDE.finditer(text, start, end):
            yield from _with_parts(text, *each.span(), kind)


def _with_parts(text: str, start: int, end: int, kind: int) -> Iterator[Word]:
    """A word and its parts, each with its own, from the widest to the narrowest."""
    name = text[start:end]
    said = stem = _said(name.casefold())
    if kind == HIDDEN or (kind == PART and len(name) == 1):
        yield Word(hidden(name.casefold()), start, end, HIDDEN)
    elif said not in SILENT and said.strip("_"):
        yield Word(stem := stem_of(said), start, end, kind)
    if not (name.isdigit() or (name.isalpha() and (name.islower() or name[1:].islower()))):
        parts = (_humps if name.isalnum() else _parts)(text, start, end, kind)
        yield from {part.stem: part for part in parts if part.stem != stem}.values()


def _said(folded: str) -> str:
    """A word without its contracted ending, a number without the commas of its thousands."""
    if "'" in folded and (contracted := _CONTRACTED.fullmatch(folded)):
        return contracted[1]
    return folded.replace(",", "") if _THOUSANDS.fullmatch(folded) else folded


def _parts(text: str, start: int, end: int, kind: int) -> Iterator[Word]:
    """The parts of a word, cut at the punctuation that holds it together least."""
    for level in _LEVELS:
        spans = [each.span() for each in level.finditer(text, start, end)]
        if spans != [(start, end)]:
            number = _NUMBER.fullmatch(text, start, end) is not None
            for first, last in spans:
                ending = text[first - 1 : last].casefold() in _ENDINGS
                yield from _with_parts(text, first, last, HIDDEN if number or ending else max(kind, PART))
            return
    yield from _humps(text, start, end, kind)


def _humps(text: str, start: int, end: int, kind: int) -> Iterator[Word]:
    """The parts of a camelCase word."""
    if kind != HIDDEN and end - start <= _LONGEST_HUMPS:
        for hump in _HUMP.finditer(text, start, end):
            yield Word(stem_of(hump[0].lower()), *hump.span(), PART)


def _of_run(run: str, start: int, whole_kind: int, *, dense: bool) -> Iterator[Word]:
    """The words of a run in a script without blanks, and each two characters next to each other."""
    spans, end = list[tuple[int, int]](), 0
    for word in WordBreaker(run, "root"):
        spans.append((end, end + len(word)))
        end += len(word)
    whole = {span for span in spans if any(map(str.isalnum, run[slice(*span)]))}
    for first, last in sorted(whole):
        yield Word(run[first:last], start + first, start + last, whole_kind)
    asked = _within_words(spans)
    for at in range(len(run) - 1):
        pair, kind = run[at : at + 2], PART if at in asked else PAIR
        if not dense:
            yield Word(hidden(pair), start + at, start + at + 2, HIDDEN)
        elif (at, at + 2) not in whole:
            yield Word(pair, start + at, start + at + 2, kind)


def _within_words(spans: list[tuple[int, int]]) -> set[int]:
    """Where two characters begin that are of one word, or of two that may be one."""
    inside = {at for start, end in spans for at in range(start, end - 1)}
    return inside | {start for (start, end), (_, last) in pairwise(spans) if end - start == last - end == 1}


@cache
def _pattern(*, ascii_only: bool) -> re.Pattern[str]:
    """What the words of a stretch without blanks look like, in the order in which they are tried."""
    w = r"\w" if ascii_only else spaced()
    return re.compile(
        rf"""
        (?P<address> [A-Za-z][A-Za-z0-9+.-]{{1,15}}://[^\s<>"]+ )
      | (?P<name>
            [{w}][{w}.+-]{{0,63}} @ [{w}][{w}-]{{0,62}} (?:\.[{w}-]+)+
          | (?:(?<![{w}.]) (?:[@#] | \.(?=[^\W\d_])))?
            [{w}]+ (?:(?:['.&/-] | :: | (?<=\d):(?=\d) | (?<=\d),(?=\d{{3}}(?!\d))) [{w}]+)*
            (?:(?:\+\+\d* | \#)(?![{w}]))?
        )
      | (?P<dense> [{DENSE}]+ )
      | (?P<loose> [{LOOSE}]+ )
        """,
        re.VERBOSE | (re.ASCII if ascii_only else re.NOFLAG),
    )


@cache
def spaced() -> str:
    """The ranges of letters, digits and their marks in the scripts that leave blanks between words."""
    unbroken = re.compile(f"[{DENSE}{LOOSE}]+")
    codes = [
        ord(letter)
        for letter in unbroken.sub("", "".join(map(chr, range(_LAST_LETTER))))
        if letter.isalnum() or letter == "_" or unicodedata.category(letter) in ("Mn", "Mc")
    ]
    ranges = [
        [code for _, code in each] for _, each in groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    ]
    return "".join(f"{chr(each[0])}-{chr(each[-1])}" for each in ranges)
