"""These pages sign in and out."""

import hmac
import json
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from api.auth.callers import LOGIN
from api.auth.guards import FormDep, SameSite, SessionForm
from api.auth.keys import find_key
from api.auth.oidc import Handshake, Provider
from api.auth.scopes import reaches
from api.auth.sessions import (
    COOKIE,
    LIFETIME,
    OneTimeLinks,
    begin_session,
    begin_session_of,
    cookie_name,
    end_session,
    session_cookie,
)
from api.dependencies import EngineDep
from api.middleware.proxy import at
from api.views.rendering import Page, is_fragment, render
from search import logs
from search.db.connection import open_session
from search.errors import NotFound, ProviderUnavailable, Unauthorized

router = APIRouter(include_in_schema=False)

HOME = "/admin"
OIDC = f"{LOGIN}/oidc"
HANDSHAKE, HANDSHAKE_SECONDS = "refract_handshake", 600
# A page of this host: browsers take // and /\ for the start of another host, and drop tabs and line ends.
LOCAL = re.compile(r"/(?![/\\])[!-~]*", re.ASCII)

NOT_BEGUN = (
    "This sign-in was not begun in this browser, or too long ago, or it was not finished. Begin again."
)
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
    well; `elsewhere` is the host of the identity provider, if there is one."""

    template = "login.html"

    problem: str
    next: str
    private: bool
    elsewhere: str


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
            end_session(session, session_cookie(request))
            logs.note(key="one-time link")
            cookie = begin_session(session, None)
            session.commit()
    return _enter(request, cookie, at(HOME))


@router.post(LOGIN)
def sign_in(request: Request, _: SameSite, engine: EngineDep, form: FormDep) -> Response:
    """Opens a session with a key: an admin's, or any to see what it reaches."""
    next = form.get("next", "")
    with open_session(engine.database) as session:
        key = find_key(session, form.get("key", "").strip())
        if key is None:
            return login_page(request, WRONG_KEY, next=next, status=401)
        is_admin = reaches(key.scope, "admin")
        if next.startswith(at(HOME)) and not is_admin:
            return login_page(request, WRONG_SCOPE, next=next, status=403)
        home = at(HOME if is_admin else "/")
        end_session(session, session_cookie(request))
        logs.note(key=key.name)
        cookie = begin_session(session, key)
        session.commit()
    return _enter(request, cookie, local_path(next, home))


@router.get(OIDC)
def begin_elsewhere(request: Request, next: str = "") -> Response:
    """Sends the browser to the identity provider."""
    provider, handshake = _provider(request), Handshake()
    try:
        address = provider.address(handshake, _back(request))
    except ProviderUnavailable as error:
        return login_page(request, f"{error} {error.hint}", next=next, status=503)
    response = RedirectResponse(address, status_code=303)
    kept = json.dumps([handshake.state, handshake.nonce, handshake.verifier, local_path(next, "")])
    _keep(request, response, HANDSHAKE, quote(kept), HANDSHAKE_SECONDS)
    return response


@router.get(f"{OIDC}/back")
def end_elsewhere(request: Request, engine: EngineDep, code: str = "", state: str = "") -> Response:
    """Opens a session for whom the identity provider sent back, if this browser began it."""
    provider = _provider(request)
    try:
        *texts, next = json.loads(unquote(request.cookies.get(cookie_name(request, HANDSHAKE), "")))
        handshake = Handshake(*map(str, texts))
    except (ValueError, TypeError):
        return login_page(request, NOT_BEGUN, status=401)
    if not (code and hmac.compare_digest(handshake.state.encode(), state.encode())):
        return login_page(request, NOT_BEGUN, status=401)
    try:
        person = provider.person(handshake, _back(request), code)
    except (ProviderUnavailable, Unauthorized) as error:
        return login_page(request, f"{error} {error.hint}", next=next, status=error.status)
    with open_session(engine.database) as session:
        end_session(session, session_cookie(request))
        logs.note(key=person.name)
        cookie = begin_session_of(session, person.name, person.scope)
        session.commit()
    home = at(HOME if reaches(person.scope, "admin") else "/")
    response = _enter(request, cookie, local_path(str(next), home))
    response.delete_cookie(cookie_name(request, HANDSHAKE), path=at("/"))
    return response


@router.post("/admin/logout")
def sign_out(request: Request, engine: EngineDep, _: SessionForm) -> Response:
    """Ends the session."""
    with open_session(engine.database) as session:
        end_session(session, session_cookie(request))
        session.commit()
    response = RedirectResponse(at("/"), status_code=303)
    response.delete_cookie(cookie_name(request), path=at("/"))
    return response


def login_page(request: Request, problem: str = "", *, next: str = "", status: int = 200) -> Response:
    """Shows the form to sign in with, and what was wrong the last time."""
    provider: Provider | None = request.app.state.provider
    page = LoginPage(
        problem=problem,
        next=local_path(next, ""),
        private=request.app.state.private,
        elsewhere=urlsplit(provider.issuer).netloc if provider else "",
    )
    return render(request, page, status=status)


def to_login(request: Request) -> Response:
    """Answers who has to sign in first with the way to the login page and back, or with that page itself
    after a form was sent, which would be lost on the way."""
    reading = request.method == "GET"
    query: bytes = request.scope["query_string"]
    here = at(quote(request.scope["raw_path"] + (b"?" + query if query else b""), safe="%/?&=+:,"))
    address = at(f"{LOGIN}?next={quote(here, safe='/')}" if reading else LOGIN)
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
    _keep(request, response, COOKIE, cookie, int(LIFETIME.total_seconds()))
    return response


def _keep(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(request, name),
        value,
        path=at("/"),
        max_age=seconds,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # strict would lose who follows a link elsewhere, as in a terminal in the browser
    )


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NotFound("No identity provider is set up here.", hint="Sign in with a key.")
    return provider


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{at(f'{OIDC}/back')}"
