"""A web site, from its sitemap or from page to page: what its robots.txt allows, of hosts that are named."""

import html
import re
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from indexer.sources.decoding import detect
from indexer.sources.document import (
    Failure,
    Item,
    Note,
    Parsed,
    SourceDocument,
    Unchanged,
    UnreadableError,
)
from indexer.sources.files import NOTHING
from indexer.sources.reader import Reader, borrowed_reader
from indexer.sources.web.fetching import SECONDS, Response, fetch, is_private, normalized, refuse, unzipped
from indexer.sources.web.robots import Robots
from indexer.sources.web.stamps import Stamp
from search.embedding.folding import composed

KINDS = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "txt",
    "text/markdown": "md",
    "application/pdf": "pdf",
}
NOT_MODIFIED = 304
MAX_REDIRECTS = 5
MAX_SITEMAPS = 100
MAX_LINKS = 10_000
MAX_TOTAL = 1 << 30

_LINK = re.compile(
    rb"""<a\s(?:[^<>]{0,2000}?\s)?href\s{0,9}=\s{0,9}(?:"([^"]{0,2000})"|'([^']{0,2000})'|([^\s>"']{1,2000}))""",
    re.IGNORECASE,
)
_BASE = re.compile(rb"""<base\s[^<>]{0,200}?href\s{0,9}=\s{0,9}["']?([^"'\s>]{1,2000})""", re.IGNORECASE)
_NOINDEX = re.compile(rb"""<meta\s[^<>]{0,100}?name=["']?robots["']?[^<>]{0,100}?noindex""", re.IGNORECASE)
_PLACE = re.compile(rb"<loc>\s{0,99}(?:<!\[CDATA\[)?\s{0,99}([^<\]]{1,2000})", re.IGNORECASE)
_SITEMAP = re.compile(rb"<(urlset|sitemapindex)[\s>]", re.IGNORECASE)


@dataclass(frozen=True)
class Bounds:
    """How much of a site is read: `limit` pages of the hosts named, and `depth` links far from the start."""

    limit: int = 1000
    hosts: tuple[str, ...] = ()
    depth: int = 20
    delay: float = 0.2
    seconds: float = SECONDS
    private: bool = True
    """Whether a site may be of this machine or its network, if its address says so."""


def read_site(address: str, bounds: Bounds, known: Mapping[str, str] = NOTHING) -> Iterator[Item]:
    """The pages of a site, by their paths; those of further hosts by //host/path. Those with stamps that are
    `known` of them are asked for only if they changed.

    Raises:
        SourceError: the address cannot be fetched, or is not to be read.
    """
    start = normalized(address)
    if start is None:
        raise refuse(address[:200], "it is no address of a page")
    try:
        site = _Site(start, bounds, known)
        first = site.fetch(start, 0)
    except UnreadableError as error:
        raise refuse(start, str(error)) from None
    except _PassedOver as reason:
        raise refuse(start, str(reason)) from None
    return site.items(*first)


class _PassedOver(Exception):
    """Raised for a page that is none of the site's documents; the reason is counted."""


