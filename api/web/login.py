"""These pages sign in and out."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from api.auth.callers import LOGIN
from api.auth.guards import FormDep, SameSite, SessionForm
from api.auth.keys import find_key
from api.auth.scopes import reaches
from api.auth.sessions import COOKIE, LIFETIME, OneTimeLinks, begin_session, end_session
from api.dependencies import EngineDep
from api.views.rendering import Page, is_fragment, render
from search.db.connection import open_session

router = APIRouter(include_in_schema=False)

HOME = "/admin"
# A page of this host: browsers take // and /\ for the start of another host, and drop tabs and line ends.
LOCAL = re.compile(r"/(?![/\\])[!-~]*", re.ASCII)

WRONG_KEY = "This key does not work."
WRONG_SCOPE = "This key works, but not here: these pages need one of scope admin."
WRONG_LINK = (
    "This link does not work: each works once, within an hour. Sign in with an admin key "
    "(refract keys create NAME --scope admin), or restart Refract for a new link."
)
SIGNED_OUT = "You are not signed in any more. Nothing was changed; sign in and send the form again."


@dataclass(frozen=True)
class LoginPage(Page):
    """Shows what was wrong the last time, and where to go `next`; `private`: searching needs a key as
    well."""

    template = "login.html"

    problem: str
    next: str
    private: bool


@router.get(LOGIN)
def show_login(request: Request, engine: EngineDep, token: str = "", next: str = "") -> Response:
    """Shows the form; the token of a one-time link signs in at once."""
    if not token:
        return login_page(request, next=next)
    links: OneTimeLinks = request.app.state.links
    with links.using(token) as valid:
        if not valid:
            return login_page(request, WRONG_LINK, status=401)
        with open_session(engine.database) as session:
            end_session(session, request.cookies.get(COOKIE, ""))
            cookie = begin_session(session, None)
            session.commit()
    return _enter(request, cookie, HOME)


@router.post(LOGIN)
def sign_in(request: Request, _: SameSite, engine: EngineDep, form: FormDep) -> Response:
    """Opens a session with a key: an admin's, or any to see what it reaches."""
    next = form.get("next", "")
    with open_session(engine.database) as session:
        key = find_key(session, form.get("key", "").strip())
        if key is None:
            return login_page(request, WRONG_KEY, next=next, status=401)
        is_admin = reaches(key.scope, "admin")
        if next.startswith(HOME) and not is_admin:
            return login_page(request, WRONG_SCOPE, next=next, status=403)
        home = HOME if is_admin else "/"
        end_session(session, request.cookies.get(COOKIE, ""))
        cookie = begin_session(session, key)
        session.commit()
    return _enter(request, cookie, local_path(next, home))


@router.post("/admin/logout")
def sign_out(request: Request, engine: EngineDep, _: SessionForm) -> Response:
    """Ends the session."""
    with open_session(engine.database) as session:
        end_session(session, request.cookies[COOKIE])
        session.commit()
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(COOKIE)
    return response


def login_page(request: Request, problem: str = "", *, next: str = "", status: int = 200) -> Response:
    """Shows the form to sign in with, and what was wrong the last time."""
    page = LoginPage(problem=problem, next=local_path(next, ""), private=request.app.state.private)
    return render(request, page, status=status)


def to_login(request: Request) -> Response:
    """Answers who has to sign in first with the way to the login page and back, or with that page itself
    after a form was sent, which would be lost on the way."""
    reading = request.method == "GET"
    query: bytes = request.scope["query_string"]
    here = quote(request.scope["raw_path"] + (b"?" + query if query else b""), safe="%/?&=+:,")
    address = f"{LOGIN}?next={quote(here, safe='/')}" if reading else LOGIN
    if is_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": address})
    if reading:
        return RedirectResponse(address, status_code=303)
    return login_page(request, SIGNED_OUT, status=401)


def local_path(text: str, otherwise: str) -> str:
    """Lets a `text` through that is a path of this host, so that nobody is led to another one."""
    return text if LOCAL.fullmatch(text) else otherwise


def _enter(request: Request, cookie: str, address: str) -> Response:
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(LIFETIME.total_seconds()),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # strict would lose who follows a link elsewhere, as in a terminal in the browser
    )
    return response
