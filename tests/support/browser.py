"""What tests in a browser share."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page
from sqlalchemy import URL, Engine

from tests.support.commands import served

AXE = Path(__file__).parent.parent / "browser" / "vendor" / "axe-4.14.1.min.js"

LOOKS: list[tuple[int, Literal["light", "dark"]]] = [
    (width, scheme) for width in (400, 1400) for scheme in ("light", "dark")
]

OpenPage = Callable[..., Page]
Fill = Callable[[Engine, Path], object]
ServePages = Callable[..., OpenPage]

GIVEN_UP = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx writes of a request that is given up for a newer one; of one that fails it writes more."""


@contextlib.contextmanager
def pages_of(browser: Browser, url: URL, data: Path, **settings: str) -> Iterator[OpenPage]:
    """Serves a database, with a worker, and opens its pages for an admin or for a stranger."""
    environment = {
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "REFRACT_DATA": str(data),
        **settings,
    }
    with contextlib.ExitStack() as stack:
        address, line, _ = stack.enter_context(served(environment))
        signed_in = browser.new_context(base_url=address)
        stack.callback(signed_in.close)
        signed_in.new_page().goto(line.split()[2])
        state = signed_in.storage_state()

        def opened(path: str, *, admin: bool = True, **options: Any) -> Page:
            context = browser.new_context(base_url=address, storage_state=state if admin else None, **options)
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            page = context.new_page()
            page.goto(path)
            return page

        yield opened


def unfold(page: Page) -> None:
    """Opens all that can be opened on a page."""
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    page.wait_for_load_state("networkidle")  # what is unfolded is asked for


def assert_looks_well(opened: OpenPage, path: str) -> None:
    """Checks that a page, all of it unfolded, fits a phone and a screen, and that axe finds nothing, in light
    and dark."""
    for width, scheme in LOOKS:
        page = opened(path, bypass_csp=True, viewport={"width": width, "height": 900}, color_scheme=scheme)
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run()")["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], (path, width, scheme)
        page.context.close()
