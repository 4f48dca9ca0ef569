"""The documentation as a site: built strictly, read from its folder, it asks nobody for anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent.parent
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=\"((?:https?:)?//[^\"]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the site was built into; a link that leads nowhere ends that."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert built.returncode == 0, built.stderr.decode()
    return folder


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        assert LOADED.findall(page.read_text("utf-8")) == [], page.name


@pytest.mark.browser
def test_the_site_asks_no_other_host(browser: Browser, site: Path) -> None:
    context = browser.new_context()
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    for name in ("index", "explanation/architecture", "reference/json-api", "guide/steering"):
        page.goto((site / f"{name}.html").as_uri())
        page.get_by_role("heading", level=1).wait_for()
    context.close()
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
