"""All routes of the web pages."""

from api.web import (
    analyze,
    dictionary,
    documents,
    explain,
    export,
    features,
    judgements,
    login,
    presets,
    repairs,
    search,
    suggest,
    tips,
)
from api.web.admin import audit, insights, pages, webhooks

PAGE_ROUTERS = tuple(
    page.router
    for page in (
        search,
        suggest,
        features,
        documents,
        dictionary,
        explain,
        export,
        presets,
        judgements,
        repairs,
        analyze,
        tips,
        login,
        pages,
        insights,
        audit,
        webhooks,
    )
)
