"""The command that serves agents over standard input and output."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal.context import opened
from search.errors import ConfigurationError

if TYPE_CHECKING:
    from api.mcp.upstream import Upstream

app = typer.Typer()


@app.command("mcp")
def serve_agents(
    url: Annotated[
        str,
        typer.Option(
            help="Address of a running server to ask, like https://search.example.org, with the key of "
            "REFRACT_KEY; without it the collections of this machine are searched."
        ),
    ] = "",
) -> None:
    """Serve agents by the Model Context Protocol over standard input and output."""
    if not find_spec("mcp"):
        raise ConfigurationError("The package mcp is not installed.", hint="Run pip install 'refract[mcp]'.")
    if url:
        _ask(url)
    else:
        _search_here()


def _ask(url: str) -> None:
    import httpx2

    from api.mcp.upstream import TIMEOUT, Upstream
    from search.settings import load_settings

    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{url[:100]!r} is not an address.", hint="Write it like http://HOST:8000.")
    key = load_settings().key
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    _serve(Upstream(client=httpx2.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT)))


def _search_here() -> None:
    from api.app import create_app
    from api.mcp.upstream import Upstream
    from search.engine.engine import SearchEngine

    with opened() as (settings, database):
        engine = SearchEngine(database, settings.data)
        engine.snapshots.follow()
        try:
            _serve(Upstream(app=create_app(engine)))
        finally:
            engine.snapshots.end()


def _serve(upstream: "Upstream") -> None:
    """Answers until standard input ends."""
    from api.mcp.tools import make_server

    make_server(upstream).run("stdio")
