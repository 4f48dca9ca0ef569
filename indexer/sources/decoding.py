"""Bytes of unknown encoding into text, with a word on what was assumed where nothing says what they are."""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from charset_normalizer import from_bytes

from indexer.sources.document import UnreadableError
from indexer.sources.letters import ARABIC, CYRILLIC, GREEK, HEBREW, SURE, THAI, is_korean, likeness, unlike
from search.errors import SourceError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's does, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NAMES = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "iso8859_2": "ISO-8859-2",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "koi8_r": "KOI8-R",
    "koi8_u": "KOI8-U",
    "iso8859_5": "ISO-8859-5",
    "cp866": "DOS code page 866",
    "mac_cyrillic": "Mac Cyrillic",
    "iso8859_7": "ISO-8859-7",
    "cp874": "Windows-874",
    "iso8859_6": "ISO-8859-6",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "mac_roman": "Mac Roman",
    "cp850": "DOS code page 850",
    "cp932": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "cp949": "EUC-KR",
    "johab": "Johab",
    "iso2022_jp": "ISO-2022-JP",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
}
_ALWAYS = ("cp1252", "cp1250", "iso8859_2", "cp850", "mac_roman")

_SCRIPTS = {
    "cp1251": CYRILLIC,
    "koi8_r": CYRILLIC,
    "koi8_u": CYRILLIC,
    "iso8859_5": CYRILLIC,
    "cp866": CYRILLIC,
    "mac_cyrillic": CYRILLIC,
    "cp1253": GREEK,
    "iso8859_7": GREEK,
    "cp1255": HEBREW,
    "cp1256": ARABIC,
    "iso8859_6": ARABIC,
    "cp874": THAI,
}
"""What is told apart by how common its letters are; of two that fit alike, the first."""

_GUESSED = (
    *("cp1252", "cp1250", "iso8859_2", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r"),
    *("gb18030", "big5", "mac_roman", "cp850"),
)
"""What is told apart by other statistics where its letters do not say; of two that fit alike, the first."""

_OF_PLAIN_BYTES = ("utf-16", "utf-32", "utf-7", "iso2022", "hz")
"""What looks like UTF-8 to one who does not know."""

_given: ContextVar[str | None] = ContextVar("the given encoding", default=None)

FEW = 3
"""So many control characters are no matter in the shortest text."""

SAMPLE = 100_000
"""Bytes that a guess looks at; only lines that are not ASCII say anything."""

TELLING = 4_000
"""So much of it says what letters its language has."""

_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_CONTROL = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f]")
_CONTROLS = re.compile(_CONTROL.pattern.encode("latin-1"))
_UNUSED = re.compile("[\x80-\x9f]")
_UNASSIGNED = re.compile("[\ue000-\uf8ff\ufff0-\uffff]")
_LETTER = r"[^\W\d_]"
_SIGN = "[\xa1-\xa6\xa8-\xac\xae\xaf\xb1-\xb9\xbb-\xbf\u02c6\u02dc\u2013-\u2016\u201a-\u2ba0]"
_OTHER = "[\u0370-\u06ff]"
_ODD = re.compile(
    rf"(?<={_LETTER}){_SIGN}(?={_LETTER})"
    rf"|(?<!\w)[\xa2-\xa5\xac\xae-\xb3\xb6\xb8-\xba\xbc-\xbe\u2020-\u20ab\u20ad-\u2ba0](?={_LETTER})"
    rf"|(?<={_LETTER})[\xaf\xb1\xb6\xb8\xbc-\xbe](?!\w)"
    "|(?<=[a-zß-ÿа-я])(?:[À-ÞŒŠŸŽА-Я]|[A-Z](?<=[ß-ÿа-я][A-Z]))"
    rf"|[A-Za-z]{_OTHER}|{_OTHER}[A-Za-z]|(?<!\w){_OTHER}(?!\w)(?= ?[A-Za-z])"
    "|[À-ӿ][0-9]|(?<=[^lL])·(?=[^\\W\\d_])"
)
"""What nobody writes: signs within words, capitals after small letters, letters of two scripts in a word."""

