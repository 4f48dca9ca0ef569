"""Webhooks by the JSON API: who hears of events, and what came of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth.guards import require
from api.dependencies import EngineDep
from api.v1 import examples
from api.v1.schemas import errors
from indexer.hooks.events import KINDS
from indexer.hooks.webhooks import (
    MAX_ID,
    MAX_NOTE,
    MAX_URL,
    MOST_COLLECTIONS,
    DeliveryInfo,
    MadeWebhook,
    WebhookInfo,
    delete_webhook,
    get_webhook,
    list_deliveries,
    list_webhooks,
    make_webhook,
    set_enabled,
    try_webhook,
)
from search.db.connection import open_session
from search.query.limits import MAX_LIMIT, check_page
from search.query.sent import Listed, Sent

router = APIRouter(
    prefix="/v1/webhooks",
    responses=errors(400, 401, 403, 404, 413, 503),
    tags=["admin"],
    dependencies=[Depends(require("admin"))],
)


class WebhookIn(Sent):
    model_config = ConfigDict(json_schema_extra={"examples": examples.WEBHOOKS})

    url: str = Field(max_length=MAX_URL, description="Where events are sent to, by POST")
    kinds: Listed[str] = Field(default=[], description=f"Of {', '.join(KINDS)}; none: all")
    collections: Listed[str] = Field(
        default=[], description=f"Names of collections, at most {MOST_COLLECTIONS}; none: all"
    )
    note: str = Field(default="", description=f"What it is for, at most {MAX_NOTE} characters")


class WebhookChange(Sent):
    enabled: bool = Field(description="Whether it hears of events from now on")


class DeletedWebhook(BaseModel):
    deleted: int


class TriedWebhook(BaseModel):
    """What came of a ping: whether it was taken, the `status` that was answered (null: none was), the same in
    words, and how long it took."""

    delivered: bool
    status: int | None
    answer: str
    milliseconds: int


@router.get("")
def get_webhooks(engine: EngineDep) -> list[WebhookInfo]:
    """All webhooks, without their secrets."""
    with open_session(engine.database) as session:
        return list_webhooks(session)


@router.post("", status_code=201)
def post_webhook(engine: EngineDep, body: WebhookIn) -> MadeWebhook:
    """Makes a webhook, which hears of what happens from now on. Its secret is told this once."""
    with open_session(engine.database) as session:
        made = make_webhook(session, body.url, kinds=body.kinds, collections=body.collections, note=body.note)
        session.commit()
    return made


@router.patch("/{webhook}")
def patch_webhook(engine: EngineDep, webhook: int, body: WebhookChange) -> WebhookInfo:
    """Disables a webhook, or enables it again; then what waited for it is sent."""
    with open_session(engine.database) as session:
        set_enabled(session, webhook, enabled=body.enabled)
        session.commit()
        return get_webhook(session, webhook)


@router.delete("/{webhook}")
def remove_webhook(engine: EngineDep, webhook: int) -> DeletedWebhook:
    """Deletes a webhook with its deliveries."""
    with open_session(engine.database) as session:
        delete_webhook(session, webhook)
        session.commit()
    return DeletedWebhook(deleted=webhook)


@router.post("/{webhook}/test")
def post_test(engine: EngineDep, webhook: int) -> TriedWebhook:
    """Sends a ping at once, from the server's machine, and says what came of it."""
    with open_session(engine.database) as session:
        outcome = try_webhook(session, webhook)
    return TriedWebhook(
        delivered=outcome.delivered,
        status=outcome.status,
        answer=outcome.answer,
        milliseconds=outcome.milliseconds,
    )


@router.get("/{webhook}/deliveries")
def get_deliveries(
    engine: EngineDep,
    webhook: int,
    before: Annotated[int, Query(ge=0, le=MAX_ID, description="Only events before this one")] = MAX_ID,
    limit: Annotated[int, Query(description=f"1 to {MAX_LIMIT}")] = 50,
) -> list[DeliveryInfo]:
    """Where the deliveries of a webhook stand, the latest event first."""
    check_page(limit, 0)
    with open_session(engine.database) as session:
        return list_deliveries(session, webhook, before=before, limit=limit)
