"""All routes of the JSON API."""

from api.v1 import admin, documents, presets, search

API_ROUTERS = (documents.router, admin.router, presets.router, search.router)
