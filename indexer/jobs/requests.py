"""A job's request is validated once, for the API, the admin's page and the worker alike."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from indexer.jobs.queue import start_job
from search.db.connection import open_session
from search.db.lookup import find_collection
from search.db.recipe import IndexKind
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest
from search.query.limits import is_text
from search.query.sent import Sent


class _Request(Sent):
    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _is_text(self) -> Self:
        for name, value in self:
            if not all(is_text(each) for each in (value if isinstance(value, tuple) else [str(value)])):
                raise PydanticCustomError("not_text", "{name} holds NUL or a surrogate", {"name": name})
        return self

    collection: str = ""


class ReindexRequest(_Request):
    """Asks for a new generation, of what is given here anew and else as the live one is; the `first` one
    only where there is none when the job begins."""

    kind: Literal["reindex"]
    model: str | None = None
    passage_tokens: int | None = Field(default=None, ge=16, le=8192)
    index: IndexKind | None = None
    first: bool = False


class IngestRequest(_Request):
    """Asks for documents from a file or folder of the machine that the worker runs on, or from a web site
    that is neither of that machine nor of its network."""

    kind: Literal["ingest"]
    path: str
    format: str | None = None
    exclude: tuple[str, ...] = Field(default=(), max_length=100)
    sync: bool = False
    id_column: str | None = None
    title_column: str | None = None
    text_column: str | None = None
    url_column: str | None = None
    as_text: tuple[str, ...] = Field(default=(), max_length=1000)
    limit: int = Field(default=1000, ge=1, le=100_000)
    hosts: tuple[str, ...] = Field(default=(), max_length=100)


class VerifyRequest(_Request):
    """Asks whether the database and the files made from it agree."""

    kind: Literal["verify"]
    repair: bool = False


class DumpRequest(_Request):
    """Asks for all that cannot be made again, in a new file on the machine that the worker runs on."""

    kind: Literal["dump"]
    path: str
    embeddings: bool = True


JobRequest = ReindexRequest | IngestRequest | VerifyRequest | DumpRequest
_JOB_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(Annotated[JobRequest, Field(discriminator="kind")])


def read_request(kind: str, collection: str | None, arguments: Mapping[str, Any]) -> JobRequest:
    """Validates the request that a form or a row of the queue describes; what is left out stays as it is.

    Raises:
        InvalidRequest: naming the field.
    """
    try:
        return _JOB_REQUEST.validate_python({**arguments, "kind": kind, "collection": collection or ""})
    except ValidationError as error:
        first = error.errors()[0]
        # Without a place it is the kind that there is not.
        field, given = (first["loc"][-1], first["input"]) if first["loc"] else ("kind", kind)
        told = f"{field}={str(given)[:80]!r} cannot be used."
        raise InvalidRequest(told, hint=f"{first['msg']}.") from None


def start(engine: SearchEngine, request: JobRequest) -> int:
    """Puts a job in the queue; gives its number.

    Raises:
        CollectionNotFound: there is no collection of that name.
        Busy: one of this kind waits already.
    """
    collection = request.collection or engine.default_collection()
    with open_session(engine.database) as session:
        find_collection(session, collection)
    options = request.model_dump(exclude={"kind", "collection"}, exclude_defaults=True)
    return start_job(engine.database, request.kind, collection, **options)
