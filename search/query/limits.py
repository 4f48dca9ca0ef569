"""Says what a request may ask for, in clear words for those who go beyond it."""

import math

from search.errors import InvalidPage, InvalidQuery, InvalidRequest

MAX_QUERY = 4000
MAX_LIMIT = 100
MAX_DEPTH = 1000
MAX_ID = 512

MAX_NESTING = 100
"""How deep metadata is nested at most: what is much deeper can be stored, and not be read back."""

MODES = {"hybrid": "by meaning and by words", "semantic": "by meaning alone"}
"""Maps each way to search to what it searches by."""

WAYS = "; ".join(f"{mode}: {what}" for mode, what in MODES.items())
"""Says the same in one line, for those who read a description."""

USUAL_MODE = "hybrid"


def check_query(query: str) -> None:
    """Refuses what no search could answer.

    Raises:
        InvalidQuery: no letter or digit, too long, or not text.
    """
    if not query.strip():
        raise InvalidQuery("The query is empty.", hint="Type a few words or a sentence.")
    if len(query) > MAX_QUERY:
        raise InvalidQuery(
            f"The query has {len(query):,} characters.", hint=f"Use at most {MAX_QUERY:,} characters."
        )
    if not is_text(query):
        raise InvalidQuery("The query holds characters that are not text.", hint="Remove NUL and surrogates.")
    if not any(character.isalnum() for character in query):
        raise InvalidQuery(f"The query {query[:40]!r} has no letter or digit.", hint="Type a word.")


def check_page(limit: int, offset: int) -> None:
    """Refuses pages out of range.

    Raises:
        InvalidPage: limit or offset is out of range; the message names the value, the hint the range.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidPage(f"limit={limit} is out of range.", hint=f"Use 1 to {MAX_LIMIT}.")
    if not 0 <= offset <= MAX_DEPTH - limit:
        raise InvalidPage(
            f"offset={offset} is out of range.",
            hint=f"Use 0 to {MAX_DEPTH - limit}: only the first {MAX_DEPTH:,} answers have an order. "
            "GET /v1/documents lists all documents.",
        )


def check_min_score(min_score: float | None) -> None:
    """Refuses what no score can be compared with.

    Raises:
        InvalidRequest: it is no finite number.
    """
    if min_score is not None and not math.isfinite(min_score):
        raise InvalidRequest(f"min_score={min_score} is no number.", hint="Use one like 0.3.")


def check_mode(mode: str) -> None:
    """Refuses ways of searching that there are not.

    Raises:
        InvalidRequest: there is no such mode; the message names it.
    """
    if mode not in MODES:
        raise InvalidRequest(f"Unknown mode {mode[:40]!r}.", hint=f"Use one of: {', '.join(MODES)}.")


def is_text(value: str) -> bool:
    """Whether a string can be stored and sent: no NUL, no lone surrogates."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
