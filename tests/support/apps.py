"""The web application, for tests: many of them, and their routes made once a process."""

from collections.abc import Collection

from fastapi import FastAPI
from starlette.routing import BaseRoute

from api.app import create_app
from search.engine.engine import SearchEngine

_ROUTES: dict[bool, list[BaseRoute]] = {}


def app_of(engine: SearchEngine, *, private: bool = False, hosts: Collection[str] | None = None) -> FastAPI:
    """The application of an engine. A new one would make models of all parameters at its first request: that
    takes a third of a second, and what they are has nothing to do with the engine."""
    app = create_app(engine, private=private, hosts=hosts)
    app.router.routes = list(_ROUTES.setdefault(private, app.router.routes))
    return app
