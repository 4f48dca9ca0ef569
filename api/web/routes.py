"""All routes of the web pages."""

from api.web import admin, documents, login, search

PAGE_ROUTERS = (search.router, documents.router, login.router, admin.router)
