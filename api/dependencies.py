"""Every request handler may ask for these: the engine, the collection, a well-formed address."""

from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Query, Request
from starlette.convertors import StringConvertor, register_url_convertor

from search.engine.engine import SearchEngine
from search.errors import InvalidRequest


class AnyText(StringConvertor):
    """What a document's id may be in an address: everything, line breaks too."""

    regex = "(?s:.*)"


register_url_convertor("any", AnyText())


def get_engine(request: Request) -> SearchEngine:
    """Gives the engine that the app was made with."""
    engine: SearchEngine = request.app.state.engine
    return engine


def check_address(request: Request) -> None:
    """Refuses addresses that are not UTF-8 text: decoding them anyway would search for something else.

    Raises:
        InvalidRequest: bytes that are not UTF-8, or NUL.
    """
    for raw in (request.scope.get("raw_path", b""), request.scope["query_string"]):
        try:
            text = unquote_to_bytes(raw).decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidRequest(
                "The address holds bytes that are not UTF-8.", hint="Percent-encode text as UTF-8."
            ) from None
        if "\0" in text:
            raise InvalidRequest("The address holds a NUL character.", hint="Remove it.")


def get_collection(
    engine: Annotated[SearchEngine, Depends(get_engine)],
    collection: Annotated[
        str, Query(description="Name of the collection; without it the default one is searched.")
    ] = "",
) -> str:
    """Gives the collection asked for, or the default one."""
    return collection or engine.default_collection()


EngineDep = Annotated[SearchEngine, Depends(get_engine)]
CollectionDep = Annotated[str, Depends(get_collection)]
