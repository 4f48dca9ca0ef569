"""All routes of the web pages."""

from api.web import (
    admin,
    analyze,
    audit,
    dictionary,
    documents,
    explain,
    features,
    login,
    presets,
    search,
    tips,
    webhooks,
)

PAGE_ROUTERS = tuple(
    page.router
    for page in (
        search,
        features,
        documents,
        dictionary,
        explain,
        presets,
        analyze,
        tips,
        login,
        admin,
        audit,
        webhooks,
    )
)
