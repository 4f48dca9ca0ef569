"""A job's request is validated once, for the API, the admin's page and the worker alike."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from indexer.build.gate import Gate
from indexer.estimate import Estimate, estimate
from indexer.jobs.queue import start_job
from search.db.connection import open_session
from search.db.lookup import find_collection
from search.db.recipe import IndexKind
from search.embedding.endpoint import check_model
from search.engine.engine import SearchEngine
from search.errors import ConfigurationError, InvalidRequest
from search.evaluation.judged import read_judged
from search.query.limits import MODES, is_text
from search.query.sent import Sent

MOST_DIMENSIONS = 16_384

GATE = (
    "How much lower than the live one's its nDCG@10 may be, by what was judged; else it stays ready and "
    "does not go live"
)


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
    dimensions: int | None = Field(default=None, ge=1, le=MOST_DIMENSIONS)
    passage_tokens: int | None = Field(default=None, ge=16, le=8192)
    index: IndexKind | None = None
    first: bool = False
    gate: float | None = Field(default=None, ge=0, le=1, description=GATE)

    @property
    def embeds(self) -> bool:
        """Whether it asks for other vectors, or for other texts to have some."""
        return bool(self.model or self.dimensions or self.passage_tokens)


class IngestRequest(_Request):
    """Asks for documents from a file or folder of the machine that the worker runs on, or from a web site
    that is neither of that machine nor of its network."""

    kind: Literal["ingest"]
    path: str
    format: str | None = None
    exclude: tuple[str, ...] = Field(default=(), max_length=100)
    encoding: str | None = None
    sync: bool = False
    id_column: str | None = None
    title_column: str | None = None
    text_column: str | None = None
    url_column: str | None = None
    as_text: tuple[str, ...] = Field(default=(), max_length=1000)
    limit: int = Field(default=1000, ge=1, le=100_000)
    hosts: tuple[str, ...] = Field(default=(), max_length=100)

    @field_validator("path")
    @classmethod
    def _is_no_database(cls, path: str) -> str:
        """Refuses a database before its password is stored in the queue."""
        from indexer.sources.web.addresses import is_address, is_site  # readers take long to load

        if is_address(path) and not is_site(path):
            raise ValueError("jobs read no databases: refract index does, where the password is not stored")
        return path


class EvaluateRequest(_Request):
    """Asks how good searches are by what was judged: of a generation (none: the live one) by a preset (none:
    the default one), steering and a mode; and beside it of another side, which is as this one in what is not
    given."""

    kind: Literal["evaluate"]
    preset: str | None = None
    steer: str | None = None
    mode: str | None = None
    generation: int | None = Field(default=None, ge=1, lt=1 << 62)
    against_collection: str | None = None
    against_preset: str | None = None
    against_steer: str | None = None
    against_mode: str | None = None
    against_generation: int | None = Field(default=None, ge=1, lt=1 << 62)

    @field_validator("mode", "against_mode")
    @classmethod
    def _is_mode(cls, mode: str | None) -> str | None:
        if mode is not None and mode not in MODES:
            raise PydanticCustomError("mode", "Use one of: {modes}", {"modes": ", ".join(MODES)})
        return mode


class LearnRequest(_Request):
    """Asks for knobs that what was judged teaches. They are offered, not turned."""

    kind: Literal["learn"]


class VerifyRequest(_Request):
    """Asks whether the database and the files made from it agree."""

    kind: Literal["verify"]
    repair: bool = False


class DumpRequest(_Request):
    """Asks for all that cannot be made again, in a new file on the machine that the worker runs on."""

    kind: Literal["dump"]
    path: str
    embeddings: bool = True


class BackupRequest(_Request):
    """Asks for a dump of everything where scheduled ones go, which is tried and kept as they are."""

    kind: Literal["backup"]
    collection: Literal[""] = ""


JobRequest = (
    ReindexRequest
    | IngestRequest
    | EvaluateRequest
    | LearnRequest
    | VerifyRequest
    | DumpRequest
    | BackupRequest
)
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


def estimate_job(engine: SearchEngine, request: ReindexRequest) -> Estimate:
    """Estimates what a job would cost.

    Raises:
        CollectionNotFound, InvalidRequest, ModelUnavailable: see `estimate`.
    """
    with _asked_for():
        return estimate(
            engine.database,
            engine.data,
            request.collection or engine.default_collection(),
            model=request.model,
            dimensions=request.dimensions,
            passage_tokens=request.passage_tokens,
        )


@contextmanager
def _asked_for() -> Iterator[None]:
    """A model that cannot be had is wrong in the request here, and in no setting.

    Raises:
        InvalidRequest: it cannot be had.
    """
    try:
        yield
    except ConfigurationError as error:
        raise InvalidRequest(error.message, hint=error.hint) from None


def start(engine: SearchEngine, request: JobRequest) -> int:
    """Puts a job in the queue; gives its number.

    Raises:
        CollectionNotFound: there is no collection of that name.
        InvalidRequest: the model's endpoint may not be asked, or nothing can be measured.
        Busy: one of this kind waits already.
    """
    if isinstance(request, BackupRequest):
        return start_job(engine.database, request.kind)
    collection = request.collection or engine.default_collection()
    if isinstance(request, ReindexRequest) and request.model:
        with _asked_for():
            check_model(request.model)  # what may hold a secret is not stored
    with open_session(engine.database) as session:
        number = find_collection(session, collection).id
        if isinstance(request, EvaluateRequest):
            read_judged(session, number).check(collection)
        if isinstance(request, LearnRequest):
            read_judged(session, number).check_teaches(collection)
    if isinstance(request, ReindexRequest) and request.gate is not None:
        Gate(request.gate).check_before(engine.database, number)
    options = request.model_dump(exclude={"kind", "collection"}, exclude_defaults=True)
    return start_job(engine.database, request.kind, collection, **options)
