"""Defines the exceptions of Refract, one tree:

RefractError
├── InvalidRequest            400  the request's own words are wrong
│   ├── InvalidQuery               empty, too long, not text
│   ├── InvalidSteering            unknown form, strength out of range
│   ├── InvalidFilter              unknown field, a value that does not fit it
│   ├── InvalidPage                limit or offset out of range
│   ├── TooLarge              413  more than is read of one request
│   ├── TooSlow               408  the body did not come in time
│   ├── Busy                  409  something else is at it: wait, then ask again
│   └── GateClosed            409  a new generation is worse than its gate allows: the old one stays live
├── Unauthorized              401  a key or a session is needed, and there is none that holds
├── TooManyRequests           429  this caller's share is used up: ask again, see Retry-After
├── Forbidden                 403  the key or session does not reach this far
│   └── CrossSite                  a form that comes from another site, or without its token
├── NotFound                  404
│   ├── CollectionNotFound
│   ├── FeatureNotFound
│   ├── DocumentNotFound
│   ├── PassageNotFound
│   ├── PresetNotFound
│   ├── RepairNotFound
│   ├── JobNotFound
│   ├── WebhookNotFound
│   └── KeyNotFound
├── NotIndexed                503  the collection exists, but nothing is live yet
│   └── IndexReplaced              the generation at hand was dropped meanwhile: ask again
├── StoreUnavailable          503  the database does not answer
├── VectorsUnavailable        503  the vector engine does not answer, or refuses
│   └── TooMuch                    it takes less in one call
├── ReadOnly                  405  the database only reads: a copy of another
├── ModelUnavailable          503  an embedding endpoint does not answer as it should
├── EditorUnavailable         503  what rewrites texts does not answer as it should
├── ProviderUnavailable       503  the identity provider does not answer; keys still work
├── Overloaded                503  more waits than can be answered in time: ask again, see Retry-After
├── TimedOut                  503  the answer took longer than an answer may
├── IndexDamaged              500  a derived file is missing or fails its hash
├── ConfigurationError        500  settings, installation, data folder
├── DictionaryError           422  a dictionary cannot be made, read or used here
├── SourceError               422  a source of documents cannot be read at all
├── LexiconError              422  a file of names cannot be read
└── LabelError                422  labels cannot be taken in

Each carries a `code` that API clients may rely on, an HTTP `status`, a message that names the
value at fault and, wherever there is one, a hint that says what to do about it.
"""

import math
from collections.abc import Mapping
from typing import Any


class RefractError(Exception):
    """Is the root of all errors that Refract raises on purpose.

    `message` names the value at fault, `hint` the remedy; `retry_after`: in how many seconds the same may
    work.
    """

    code = "error"
    status = 500
    retry_after: int | None = None

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidRequest(RefractError):
    code = "invalid_request"
    status = 400


class InvalidQuery(InvalidRequest):
    code = "invalid_query"


class InvalidSteering(InvalidRequest):
    code = "invalid_steering"


class InvalidFilter(InvalidRequest):
    code = "invalid_filter"


class InvalidPage(InvalidRequest):
    code = "invalid_page"


class TooLarge(InvalidRequest):
    code = "too_large"
    status = 413


class TooSlow(InvalidRequest):
    code = "too_slow"
    status = 408


class Busy(InvalidRequest):
    code = "busy"
    status = 409


class GateClosed(InvalidRequest):
    """Carries what was found, as the result of the job that built the generation."""

    code = "gate_closed"
    status = 409

    def __init__(self, message: str, *, hint: str, found: Mapping[str, Any]) -> None:
        super().__init__(message, hint=hint)
        self.found = found


class Unauthorized(RefractError):
    """Says the same whether a key is missing, wrong or revoked."""

    code = "unauthorized"
    status = 401


class TooManyRequests(RefractError):
    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, retry_after: float) -> None:
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(message, hint=f"Ask again in {self.retry_after} s.")


class Forbidden(RefractError):
    code = "forbidden"
    status = 403


class CrossSite(Forbidden):
    code = "cross_site"


class NotFound(RefractError):
    code = "not_found"
    status = 404


class CollectionNotFound(NotFound):
    code = "collection_not_found"


class FeatureNotFound(NotFound):
    code = "feature_not_found"


class DocumentNotFound(NotFound):
    code = "document_not_found"


class PassageNotFound(NotFound):
    code = "passage_not_found"


class PresetNotFound(NotFound):
    code = "preset_not_found"


class RepairNotFound(NotFound):
    code = "repair_not_found"


class JobNotFound(NotFound):
    code = "job_not_found"


class WebhookNotFound(NotFound):
    code = "webhook_not_found"


class KeyNotFound(NotFound):
    code = "key_not_found"


class NotIndexed(RefractError):
    code = "not_indexed"
    status = 503


class IndexReplaced(NotIndexed):
    code = "index_replaced"
    retry_after = 1


class StoreUnavailable(RefractError):
    code = "store_unavailable"
    status = 503
    retry_after = 5


class VectorsUnavailable(RefractError):
    code = "vectors_unavailable"
    status = 503
    retry_after = 5


class TooMuch(VectorsUnavailable):
    """Says that more was sent or asked for at once than goes through one call."""


class ReadOnly(RefractError):
    code = "read_only"
    status = 405


class ModelUnavailable(RefractError):
    code = "model_unavailable"
    status = 503


class EditorUnavailable(RefractError):
    code = "editor_unavailable"
    status = 503


class ProviderUnavailable(RefractError):
    code = "provider_unavailable"
    status = 503


class Overloaded(RefractError):
    code = "overloaded"
    status = 503

    def __init__(self, message: str, *, retry_after: float) -> None:
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(message, hint=f"Ask again in {self.retry_after} s.")


class TimedOut(RefractError):
    code = "timed_out"
    status = 503


class IndexDamaged(RefractError):
    code = "index_damaged"


class ConfigurationError(RefractError):
    code = "configuration"


class DictionaryError(RefractError):
    code = "dictionary"
    status = 422


class SourceError(RefractError):
    code = "source"
    status = 422


class LexiconError(RefractError):
    code = "lexicon_error"
    status = 422


class LabelError(RefractError):
    code = "label"
    status = 422
