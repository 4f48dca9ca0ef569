"""Phrases of a corpus are one to three words long, and come with the passages that hold them.

Phrases that differ only in case or plural are one phrase, shown in its most frequent form.
Shape suffixes: N passages, P phrases.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

IntArray = NDArray[np.int64]

LONGEST = 3
LONGEST_WORD = 40
# A word keeps its inner dots, hyphens and apostrophes (numpy.fft, x-ray); any other mark ends a phrase.
WORD_OR_MARK = re.compile(r"\w+(?:[.'’-]\w+)*|[^\w\s]")
LETTER = re.compile(r"[^\W\d_]")
# They neither begin nor end a phrase: they carry no topic.
FUNCTION_WORDS = """
    a about above according across actually after again against ago all almost along already also
    although always am among an and another any anyone anything are aren't around as at away back be
    because been before began being below between both but by called came can can't cannot could
    couldn't did didn't do does doesn't doing don't done down due during e.g each eg either else enough
    especially etc even ever every example examples exercise few figure first for found from further
    gave get gets getting give given gives giving go goes going gone got had has have having he hence
    her here hers herself him himself his how however i i'd i'll i'm i've i.e ie if in indeed instead
    into is isn't it it's its itself just keep kept know known last least less let let's like likely
    made mainly make makes making many may maybe me means might more most much must my myself near need
    needs neither never new next no nor not nothing now of off often on once one one's ones only onto or
    other others otherwise our ours out over own per perhaps please put rather really said same say says
    second see seen several shall she should show shown shows simply since so some someone something
    sometimes still such take taken takes taking than that that's the their theirs them themselves then
    there therefore these they they're things this those though three through throughout thus to
    together too toward towards two under unless until up upon us use used useful uses using usually
    various very via was way ways we we're well went were what when where whether which while who whole
    whom whose why will with within without would yet you you're you'll your yours yourself
"""

TOPICLESS = frozenset(FUNCTION_WORDS.split())


@dataclass(frozen=True)
class Phrases:
    """Holds P phrases as shown, their number of words, and which of N passages hold them (0 or 1)."""

    shown: list[str]
    length_P: IntArray
    held_NP: csr_matrix


def mine(texts: Sequence[str], *, fewest: int = 3) -> Phrases:
    """Finds the phrases that at least `fewest` passages hold, from texts that are already a fitting
    sample."""
    words, stream, owner = _read(texts)
    key = _keys(words)
    content = np.array([_is_content(word) for word in words], dtype=bool)
    alone = content & np.array([len(word) > 1 for word in words], dtype=bool)
    shown: list[str] = []
    lengths: list[IntArray] = []
    pairs: list[tuple[IntArray, IntArray]] = []
    for length in range(1, LONGEST + 1):
        begins = alone if length == 1 else content
        starts = _starts(stream, length, begins)
        forms_PL, phrase, passage = _phrases(stream, owner, key, starts, length, fewest)
        pairs.append((passage, phrase + len(shown)))
        shown += [" ".join(words[word] for word in form) for form in forms_PL.tolist()]
        lengths.append(np.full(len(forms_PL), length))
    rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
    held = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(texts), len(shown)))
    return Phrases(shown, np.concatenate(lengths), held)


def _read(texts: Sequence[str]) -> tuple[list[str], IntArray, IntArray]:
    """Reads the words, the corpus as one stream of word numbers (0 is a mark), and the passage of each
    place."""
    numbers: dict[str, int] = {"": 0}
    stream: list[int] = []
    ends: list[int] = []
    for text in texts:
        stream += [numbers.setdefault(word, len(numbers)) if word else 0 for word in _words(text)]
        stream.append(0)
        ends.append(len(stream))
    owner = np.repeat(np.arange(len(texts)), np.diff([0, *ends]))
    return list(numbers), np.array(stream, dtype=np.int64), owner


def _words(text: str) -> Iterator[str]:
    for word in WORD_OR_MARK.findall(text):
        fits = (len(word) > 1 or word.isalnum()) and len(word) <= LONGEST_WORD
        yield word if fits and not word.startswith("www.") else ""


def _is_content(word: str) -> bool:
    return LETTER.search(word) is not None and word.lower().replace("’", "'") not in TOPICLESS


def _keys(words: list[str]) -> IntArray:
    """Gives all forms of a word one number: case is ignored, a plural counts as its singular if that
    occurs."""
    lowered = [word.lower() for word in words]
    known = set(lowered)
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(_singular(word, known), len(numbers)) for word in lowered])


def _singular(word: str, known: set[str]) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")) or word == "news":
        return word
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    made = (word.removesuffix(ending) + single for ending, single in endings if word.endswith(ending))
    return next((single for single in made if single in known), word)


def _starts(stream: IntArray, length: int, content: NDArray[np.bool_]) -> IntArray:
    """Finds where phrases of so many words begin: a content word at both ends, no mark within."""
    last = len(stream) - length + 1
    fits = content[stream[:last]] & content[stream[length - 1 :]]
    for place in range(1, length - 1):
        fits &= stream[place : last + place] > 0
    return np.flatnonzero(fits)


def _phrases(
    stream: IntArray, owner: IntArray, key: IntArray, starts: IntArray, length: int, fewest: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Finds the commonest form of each frequent phrase as word numbers, and all pairs (phrase, passage)."""
    if not len(starts):
        return np.zeros((0, length), np.int64), starts, starts
    forms_XL = np.stack([stream[starts + place] for place in range(length)], axis=1)
    _, at, form, uses = np.unique(
        _code(forms_XL, len(key)), return_index=True, return_inverse=True, return_counts=True
    )
    forms_XL = forms_XL[at]
    _, phrase_of_form = np.unique(_code(key[forms_XL], len(key)), return_inverse=True)
    # Sorted by phrase, then by use: the last form of each phrase is its commonest.
    order = np.lexsort((uses, phrase_of_form))
    commonest = order[np.flatnonzero(np.diff(phrase_of_form[order], append=-1))]
    passages = len(owner) and int(owner[-1]) + 1
    held = np.unique(phrase_of_form[form] * passages + owner[starts])
    phrase, passage = np.divmod(held, passages)
    frequent = np.bincount(phrase) >= fewest
    number = np.cumsum(frequent) - 1
    kept = frequent[phrase]
    return forms_XL[commonest[frequent]], number[phrase[kept]], passage[kept]


def _code(rows_XL: IntArray, base: int) -> IntArray:
    """Encodes each row of word numbers as one number."""
    code = rows_XL[:, 0]
    for place in range(1, rows_XL.shape[1]):
        code = code * base + rows_XL[:, place]
    return code
