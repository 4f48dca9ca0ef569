"""Guards decide who may do what: dependencies for the JSON API, which takes keys, and for pages, which take
sessions.

@router.post("/v1/documents", dependencies=[Depends(require("write"))])
def admin_page(request: Request, admin: AdminDep) -> Response: ...
def change(form: AdminForm) -> Response: ...
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import ImmutableMultiDict

from api.auth.callers import OPEN, ByKey, CallerDep, SignedIn, look_up, unauthorized
from api.auth.scopes import Scope, reaches
from api.auth.sessions import Caller, csrf_token, session_cookie
from search.errors import CrossSite, Forbidden, InvalidRequest

MAX_FORM = 1 << 20
FORM_TYPE = "application/x-www-form-urlencoded"

Fields = ImmutableMultiDict[str, str]

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="A key made by refract keys create.")),
]


def require(needed: Scope) -> Callable[..., Awaitable[Caller]]:
    """Makes a dependency of routes that need a key of this scope or a wider one.

    Raises (when it runs):
        Unauthorized: the key is missing, wrong or revoked; it does not say which.
        Forbidden: the key's scope is too narrow.
    """

    async def check(caller: ByKey, _: Bearer) -> Caller:
        return _reaching(caller, needed)

    return check


async def check_caller(caller: CallerDep) -> None:
    """Lets everybody search, but for those whose key does not hold.

    Raises:
        Unauthorized: it does not.
    """


async def check_private(request: Request, caller: CallerDep, _: Bearer) -> None:
    """Lets only those search who have a key or a session. A key goes before a session.

    Raises:
        Unauthorized: neither is there, or it does not hold.
    """
    if request.url.path not in OPEN:
        _reaching(caller, "search")


def may_write(request: Request) -> bool:
    """Whether a request has a key that may write."""
    caller = look_up(request)
    return caller is not None and reaches(caller.scope, "write")


async def any_session(caller: SignedIn) -> Caller:
    """Gives whoever is signed in.

    Raises:
        Unauthorized: nobody is; the app answers with the way to the login page.
    """
    return _reaching(caller, "search")


async def admin_session(caller: SignedIn) -> Caller:
    """Gives the admin who is signed in.

    Raises:
        Unauthorized: nobody is signed in; the app answers with the way to the login page.
        Forbidden: somebody is, with a key of another scope.
    """
    return _reaching(caller, "admin")


async def check_same_site(request: Request) -> None:
    """Refuses what a browser sends on behalf of another site.

    Raises:
        CrossSite: the browser says that another site made it send this.
    """
    origin = request.headers.get("Origin")
    host = request.headers.get("Host", "")
    foreign = origin is not None and origin.partition("://")[2].lower() != host.lower()
    if foreign or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise CrossSite(
            "This form was sent by a page of another site.",
            hint="Use the form on Refract's own page. A proxy in front has to pass the Host header on.",
        )


async def read_form(request: Request) -> Fields:
    """Reads the fields of a form that a page sent.

    Raises:
        InvalidRequest: not a form, too long, or not text.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            raise InvalidRequest("The form is too long.", hint=f"Send at most {MAX_FORM:,} bytes.")
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if body and kind != FORM_TYPE:
        raise InvalidRequest("The request's body is no form.", hint=f"Send it as {FORM_TYPE}.")
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise InvalidRequest(
            "The form's fields cannot be read.", hint="Percent-encode text as UTF-8, 1,000 fields at most."
        ) from None
    if any("\0" in part for field in fields for part in field):
        raise InvalidRequest("The form holds a NUL character.", hint="Remove it.")
    return Fields(fields)


SameSite = Annotated[None, Depends(check_same_site)]
FormDep = Annotated[Fields, Depends(read_form)]


async def session_form(
    request: Request, _: SameSite, __: Annotated[Caller, Depends(any_session)], form: FormDep
) -> Fields:
    """Reads the fields of a form that comes from a page of the session it is sent in.

    Raises:
        CrossSite: it comes from elsewhere, or its token is missing or another session's.
        Unauthorized: nobody is signed in.
        InvalidRequest: it cannot be read.
    """
    right = csrf_token(session_cookie(request))
    if not hmac.compare_digest(form.get("csrf", "").encode(), right.encode()):
        raise CrossSite(
            "This form does not belong to your session.", hint="Open its page again and send it from there."
        )
    return form


async def writer_session(caller: SignedIn) -> Caller:
    """Gives whoever is signed in and may write.

    Raises:
        Unauthorized: nobody is signed in; the app answers with the way to the login page.
        Forbidden: somebody is, with a key that only searches.
    """
    return _reaching(caller, "write")


SessionForm = Annotated[Fields, Depends(session_form)]
AdminDep = Annotated[Caller, Depends(admin_session)]


async def admin_form(_: SameSite, __: AdminDep, form: SessionForm) -> Fields:
    """Reads the fields of a form of an admin's page.

    Raises:
        CrossSite, Unauthorized, Forbidden, InvalidRequest: as `session_form` and `admin_session`.
    """
    return form


AdminForm = Annotated[Fields, Depends(admin_form)]


async def writer_form(
    _: SameSite, __: Annotated[Caller, Depends(writer_session)], form: SessionForm
) -> Fields:
    """Reads the fields of a form on a page that all see, and whose user may write.

    Raises:
        CrossSite, Unauthorized, Forbidden, InvalidRequest: as `session_form` and `writer_session`.
    """
    return form


WriterForm = Annotated[Fields, Depends(writer_form)]


def _reaching(caller: Caller | None, needed: Scope) -> Caller:
    if caller is None:
        raise unauthorized()
    if not reaches(caller.scope, needed):
        raise Forbidden(
            f"This needs the scope {needed}, and your key has the scope {caller.scope}.",
            hint=f"Use a key made by refract keys create NAME --scope {needed}.",
        )
    return caller
