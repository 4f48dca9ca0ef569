"""The documentation as a site: read from its folder, it asks nobody for anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_site_asks_no_other_host(browser: Browser, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    context = browser.new_context()
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index", "explanation/architecture", "reference/json-api", "guide/steering"):
        page.goto((tmp_path / f"{name}.html").as_uri())
        page.get_by_role("heading", level=1).wait_for()
    context.close()
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
