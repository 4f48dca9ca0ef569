"""What tests in a browser share."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "browser" / "vendor" / "axe-4.14.1.min.js"

OpenPage = Callable[..., Page]

GIVEN_UP = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx writes of a request that is given up for a newer one; of one that fails it writes more."""
