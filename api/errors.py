"""Any error becomes an answer here: an envelope of JSON, or a page."""

import logging
import reprlib

import psycopg
import sqlalchemy.exc
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.middleware.request_ids import HEADER
from api.monitoring.reading import PATH
from api.views import rendering
from api.web.login import to_login
from search import logs
from search.db.connection import GONE, first_line, unavailable
from search.errors import InvalidRequest, NotFound, RefractError, Unauthorized

logger = logging.getLogger(__name__)

UNUSABLE = (sqlalchemy.exc.DataError, psycopg.DataError, UnicodeEncodeError)
"""These are raised where the database has no such value: a number beyond 64 bits, NUL, a surrogate."""


def on_error(request: Request, error: Exception) -> Response:
    """Answers any error with the envelope, or with its page for those who look at pages."""
    known = as_refract_error(request, error)
    answer = _answer(request, known)
    if request_id := logs.noted("request_id"):  # what nobody foresaw is answered outside of our middleware
        answer.headers[HEADER] = request_id
    return answer


def _answer(request: Request, known: RefractError) -> Response:
    if request.url.path.startswith(("/v1", "/mcp", "/healthz", "/readyz", PATH)):
        headers = {"WWW-Authenticate": "Bearer"} if known.status == 401 else None
        response: Response = JSONResponse(envelope(known), status_code=known.status, headers=headers)
    elif isinstance(known, Unauthorized):
        return to_login(request)
    else:
        response = rendering.error_page(request, known)
    response.headers.update(retry_header(known))
    return response


def retry_header(error: RefractError) -> dict[str, str]:
    """Says when to ask again, where that is known."""
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


def envelope(error: RefractError) -> dict[str, dict[str, str | None]]:
    """Says an error as JSON, with the number of the request that it answers."""
    told = {"code": error.code, "message": error.message, "hint": error.hint}
    return {"error": {**told, "request_id": logs.noted("request_id")}}


def as_refract_error(request: Request, error: Exception) -> RefractError:
    """Puts an error in Refract's own terms; what nobody foresaw is logged and says nothing of its insides."""
    if isinstance(error, RefractError):
        return error
    if isinstance(error, GONE):
        return unavailable(error)
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, UNUSABLE):
        logger.warning("Unusable value at %s: %s", request.url.path, first_line(error))
        return InvalidRequest(
            f"The request holds a value that cannot be: {first_line(error)[:200]}.",
            hint="Use numbers of at most 18 digits, and text without NUL and surrogates.",
        )
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound(
            f"There is nothing at {request.url.path[:200]}.", hint="Start from the search page at /."
        )
    if isinstance(error, HTTPException):
        known = RefractError(
            f"{request.method} {request.url.path[:200]}: {error.detail}.", hint=_methods(error)
        )
        known.status, known.code = error.status_code, "http"
        return known
    logger.error("Unexpected error at %s", request.url.path, exc_info=error)
    return RefractError("Something went wrong inside Refract.", hint="Its log says more. Please report it.")


def _invalid(error: RequestValidationError) -> InvalidRequest:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in ("query", "path", "body")]
    name = ".".join(where) or "The request's body"
    if first["type"] == "json_invalid":
        return InvalidRequest(
            f"The request's body is not JSON from character {first['loc'][-1]} on.", hint="Is it cut off?"
        )
    if first["type"] == "missing":
        return InvalidRequest(f"{name} is missing.", hint=f"Send {name}.")
    given = first.get("input")
    shown = repr(given[:80]) if isinstance(given, str) else reprlib.repr(given)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return InvalidRequest(f"{name}={shown} cannot be used.", hint=f"{first['msg']}.")


def _methods(error: HTTPException) -> str:
    allowed = (error.headers or {}).get("Allow", "")
    return f"Use {allowed}." if allowed else ""
