"""The description of the API says what is really answered, so that clients made of it can read that."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.v1.schemas import errors

Json = dict[str, Any]

ALWAYS = (429, 503)
WITH_BODY = (408, 413)


def describe(app: FastAPI) -> Json:
    """Describes the API of an application, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for path, operations in schema["paths"].items():
            if path.startswith("/v1"):
                for operation in operations.values():
                    _name_errors(operation)
        for unused in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(unused, None)
        app.openapi_schema = _plain(schema)
    return app.openapi_schema


def _name_errors(operation: Json) -> None:
    """Names the errors that any address may answer with, and not the one that none does: what is no request
    of its form is answered with 400."""
    statuses = (*ALWAYS, *(WITH_BODY if "requestBody" in operation else ()))
    envelope = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorEnvelope"}}}
    for status, described in errors(*statuses).items():
        operation["responses"].setdefault(
            str(status), {"description": described["description"], "content": envelope}
        )
    if "HTTPValidationError" in str(operation["responses"].get("422")):
        del operation["responses"]["422"]


def _plain(part: Any) -> Any:
    """Writes a constant as a choice of one: some programs refuse another value of a union with a constant."""
    if isinstance(part, list):
        return [_plain(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "const" in part and not isinstance(part["const"], dict):
        part = {name: each for name, each in part.items() if name != "const"} | {"enum": [part["const"]]}
    return {name: _plain(each) for name, each in part.items()}
