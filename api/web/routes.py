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
        login,
        admin,
        audit,
        webhooks,
    )
)
