"""All routes of the JSON API."""

from api.v1 import admin, audit, documents, presets, search

API_ROUTERS = (documents.router, admin.router, audit.router, presets.router, search.router)
