"""Rendering makes a response of a template: the Jinja environment, fragments, the error page, static
files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_blocks
from markupsafe import Markup
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.auth.sessions import csrf_token, session_cookie
from api.middleware.proxy import at
from api.views import cards, charts, evaluation, excerpts, numbers
from api.views.document_map import document_path, reading_url, track_letter, with_first
from api.views.facet_lists import facet_lists
from search import logs
from search.errors import RefractError
from search.query.filters import format_filter
from search.query.steering import UNSTEERED, format_for_address, parse

STATIC = Path(__file__).resolve().parents[1] / "static"
TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_LONG_WORD = re.compile(r"(\S{13,})")
_SEAM = re.compile(r"(?<=[^\W\d][._/,])(?=\w)|(?<=[a-z]{2})(?=[A-Z])")
YEAR = 365 * 24 * 3600


class HashedStaticFiles(StaticFiles):
    """Serves the files of `api/static`; an address with the content's own hash may be cached for a year."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            asked = scope["query_string"].decode("latin-1")
            fresh = asked == f"v={content_hash(path)}"
            response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if fresh else "no-cache"
        return response


@cache
def content_hash(name: str) -> str:
    """Gives the first 12 hex digits of the SHA-256 of a static file."""
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def static_url(name: str) -> str:
    """Makes the address of a static file, which changes whenever its content does."""
    return at(f"/static/{name}?v={content_hash(name)}")


def web_link(url: str | None) -> str | None:
    """Lets a `url` through that may become a link: http and https alone, so that no document can run a
    script."""
    if url is None:
        return None
    try:
        return url if urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


def host_of(url: str) -> str:
    """Names where a link leads, as people know it: `docs.example.org`."""
    return (urlsplit(url).hostname or url).removeprefix("www.")


def moment(time: datetime) -> Markup:
    """A time as an element, which scripts show in the reader's zone."""
    at = time.astimezone(UTC)
    element = Markup('<time class="quiet" datetime="{}">{}</time>')
    return element.format(at.isoformat(timespec="seconds"), numbers.moment(at))


def breakable(name: str) -> Markup:
    """Lets a long word of a name break where its parts meet, as in difflib.SequenceMatcher, rather than
    within one of them."""
    words = _LONG_WORD.split(name)  # every second one is long
    words[1::2] = [Markup("<wbr>").join(_SEAM.split(word)) for word in words[1::2]]
    return Markup("").join(words)


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        static_url=static_url,
        root=partial(at, ""),
        document_path=document_path,
        reading_url=reading_url,
        with_first=with_first,
        track_letter=track_letter,
        web_link=web_link,
        holds=numbers.holds,
        host_of=host_of,
        standing=numbers.standing,
        moved_words=numbers.moved_words,
        written_by=numbers.written_by,
        ranges=numbers.ranges,
        side_in_words=evaluation.described,
        told_counts=evaluation.told_counts,
        asked_url=evaluation.asked_url,
        compared_url=evaluation.compared_url,
        repair_url=evaluation.repair_url,
        excerpt=excerpts.excerpt,
        lost_name=numbers.lost_name,
        met_words=numbers.met_words,
        most_added=cards.most_added,
        unsteered=UNSTEERED,
        histogram=charts.histogram,
        laps=cards.laps,
        facet_lists=facet_lists,
    )
    env.filters.update(
        thousandths=numbers.thousandths,
        signed=numbers.signed,
        share=numbers.share,
        duration=numbers.duration,
        moment=moment,
        steer=format_for_address,
        filter_text=format_filter,
        breakable=breakable,
        parse_steering=parse,
        told_term=evaluation.told_term,
    )
    return env


ENVIRONMENT = _environment()


def is_fragment(request: Request) -> bool:
    """Tells whether htmx asks, so that a part of the page is enough."""
    return request.headers.get("HX-Request") == "true"


@dataclass(frozen=True)
class Page:
    """Holds what a template is rendered with: each field is a variable of it.

    `blocks` are what of the template is enough where htmx asks; `part`: they are all that is rendered, ever.
    """

    template: ClassVar[str]
    blocks: ClassVar[tuple[str, ...]] = ()
    part: ClassVar[bool] = False


def render(
    request: Request, page: Page, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """Renders a page, or for htmx only its blocks.

    Besides the page's fields every template knows `path`, `fragment` (whether these are blocks), and `csrf`,
    which its forms hand to the macro `csrf_field`.
    """
    fragment = page.part or (bool(page.blocks) and is_fragment(request))
    csrf = csrf_token(session_cookie(request))
    values = {"path": request.url.path, "fragment": fragment, "csrf": csrf, **vars(page)}
    if fragment:
        html = render_blocks(ENVIRONMENT, page.template, page.blocks, values)
    else:
        html = ENVIRONMENT.get_template(page.template).render(values)
    fixed = {"Vary": "HX-Request", "Cache-Control": "no-cache"}
    return HTMLResponse(html, status_code=status, headers={**fixed, **(headers or {})})


@dataclass(frozen=True)
class ErrorPage(Page):
    """Shows an error. `steered`: the search that failed had steering, which may be why. `request_id`: what
    the log calls the request."""

    template = "error.html"
    blocks = ("error",)

    error: RefractError
    q: str
    steered: bool
    request_id: str


def error_page(request: Request, error: RefractError) -> HTMLResponse:
    """Says what went wrong and what to do, for people. Needs neither a database nor an index."""
    page = ErrorPage(
        error=error,
        q=request.query_params.get("q", "")[:500],
        steered=bool(request.query_params.get("steer")),
        request_id=logs.noted("request_id") or "",
    )
    return render(request, page, status=error.status)
