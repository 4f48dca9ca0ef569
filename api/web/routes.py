"""All routes of the web pages."""

from api.web import (
    admin,
    analyze,
    audit,
    dictionary,
    documents,
    explain,
    export,
    features,
    login,
    presets,
    search,
    suggest,
    tips,
    webhooks,
)

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
        analyze,
        tips,
        login,
        admin,
        audit,
        webhooks,
    )
)
