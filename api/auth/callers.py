"""A caller is who asks: by a key, by a session, or anybody. What they may see goes into the engine that
answers them.

A key that is presented and does not hold is refused everywhere: who sent it must not take what anybody sees
for what they may see.

What these dependencies do without the database they do at once. In a thread, as functions that are not
`async` are run, each would wait for two turns of the interpreter, which are rare on a busy server.
"""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security.utils import get_authorization_scheme_param

from api.auth.keys import find_key
from api.auth.sessions import Caller, caller_of, find_session, session_cookie
from search import logs
from search.db.connection import open_session
from search.errors import Unauthorized

LOGIN = "/admin/login"
OPEN = frozenset({"/healthz", "/readyz", "/metrics", LOGIN, f"{LOGIN}/oidc", f"{LOGIN}/oidc/back"})


def unauthorized() -> Unauthorized:
    """Makes the one answer to a key that is missing, wrong, revoked or out of date."""
    return Unauthorized(
        "This needs a key, and there was none that holds.",
        hint="Send Authorization: Bearer KEY; refract keys create makes one.",
    )


def presented_key(request: Request) -> str:
    """Gives the key that a request presents, "" if none."""
    scheme, key = get_authorization_scheme_param(request.headers.get("Authorization"))
    return key if scheme.lower() == "bearer" else ""


def look_up(request: Request) -> Caller | None:
    """Looks up whose key the request presents; None: it presents none, or none that holds."""
    key = presented_key(request)
    if not key:
        return None
    with open_session(request.app.state.engine.database) as session:
        found = find_key(session, key)
        caller = caller_of(found) if found else None
        session.commit()
    return caller


async def find_by_key(request: Request) -> Caller | None:
    """Finds whose key the request presents, if any.

    Raises:
        Unauthorized: the key is wrong, revoked or out of date; it does not say which.
    """
    if not presented_key(request) or request.url.path in OPEN:
        return None
    caller = await run_in_threadpool(look_up, request)
    if caller is None:
        raise unauthorized()
    logs.note(key=caller.name)
    return caller


async def find_signed_in(request: Request) -> Caller | None:
    """Finds whose session the request belongs to, if any."""
    cookie = session_cookie(request)
    if not cookie:
        return None
    caller = await run_in_threadpool(_of_session, request, cookie)
    logs.note(key=caller and caller.name)
    return caller


def _of_session(request: Request, cookie: str) -> Caller | None:
    with open_session(request.app.state.engine.database) as session:
        return find_session(session, cookie)


ByKey = Annotated[Caller | None, Depends(find_by_key)]
SignedIn = Annotated[Caller | None, Depends(find_signed_in)]


async def find_caller(request: Request, by_key: ByKey, signed_in: SignedIn) -> Caller | None:
    """Finds who asks; a key goes before a session. What stands around the request finds them in its state."""
    request.state.caller = by_key or signed_in
    return by_key or signed_in


CallerDep = Annotated[Caller | None, Depends(find_caller)]