class _Site:
    def __init__(self, start: str, bounds: Bounds, known: Mapping[str, str]) -> None:
        """Raises:
        UnreadableError: it is of this machine or network, and may not be.
        """
        host = urlsplit(start).hostname or ""
        self._private = is_private(host)
        if self._private and not bounds.private:
            raise UnreadableError(f"{host} is an address of this machine or network")
        self._start = urlsplit(start).netloc
        self._hosts = {self._start, *(each.lower() for each in bounds.hosts)}
        self._bounds = bounds
        self._known = known
        self._robots: dict[str, Robots] = {}
        self._queue: deque[tuple[str, int]] = deque()
        self._queued = {start}
        self._done: set[str] = set()
        self._passed: Counter[str] = Counter()
        self._sitemaps = 0
        self._bytes = 0
        self._next = 0.0

    def fetch(self, address: str, depth: int) -> tuple[str, Response]:
        """A page, or that it is as it was, and the address it has in the end.

        Raises:
            UnreadableError: it cannot be fetched this time.
            _PassedOver: it is none of the documents.
        """
        for _ in range(MAX_REDIRECTS + 1):
            parts = urlsplit(address)
            if parts.netloc not in self._hosts:
                raise _PassedOver(f"leads to {parts.netloc[:100]}, which is not named")
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            if not self._rules(address).allows(path):
                raise _PassedOver("its robots.txt does not allow it")
            before = self._before(address, depth)
            answer = self._polite(address, before)
            if answer.status in (404, 410):
                raise _PassedOver("not there any more (404)")
            if answer.location is None:
                if answer.status != 200 and not (answer.status == NOT_MODIFIED and before.conditions):
                    raise UnreadableError(f"its server answers {answer.status}")
                return address, answer
            there = normalized(answer.location, address)
            if there is None:
                raise _PassedOver("leads to what is no page")
            address = there
        raise _PassedOver("led from one address to the next without an end")

    def items(self, address: str, first: Response) -> Iterator[Item]:
        """What is found from the first page on, which is fetched already."""
        with borrowed_reader() as reader:
            yield from self._visit(reader, address, 0, (address, first))
            while self._queue and len(self._done) < self._bounds.limit and self._bytes < MAX_TOTAL:
                yield from self._visit(reader, *self._queue.popleft())
        if self._queue:
            told = f"there are more pages than the {len(self._done):,} that were read; --limit sets how many"
            yield Failure("/", told)
        if self._passed:
            counts = (f"{count:,} {reason}" for reason, count in self._passed.most_common(20))
            yield Note(self._start, f"passed over: {'; '.join(counts)}", of_all=True)

    def _visit(
        self, reader: Reader, wanted: str, depth: int, fetched: tuple[str, Response] | None = None
    ) -> Iterator[Item]:
        try:
            there, answer = fetched or self.fetch(wanted, depth)
            yield from self._page(reader, there, answer, depth)
        except UnreadableError as error:
            yield Failure(self._id(wanted), str(error))
        except _PassedOver as reason:
            self._passed[str(reason)] += 1

    def _page(self, reader: Reader, address: str, answer: Response, depth: int) -> Iterator[Item]:
        """The document of a page, once; what it links to is queued. A sitemap only names pages."""
        if address in self._done:
            return
        if answer.status == NOT_MODIFIED:
            self._done.add(address)
            self._follow(self._before(address, depth).links or (), depth)
            yield Unchanged(self._id(address))
            return
        body = unzipped(answer.body) if answer.body.startswith(b"\x1f\x8b") else answer.body
        self._bytes += len(body)
        if _SITEMAP.search(body[:10_000]):
            self._take_sitemap(body)
            return
        self._done.add(address)
        kind = KINDS.get(answer.kind)
        if kind is None:
            raise _PassedOver(f"of the kind {answer.kind[:60] or 'that its server does not say'}")
        links = self._links(body, address) if kind == "html" and self._goes_on(depth) else None
        self._follow(links or (), depth)
        if kind == "html" and _NOINDEX.search(body):
            raise _PassedOver("not to be searched, it says (noindex)")
        stamp = Stamp.of(answer, () if kind != "html" else links).write()
        marked = _marked(body, answer.charset, kind)
        yield from _read(reader, self._id(address), address, kind, marked, stamp)

    def _before(self, address: str, depth: int) -> Stamp:
        """The state that is known of a page; none where its links are needed and not known."""
        found = Stamp.read(self._known.get(composed(self._id(address))))
        return Stamp() if found.links is None and self._goes_on(depth) else found

    def _goes_on(self, depth: int) -> bool:
        """Whether the links of a page are followed: those that a sitemap names have none."""
        return 0 <= depth < self._bounds.depth

    def _follow(self, links: Iterable[str], depth: int) -> None:
        for link in links if self._goes_on(depth) else ():
            if urlsplit(link).netloc in self._hosts:
                self._enqueue(link, depth + 1)

    def _links(self, body: bytes, address: str) -> tuple[str, ...]:
        """What a page links to, on whatever host, each once."""
        base = _BASE.search(body)
        root = normalized(_text(base[1]), address) if base else address
        links = dict[str, None]()
        for found in islice(_LINK.finditer(body), MAX_LINKS):
            target = _text(next((group for group in found.groups() if group), b""))
            if link := normalized(target, root or address):
                links[link] = None
        return tuple(links)

    def _take_sitemap(self, body: bytes) -> None:
        """Pages and sitemaps that a sitemap names; the links of these pages are not followed."""
        self._sitemaps += 1
        if self._sitemaps > MAX_SITEMAPS:
            raise _PassedOver(f"sitemaps after the first {MAX_SITEMAPS}")
        for found in _PLACE.finditer(body):
            if link := normalized(_text(found[1])):
                self._enqueue(link, -1)

    def _enqueue(self, link: str, depth: int) -> None:
        if link not in self._queued and len(self._queued) < 20 * self._bounds.limit + 1000:
            self._queued.add(link)
            self._queue.append((link, depth))

    def _rules(self, address: str) -> Robots:
        """What the robots.txt of a host says; nothing is allowed where its server fails.

        Raises:
            UnreadableError: it cannot be fetched.
        """
        parts = urlsplit(address)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._robots:
            place, answer = f"{host}/robots.txt", None
            for _ in range(MAX_REDIRECTS):
                answer = self._polite(place)
                there = normalized(answer.location, place) if answer.location else None
                if there is None or urlsplit(there).netloc not in self._hosts:
                    break
                place = there
            if answer is None or answer.status >= 500:
                raise UnreadableError("its robots.txt cannot be fetched: its server fails")
            self._robots[host] = Robots.read(answer.body[:500_000].decode(errors="replace"))
        return self._robots[host]

    def _polite(self, address: str, before: Stamp = Stamp()) -> Response:  # noqa: B008 - it is frozen
        parts = urlsplit(address)
        rules = self._robots.get(f"{parts.scheme}://{parts.netloc}", Robots())
        time.sleep(max(self._next - time.monotonic(), 0))
        try:
            headers = before.conditions
            return fetch(address, private=self._private, seconds=self._bounds.seconds, headers=headers)
        finally:
            self._next = time.monotonic() + max(self._bounds.delay, rules.delay)

    def _id(self, address: str) -> str:
        parts = urlsplit(address)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return path if parts.netloc == self._start else f"//{parts.netloc}{path}"


def _read(reader: Reader, id: str, address: str, kind: str, body: bytes, stamp: str | None) -> Iterator[Item]:
    """A page as the file that it is."""
    with TemporaryDirectory(prefix="refract-") as folder:
        path = Path(folder) / f"page.{kind}"
        path.write_bytes(body)
        for part in reader.read(path):
            if isinstance(part, Parsed):
                meta = {**part.meta, "format": kind}
                title = part.title.strip() or id
                yield SourceDocument(id, title, part.text, url=address, meta=meta, stamp=stamp)
                yield from (Note(id, note) for note in part.notes)


def _marked(body: bytes, charset: str | None, kind: str) -> bytes:
    """Text whose server says its encoding, as UTF-8 that says so itself."""
    if charset is None or kind == "pdf" or body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return body
    return detect(body, charset).decode(body).encode("utf-8-sig", "replace")


def _text(written: bytes) -> str:
    return html.unescape(written.decode(errors="replace")).strip()
