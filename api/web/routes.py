"""All routes of the web pages."""

from api.web import admin, login, search

PAGE_ROUTERS = (search.router, login.router, admin.router)
