"""All routes of the JSON API."""

from api.v1 import admin, audit, documents, events, insights, judgements, presets, repairs, search, webhooks

API_ROUTERS = (
    documents.router,
    admin.router,
    audit.router,
    events.router,
    webhooks.router,
    presets.router,
    judgements.router,
    insights.router,
    repairs.router,
    search.router,
)
