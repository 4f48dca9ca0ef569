"""The admin's page of webhooks."""

from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.responses import Response

from api.auth.guards import AdminDep, AdminForm, Fields
from api.dependencies import EngineDep
from api.middleware.proxy import at
from api.views.rendering import Page, render
from api.web.admin.pages import number_in
from indexer.hooks.events import KINDS
from indexer.hooks.sending import Outcome
from indexer.hooks.webhooks import (
    MAX_NOTE,
    MAX_URL,
    DeliveryInfo,
    MadeWebhook,
    WebhookInfo,
    delete_webhook,
    list_deliveries,
    list_webhooks,
    make_webhook,
    set_enabled,
    try_webhook,
)
from search.db.connection import open_session
from search.settings import comma_separated

router = APIRouter(prefix="/admin/webhooks", include_in_schema=False)

DELIVERIES = 20


@dataclass(frozen=True)
class WebhooksPage(Page):
    """Shows all webhooks, the one just `made` with its secret, what came of trying the one that was `tried`,
    and the latest deliveries of the one that is `shown`."""

    template = "admin/webhooks.html"

    webhooks: list[WebhookInfo]
    made: MadeWebhook | None = None
    tried: int = 0
    outcome: Outcome | None = None
    shown: int = 0
    deliveries: list[DeliveryInfo] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=lambda: KINDS)
    longest_url: int = MAX_URL
    longest_note: int = MAX_NOTE


@router.get("")
def webhooks_page(request: Request, engine: EngineDep, _: AdminDep, show: int = 0) -> Response:
    """Shows all webhooks, a form for a new one, and the deliveries of one."""
    with open_session(engine.database) as session:
        deliveries = list_deliveries(session, show, limit=DELIVERIES) if show else []
        page = WebhooksPage(list_webhooks(session), shown=show, deliveries=deliveries)
    return render(request, page)


@router.post("")
def post_webhook(request: Request, engine: EngineDep, form: AdminForm) -> Response:
    """Makes a webhook and shows its secret, this once; or tries, disables, enables or deletes one."""
    with open_session(engine.database) as session:
        if "test" in form:
            tried = number_in(form, "test")
            outcome = try_webhook(session, tried)
            return render(request, WebhooksPage(list_webhooks(session), tried=tried, outcome=outcome))
        made = _change(session, form)
        session.commit()
        if made:
            return render(request, WebhooksPage(list_webhooks(session), made))
    return RedirectResponse(at("/admin/webhooks"), status_code=303)


def _change(session: Session, form: Fields) -> MadeWebhook | None:
    if "delete" in form:
        delete_webhook(session, number_in(form, "delete"))
    elif "disable" in form:
        set_enabled(session, number_in(form, "disable"), enabled=False)
    elif "enable" in form:
        set_enabled(session, number_in(form, "enable"), enabled=True)
    else:
        return make_webhook(
            session,
            form.get("url", "").strip(),
            kinds=form.getlist("kind"),
            collections=comma_separated(form.get("collections", "")),
            note=form.get("note", ""),
        )
    return None
