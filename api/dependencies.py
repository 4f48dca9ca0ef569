"""Every request handler may ask for these: the engine and the collection as the caller may see them, a
well-formed address."""

from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Query, Request
from starlette.convertors import StringConvertor, register_url_convertor

from api.auth.callers import CallerDep
from api.auth.sessions import Caller
from indexer.insights.log import QuestionLog
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest
from search.rights import NOTHING, PUBLIC, Rights


class AnyText(StringConvertor):
    """What a document's id may be in an address: everything, line breaks too."""

    regex = "(?s:.*)"


register_url_convertor("any", AnyText())


async def get_engine(request: Request, caller: CallerDep) -> SearchEngine:
    """Gives the engine that the app was made with, as the caller may use it."""
    engine: SearchEngine = request.app.state.engine
    return engine.on_behalf_of(rights_of(request, caller))


def rights_of(request: Request, caller: Caller | None) -> Rights:
    """Says what the caller may know of; without a key or a session what is public, or nothing."""
    if caller is not None:
        return caller.rights
    return NOTHING if request.app.state.private else PUBLIC


EngineDep = Annotated[SearchEngine, Depends(get_engine)]


async def get_questions(request: Request) -> QuestionLog:
    """Gives what notes the questions that are answered."""
    questions: QuestionLog = request.app.state.questions
    return questions


QuestionsDep = Annotated[QuestionLog, Depends(get_questions)]


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
    engine: EngineDep,
    collection: Annotated[
        str, Query(description="Name of the collection; without it the default one is searched.")
    ] = "",
) -> str:
    """Gives the collection asked for, or the default one.

    Raises:
        CollectionNotFound: there is none of that name for the caller.
    """
    return engine.chosen(collection)


CollectionDep = Annotated[str, Depends(get_collection)]
