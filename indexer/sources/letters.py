"""How much a text is like one that people write: by how common its letters are in their script, and by which
alphabet they are of. Bytes that are read in a wrong encoding give rare letters, and those of no one language.
"""

import math
import re

CYRILLIC, GREEK, HEBREW, ARABIC, THAI = (
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщіэїфъєґёђјљњћџѕ",
    "αοιετσνηυρπκμλςωάόγίέδχθήφβύξζώψϊϋ",
    "יוהלאמתרבשנדכעםחקפטסגזןךץף",
    "الينمروتبةعدسفهكقحجشطىأصخغذئزضظثءإآؤپچژگ",
    "านรอกเงมยลวดทสตะปบคหแจพใชขไโผซถณศษภธญฟฐฉฎฏฆฬฤฮ",
)
"""The letters of a script, the most frequent first; Cyrillic is mostly Russian."""

COMMON_KOREAN = frozenset("이다는의에을가고하를지은도로서한사인기어나시자대그리해과아정일수있라들만으것보")

SURE = -5.4
"""So many bits a letter is what texts of a script have; letters by chance have -6 and less."""

LEAST = 6
"""So many letters tell a script."""

_CAPITAL, _CAPITALS, _STRANGE = 4.0, 0.3, 3.0
"""What a capital behind a small letter costs, what all letters being capitals, and what a rare sign."""

_LETTER = re.compile(r"[^\W\d_]")
_MIXED = re.compile(r"[A-Za-z][^\W\d_A-Za-z]|[^\W\d_A-Za-z][A-Za-z]")
_INNER = re.compile(r"(?<=[^\W\d_])[^\W\d_]")
_SIGN = re.compile(
    "[\x80-\xa6\xa8-\xaa\xac\xae-\xb6\xb8-\xba\xbc-\xbf\u2020-\u2025\u2027-\u2115\u2117-\u2bff\u0e4f-\u0e5b\xd7\xf7]"
    r"|(?<!\S)[\u2013\u2014\u201a](?=[^\W\d_])"
)
_MISPLACED = re.compile(r"[ςםןץףך](?=[^\W\d_])|σ(?![^\W\d_])")
_ACCENTED = re.compile("[άέήίόύώϊϋΆΈΉΊΌΎΏ]")

_ALPHABETS = [
    frozenset(letters)
    for letters in (
        "äöüß",
        "àâæçéèêëîïôœùûüÿ",
        "áéíñóúüªº",
        "áâãàçéêíóôõúüªº",
        "àèéìíîòóùú",
        "åäöæøéüôà",
        "áðéíóúýþæö",
        "éëïóöüèê",
        "çğ\u0131\u0307öşüâîû",
        "àçèéíïòóúü",
        "ąćęłńóśźż",
        "áčďéěíňóřšťúůýž",
        "áäčďéíĺľňóôŕšťúýž",
        "áéíóöőúüű",
        "ăâîșțşţ",
        "čćđšž",
        "ąčęėįšųūžāēģīķļņ",
        "äõöüšž",
    )
]


def _bits(script: str) -> dict[str, float]:
    """What each letter of a script is worth: the logarithm of how often it comes, which falls with its
    place."""
    shares = [math.pow(place + 4, -1.1) for place in range(len(script))]
    return {letter: math.log2(share / sum(shares)) for letter, share in zip(script, shares, strict=True)}


_BITS = {script: _bits(script) for script in (CYRILLIC, GREEK, HEBREW, ARABIC, THAI)}


def likeness(text: str, script: str) -> float | None:
    """Bits a letter, the more the likelier; None where the text is not of the script, or too short to say."""
    bits = _BITS[script]
    foreign: list[str] = [letter for letter in _LETTER.findall(text) if not letter.isascii()]
    known = [bits[letter.lower()] for letter in foreign if letter.lower() in bits]
    if len(known) < max(LEAST, 0.9 * len(foreign)) or len(_MIXED.findall(text)) > 0.05 * len(known):
        return None
    capitals = sum(letter.isupper() for letter in foreign) / len(foreign)
    signs: float = len(_SIGN.findall(text)) + len(_MISPLACED.findall(text))
    if script == GREEK and capitals < 1 and not _ACCENTED.search(text):
        signs += len(known) / 5
    strange = signs / len(known)
    return sum(known) / len(known) - _CAPITAL * _odd(text) - _CAPITALS * capitals - _STRANGE * strange


def _odd(text: str) -> float:
    """How many letters within words are capitals behind small ones."""
    inner = odd = 0
    for found in _INNER.finditer(text):
        inner += 1
        odd += found[0].isupper() and text[found.start() - 1].islower()
    return odd / max(inner, 1)


def unlike(text: str) -> float:
    """The share of the accented letters that are in no one alphabet of Latin letters with the others."""
    foreign = [letter for letter in _LETTER.findall(text.lower()) if not letter.isascii()]
    if not foreign:
        return 0.0
    return min(sum(letter not in alphabet for letter in foreign) for alphabet in _ALPHABETS) / len(foreign)


def is_korean(text: str) -> bool:
    """Whether syllables are those that Korean is full of."""
    syllables = [letter for letter in text if "가" <= letter <= "힣"]
    return sum(letter in COMMON_KOREAN for letter in syllables) > 0.15 * len(syllables)
