"""The words of a text as lexical search compares them: by their stems, without those that say nothing."""

import re
import threading
from dataclasses import dataclass

import Stemmer

WORD = re.compile(r"\b\w\w+\b")
_SILENT = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these "
    "they this to was will with"
)
SILENT = frozenset(_SILENT.split())
"""Lucene's English stop words."""
_of_thread = threading.local()  # a stemmer serves one thread at a time


@dataclass(frozen=True)
class Word:
    """A word of a text, where it stands, and its stem."""

    stem: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text that can be searched for."""
    found = list(WORD.finditer(text))
    pairs = zip(stem_each([match[0] for match in found]), found, strict=True)
    return [Word(stem, *match.span()) for stem, match in pairs if stem]


def stems(text: str) -> list[str]:
    """The stems of a text's words, each once, in the order of their first words."""
    return list(dict.fromkeys(word.stem for word in words(text)))


def stem_each(found: list[str]) -> list[str]:
    """The stem of each word; "" for one that says nothing."""
    lower = [word.lower() for word in found]
    if not hasattr(_of_thread, "stemmer"):
        _of_thread.stemmer = Stemmer.Stemmer("english")
    stemmed: list[str] = _of_thread.stemmer.stemWords(lower)
    return ["" if word in SILENT else stem for word, stem in zip(lower, stemmed, strict=True)]
