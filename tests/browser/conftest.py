"""Chromium, driven over pages that must not complain and must not ask another host."""

import contextlib
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from sqlalchemy import URL, create_engine

from tests.support.browser import GIVEN_UP, Fill, OpenPage, ServePages, pages_of

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MACOS = [f"/Applications/{app}.app/Contents/MacOS/{app}" for app in ("Chromium", "Google Chrome")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Puts what was on the pages beside what failed: a page that did not come tells why."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.failed and isinstance(browser, Browser):
        for page in (page for context in browser.contexts for page in context.pages):
            report.sections.append((page.url, _text(page)))
    return report


def _text(page: Page) -> str:
    try:
        return page.inner_text("body", timeout=1_000)
    except PlaywrightError as error:
        return str(error)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium. Without one the tests are skipped, or fail where REFRACT_REQUIRE_BROWSER=1."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    path = path or next((app for app in MACOS if Path(app).exists()), None)
    if path is None:
        message = "NO CHROMIUM FOUND: THE BROWSER TESTS DID NOT RUN. Install chromium and run them again."
        if os.environ.get("REFRACT_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def serve_pages(
    browser: Browser,
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServePages]:
    """Serves a database of its own that `fill` has filled, with a worker, and opens its pages."""
    with contextlib.ExitStack() as stack:

        def serve(fill: Fill, **settings: str) -> OpenPage:
            url, data = stack.enter_context(new_database()), tmp_path_factory.mktemp("served")
            database = create_engine(url)
            fill(database, data)
            database.dispose()
            return stack.enter_context(pages_of(browser, url, data, **settings))

        yield serve


@pytest.fixture
def open_page(browser: Browser, served_url: str) -> Iterator[OpenPage]:
    """Opens pages of the served collection. At the end, none of them may have raised an error, asked another
    host for anything, or complained in the console (unless it may: failed requests are written there)."""
    complaints: list[str] = []
    contexts = []

    def open_one(path: str = "/", *, may_complain: bool = False, **options: Any) -> Page:
        context = browser.new_context(base_url=served_url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        if not may_complain:
            page.on("console", lambda message: _note(message, complaints))
        page.on("request", lambda request: _check_host(request.url, served_url, complaints))
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    if not message.text.startswith(GIVEN_UP):
        complaints.append(f"{message.type}: {message.text}")


def _check_host(url: str, served_url: str, complaints: list[str]) -> None:
    asked = urlsplit(url)
    if asked.scheme in ("http", "https", "ws", "wss") and asked.netloc != urlsplit(served_url).netloc:
        complaints.append(f"another host: {url}")
