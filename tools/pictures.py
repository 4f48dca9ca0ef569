"""This tool takes the pictures of all pages that the documentation shows, of a server that serves the demo.

python -m tools.pictures LINK        (the one to the admin page that `make run` prints; needs Chromium)

Writes docs/images/pages/NAME-WIDTH-SCHEME.jpg and docs/guide/pages.md.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

import httpx2 as httpx
import typer
from playwright.sync_api import BrowserContext, sync_playwright

DOCS = Path(__file__).parent.parent / "docs"
QUESTION = "how do I sort a list by two keys"
LOOKS: list[tuple[int, int, Literal["light", "dark"]]] = [
    (1400, 900, "light"),
    (1400, 900, "dark"),
    (400, 800, "light"),
    (400, 800, "dark"),
]
QUALITY = 50
SIGNED_IN = ("/admin", "/repair")

INTRODUCTION = """# What the pages look like

Pages of the demo, taken by `python -m tools.pictures`: {width} pixels wide in light and dark, and 400 as on
a phone.
"""


def main(link: str) -> None:
    """Takes all pictures and writes the page that shows them."""
    address = link.split("/admin")[0].rstrip("/")
    folder = DOCS / "images" / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pages = dict(_pages(address))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        signed_in = browser.new_page()
        signed_in.goto(link)  # it works once
        admin = signed_in.context.storage_state()
        for name, page in pages.items():
            for width, height, scheme in LOOKS:
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    storage_state=admin if page.startswith(SIGNED_IN) else None,
                )
                _take(context, address + page, folder / _file(name, width, scheme))
                context.close()
        browser.close()
    text = [INTRODUCTION.format(width=LOOKS[0][0])]
    for name in pages:
        shown = [f"![{name}, {w} pixels, {s}](../images/pages/{_file(name, w, s)})" for w, _, s in LOOKS]
        text += [f"\n## {name}\n", "\n\n".join(shown), ""]
    (DOCS / "guide" / "pages.md").write_text("\n".join(text), encoding="utf-8")


def _pages(address: str) -> Iterator[tuple[str, str]]:
    """Names each page with a path that shows something on it."""
    answer = httpx.get(f"{address}/v1/search", params={"q": QUESTION, "limit": 20}).json()
    found = answer["results"]
    first, second, low = (found[place]["document"]["id"] for place in (0, 1, 15))
    features = [term["feature"] for term in found[0]["terms"] if term["feature"] is not None]
    asked = quote(QUESTION)
    yield "Start", "/"
    yield "Results", f"/?q={asked}"
    yield "Results, steered", f"/?q={asked}&steer=concept:{quote('arrays of numbers')}:2"
    yield "Document", f"/documents/{quote(first)}?q={asked}&feature={features[0]}&feature={features[1]}"
    yield "Compare", f"/compare?{urlencode({'q': QUESTION, 'first': first, 'second': second})}"
    yield "Why not", f"/why-not?{urlencode({'q': QUESTION, 'document': low})}"
    yield "Features", "/features"
    yield "Map of features", "/features/map"
    yield "Feature", f"/features/{features[0]}"
    yield "How good features are", "/dictionary"
    yield "Analyze", f"/analyze?text={asked}"
    yield "Analyze, words of a topic", f"/analyze?text={asked}&along={features[0]}#along"
    yield "Presets", "/presets"
    yield "Search tips", f"/tips?q={asked}"
    yield "Admin", "/admin"
    yield "Admin, collection", f"/admin/collections/{answer['collection']}"
    yield "Repair", f"/repair?{urlencode({'q': QUESTION, 'document': low})}"
    yield "Repairs", f"/repairs?collection={answer['collection']}"
    yield "Admin, what is asked", f"/admin/collections/{answer['collection']}/insights"
    yield "Admin, keys", "/admin/keys"
    yield "Admin, audit log", "/admin/audit"
    yield "Admin, webhooks", "/admin/webhooks"


def _take(context: BrowserContext, address: str, path: Path) -> None:
    page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path, type="jpeg", quality=QUALITY)


def _file(name: str, width: int, scheme: str) -> str:
    return f"{name.lower().replace(',', '').replace(' ', '-')}-{width}-{scheme}.jpg"


if __name__ == "__main__":
    typer.run(main)