_LATIN = re.compile("[À-ɏ]")
_PLAIN = re.compile("[A-Za-z]")
_SOME, _ALL, _CLEARLY, _UNFIT = 0.15, 0.95, 0.1, 0.2


@dataclass(frozen=True)
class Encoding:
    """How bytes are to be decoded; `assumed` says so to people where nothing in the bytes did."""

    name: str
    assumed: str | None = None

    def decode(self, data: bytes) -> str:
        """What is not of this encoding after all becomes U+FFFD."""
        return data.decode(self.name, "replace")


def decode(data: bytes, declared: str | None = None) -> tuple[str, str | None]:
    """Text with line ends as \\n, and what was assumed of its encoding (None: nothing).

    Raises:
        UnreadableError: these are no letters.
    """
    encoding = detect(data, declared)
    text = encoding.decode(data)
    if len(_CONTROL.findall(text)) * 100 > max(len(text), FEW * 100):
        what = "NUL" if text.count("\0") * 100 > len(text) else "control"
        raise UnreadableError(f"it is not text: it is full of {what} characters")
    return text.replace("\r\n", "\n").replace("\r", "\n"), encoding.assumed


def detect(data: bytes, declared: str | None = None) -> Encoding:
    """The encoding of a text: by its mark, else UTF-8, else the given one (see `assuming`), else as it
    declares, else the likeliest.

    Of a file that is too long to hold, give a part that is not ASCII; whole lines, if it can be.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Encoding(name)
    text, given = data.decode(errors="replace"), _given.get()
    bad = text.count("\ufffd") - data.count("\ufffd".encode())
    good = bad == 0
    if given and (not good or given.startswith(_OF_PLAIN_BYTES)):
        return Encoding(given, f"read as {given}, as was asked for")
    if wide := _wide(data[:SAMPLE], is_utf8=good):
        return _assumed(wide)
    if b"\x1b$" in data and data.isascii():
        return _assumed("iso2022_jp")
    if good:
        return Encoding("utf-8")
    if declared and (known := _declared(data, declared)):
        return Encoding(known)
    if 2 * bad < _foreign(text):
        return Encoding("utf-8", f"it is UTF-8 but for {bad:,} of its letters, which are lost")
    return _assumed(_guess(_sample(data)))


@contextmanager
def assuming(encoding: str | None) -> Iterator[None]:
    """Takes what is neither marked nor UTF-8 for text of this encoding, until the block ends."""
    before = _given.set(encoding)
    try:
        yield
    finally:
        _given.reset(before)


def known_encoding(name: str) -> str:
    """What Python calls an encoding.

    Raises:
        SourceError: there is none of that name.
    """
    try:
        known = codecs.lookup(name).name
        "".encode(known)  # what is there but no encoding of text raises
    except (LookupError, ValueError):
        hint = "Names are like cp1251, koi8-r, mac-roman or shift_jis."
        raise SourceError(f"There is no encoding {name[:80]!r}.", hint=hint) from None
    return known


def _assumed(name: str) -> Encoding:
    told = (
        f"it is not UTF-8 and nothing says what it is; read as {NAMES[name]} (--encoding NAME says another)"
    )
    return Encoding(name, told)


def _wide(data: bytes, *, is_utf8: bool) -> str | None:
    """UTF-16 and UTF-32 without a mark have bytes that texts of other encodings have not, or kana; the byte
    that says the script changes less than the one that says the letter. A stray control character or two
    make no wide text of one that is mostly ASCII."""
    stray = len(_CONTROLS.findall(data)) < _SOME * len(data)
    plain = len(data.decode("ascii", "ignore")) > (1 - _SOME) * len(data)
    if len(data) % 2 or (stray and (is_utf8 or plain)):
        return None
    half = "le" if len(set(data[1::2])) <= len(set(data[::2])) else "be"
    for name in (f"utf-32-{half}", f"utf-16-{half}"):
        if _CONTROLS.search(data) or _share(data, name, _KANA) > _SOME:
            text = _strict(data, name)
            if text and not _CONTROL.search(text) and _share(data, name, _UNASSIGNED) == 0:
                return name
    return None


def _declared(data: bytes, charset: str) -> str | None:
    """The codec that a page names, where its bytes are of it. Those that say Latin-1 mean Windows-1252, as
    browsers have it."""
    try:
        known = codecs.lookup(charset).name
        name = {"iso8859-1": "cp1252", "ascii": "cp1252", "shift_jis": "cp932", "gb2312": "gb18030"}.get(
            known, known
        )
        data.decode(name)
    except (LookupError, ValueError):
        return None
    return name


def _sample(data: bytes) -> bytes:
    lines, size = [], 0
    for line in data.splitlines():
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > SAMPLE:
                break
    return b"\n".join(lines)


def _guess(data: bytes) -> str:
    """Japanese and Korean are known by letters that no other bytes give by chance; the rest by how much sense
    the words make, which for a word or two is the same in several encodings."""
    for name in ("cp932", "euc_jp"):
        if _share(data, name, _KANA) > _SOME:
            return name
    sample = data[:TELLING]
    script, is_hangul = _by_script(sample), _share(sample, "euc_kr", _HANGUL) > _ALL
    if is_hangul and (not script or is_korean(_strict(sample, "euc_kr") or "")):
        return "cp949"
    if _share(sample, "johab", _HANGUL) > _ALL and is_korean(_strict(sample, "johab") or ""):
        return "johab"
    if script:
        return script
    found = list(from_bytes(data, cp_isolation=list(_GUESSED), threshold=0.5))
    fits = {name: match for match in reversed(found) for name in match.could_be_from_charset}
    coherence = {name: match.coherence for name, match in fits.items()}
    likely = [name for name in _GUESSED if name in fits or name in _ALWAYS]
    costs = {
        name: _oddity(text) + min(fits[name].chaos if name in fits else 1, _UNFIT)
        for name in likely
        if (text := _strict(data, name)) is not None
    }
    if not costs:
        return "cp1252"
    fit = [name for name in costs if costs[name] <= min(costs.values()) + _CLEARLY / 2]
    best = fit[0]
    for name in fit[1:]:
        if coherence.get(name, 0) > coherence.get(best, 0) + _CLEARLY:
            best = name
    return best


def _by_script(data: bytes) -> str | None:
    """The encoding that gives the commonest letters of a script, where that is clear."""
    texts = {name: text for name in _SCRIPTS if (text := _strict(data, name)) is not None}
    fits = {name: fit for name, text in texts.items() if (fit := likeness(text, _SCRIPTS[name])) is not None}
    best = max(fits, key=lambda name: fits[name], default=None)
    return best if best and fits[best] > SURE else None


def _oddity(text: str) -> float:
    """How many of the letters and signs that are not ASCII stand where nobody writes them; Latin words are
    mostly ASCII."""
    latin = len(_LATIN.findall(text))
    plain = len(_PLAIN.findall(text))
    odd = len(_ODD.findall(text)) / max(_foreign(text), 1) + (latin > max(2 * plain, 3))
    return odd + (unlike(text[:TELLING]) if latin else 0) + bool(_UNUSED.search(text))


def _share(data: bytes, name: str, letters: re.Pattern[str]) -> float:
    """How much of what is not ASCII are these letters; 0 where the bytes are not of the encoding."""
    text = _strict(data, name) or ""
    return len(letters.findall(text)) / max(_foreign(text), 1)


def _foreign(text: str) -> int:
    """How many characters are not ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def _strict(data: bytes, name: str) -> str | None:
    """The text, or None; a part of a file may end within a letter."""
    try:
        return codecs.getincrementaldecoder(name)().decode(data)
    except UnicodeDecodeError:
        return None
