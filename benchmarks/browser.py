"""This benchmark times what a person waits for, in Chromium: results of a new question, a step of a slider, a
document.

    python -m benchmarks.browser DATA [--rounds 20]

Copies the data folder DATA, which has the demo in it, and runs `refract serve` there. *Opened*: from asking
for the address of a question to the first card. *Typed*: on a page of results, from Enter to the new ones.
*Slider*: from the request that a step sends (a quarter of a second after it) to its results. *Document*: from
the click to the text. Each round asks another question, so nothing is known of it before. Beside it
`/healthz` is opened in the same way, which is what the browser and the machine take.
"""

import shutil
import statistics
from pathlib import Path
from urllib.parse import urlencode

import typer
from playwright.sync_api import Page, Response, sync_playwright

from benchmarks.harness.common import report, table
from benchmarks.harness.server import copied, serving

HOW = [
    "how do I sort",
    "compare the parts of",
    "why can nobody copy",
    "write and read",
    "the fastest way to join",
]
WHAT = ["a list", "dates", "a matrix", "JSON", "threads"]

WATCH = """
window.at = {};
new MutationObserver(() => {
  if (!window.at.card && document.querySelector('.card')) window.at.card = performance.now();
}).observe(document, { childList: true, subtree: true });
addEventListener('keydown', ({ key }) => { if (key === 'Enter') window.at.enter = performance.now(); }, true);
addEventListener('htmx:beforeRequest', () => { window.at.sent = performance.now(); });
addEventListener('htmx:afterSwap', (event) => {
  if (event.detail.target.id === 'results') window.at.swapped = performance.now();
});
"""
LOADED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
SWAPPED = "window.at.swapped > (window.at.enter ?? 0)"


def main(data: Path, rounds: int = 20) -> None:
    """Times each and prints one table."""
    questions = [f"{how} {what}" for how in HOW for what in WHAT][:rounds]
    with (
        copied(data) as folder,
        serving(folder, None, "--no-worker") as (address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1400, "height": 900}, bypass_csp=True)
        page.add_init_script(WATCH)
        weights = _weights(page)
        times: dict[str, list[float]] = {}
        for question in questions:
            for name, ms in _round(page, address.rstrip("/"), question).items():
                times.setdefault(name, []).append(ms)
        browser.close()
    rows = [[name, f"{statistics.median(found):.0f}", f"{max(found):.0f}"] for name, found in times.items()]
    middle, most = (size / 1000 for size in (statistics.median(weights), max(weights)))
    weighs = f"The first answer of a page weighs {middle:.0f} kB, at most {most:.0f}."
    markdown = f"{table(['', 'median ms', 'most'], rows)}\n\n{weighs}"
    report("browser", markdown, {"times": times, "bytes": weights})


def _weights(page: Page) -> list[int]:
    """Collects the sizes of the pages that are opened from now on."""
    sizes: list[int] = []

    def note(answer: Response) -> None:
        if answer.request.resource_type == "document" and "q=" in answer.url:
            sizes.append(len(answer.body()))

    page.on("response", note)
    return sizes


def _round(page: Page, address: str, question: str) -> dict[str, float]:
    page.goto(f"{address}/healthz", wait_until="load")
    peer = page.evaluate(LOADED)
    page.goto(f"{address}/?{urlencode({'q': question})}", wait_until="networkidle")
    opened = page.evaluate("window.at.card")
    page.fill("#q", f"{question} in parallel")
    page.press("#q", "Enter")
    page.wait_for_function(SWAPPED)
    typed = page.evaluate("window.at.swapped - window.at.enter")
    page.goto(
        f"{address}/?{urlencode({'q': question, 'steer': 'concept:numbers:1'})}", wait_until="networkidle"
    )
    page.focus("#knobs input[type=range]")
    page.press("#knobs input[type=range]", "ArrowRight")
    page.wait_for_function("window.at.swapped")
    slider = page.evaluate("window.at.swapped - window.at.sent")
    page.click(".card h3 a")
    page.wait_for_load_state("networkidle")
    document = page.evaluate(LOADED)
    return {"opened": opened, "typed": typed, "slider": slider, "document": document, "health": peer}


if __name__ == "__main__":
    typer.run(main)
