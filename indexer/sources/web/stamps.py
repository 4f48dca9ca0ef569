"""What is kept of a page, so that the next run asks only whether it changed."""

import json
import re
from dataclasses import dataclass

from indexer.sources.web.fetching import Response

READING = 1
"""Grows with every change of what is made of a page, so that unchanged ones are read again."""

MOST_LINKS = 300
"""A page with more links is read again each time."""

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
_DATE = re.compile(r"[A-Za-z]{3}, [0-9A-Za-z: ]{10,30}GMT")


@dataclass(frozen=True)
class Stamp:
    """By which state a page was read: the tag and the date that its server gave, and its links, if they were
    looked for (None: they were not)."""

    tag: str = ""
    date: str = ""
    links: tuple[str, ...] | None = None

    @classmethod
    def of(cls, answer: Response, links: tuple[str, ...] | None) -> "Stamp":
        """The stamp of an answer; what no server should send is no part of it."""
        tag = answer.tag if _TAG.fullmatch(answer.tag) else ""
        return cls(tag, answer.date if _DATE.fullmatch(answer.date) else "", links)

    @classmethod
    def read(cls, written: str | None) -> "Stamp":
        """A stamp as it was written; an empty one for what is none."""
        try:
            reading, tag, date, links = json.loads(written or "[]")
        except (ValueError, TypeError):  # of a file, say
            return cls()
        return cls(tag, date, None if links is None else tuple(links)) if reading == READING else cls()

    def write(self) -> str | None:
        """The stamp as text; None where a server cannot be asked by it."""
        if not (self.tag or self.date) or len(self.links or ()) > MOST_LINKS:
            return None
        return json.dumps([READING, self.tag, self.date, self.links])

    @property
    def conditions(self) -> dict[str, str]:
        """The headers of a request that is to be answered only if the page changed."""
        wanted = {"If-None-Match": self.tag, "If-Modified-Since": self.date}
        return {name: value for name, value in wanted.items() if value}
