"""The admin's journey in a real browser: in by the printed link, a reindex while others search, back again, a
document deleted, a label edited, keys."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine

from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from tests.support.browser import AXE, ServePages
from tests.support.building import build, document

pytestmark = pytest.mark.browser

OTHERS = [  # something else than whales, so that features tell passages apart
    SourceDocument(
        f"soup{number}", f"Soup {number}", f"Boil {number} onions, add salt, pepper and rice.", None, {}
    )
    for number in range(10)
]
PATIENT = 90_000  # milliseconds: a worker has to begin and to build


@pytest.fixture(scope="module")
def admin(serve_pages: ServePages, small_embedder: Embedder) -> BrowserContext:
    """A browser that is signed in, and a server with a worker."""

    def fill(database: Engine, data: Path) -> None:
        build(database, data, small_embedder, "c", [document(number) for number in range(40)] + OTHERS)

    return serve_pages(fill)("/admin").context


@pytest.fixture
def page(admin: BrowserContext) -> Iterator[Page]:
    opened = admin.new_page()
    yield opened
    opened.close()


def live(page: Page) -> int:
    page.goto("/admin/collections/c")
    return int(page.locator("tr[aria-current] th").inner_text())


def results(page: Page) -> int:
    page.goto("/?q=whale songs&collection=c")
    return page.locator(".card").count()


def test_the_link_works_once(admin: BrowserContext, page: Page) -> None:
    page.goto("/admin")
    expect(page.get_by_role("heading", name="Admin")).to_be_visible()
    link = next(each.url for each in admin.pages)
    assert "token" not in link
    page.goto("/admin/login?token=used")
    expect(page.get_by_role("alert")).to_contain_text("works once")


def test_a_reindex_is_watched_while_others_search_and_taken_back(page: Page) -> None:
    before = live(page)
    page.get_by_label("Tokens a passage").fill("24")
    page.get_by_role("button", name="Reindex").click()
    told = page.get_by_role("region", name="Reindex").get_by_role("status")
    expect(told).to_contain_text(re.compile(r"passages are embedded anew.*of disk"))
    page.get_by_role("button", name="Reindex at this cost").click()
    job = page.locator(".job").first
    expect(job).to_contain_text(re.compile("waiting|running|done"))
    other = page.context.new_page()
    asked = 0
    while page.locator(".job.waiting, .job.running").count():
        assert results(other) == 10
        asked += 1
    other.close()
    assert asked
    expect(page.locator(".job.done")).to_have_count(1, timeout=PATIENT)  # the page loads itself anew
    expect(page.get_by_role("button", name=f"Go back to {before}")).to_be_visible()
    after = live(page)
    assert after > before
    page.get_by_role("button", name=f"Go back to {before}").click()
    expect(page.get_by_role("button", name=f"Go back to {after}")).to_be_visible()
    assert live(page) == before
    assert results(page) == 10


def test_a_job_is_cancelled_and_begun_again(page: Page) -> None:
    page.goto("/admin/collections/c")
    page.get_by_label("Tokens a passage").fill("16")
    page.get_by_role("button", name="Reindex").click()
    page.get_by_role("button", name="Reindex at this cost").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".job.cancelled").first).to_be_visible(timeout=PATIENT)
    page.get_by_role("button", name="Begin again").first.click()
    expect(page.locator(".job.done").first).to_be_visible(timeout=PATIENT)


def test_a_failure_is_told_with_its_reason(page: Page) -> None:
    page.goto("/admin/collections/c")
    page.get_by_label("Embedding model").fill("no/such-model")
    page.get_by_role("button", name="Reindex").click()
    expect(page.get_by_role("main")).to_contain_text("'no/such-model' cannot be loaded")
    page.goto("/admin/collections/c")
    page.get_by_label("Read documents from").fill("/no/such/folder")
    page.get_by_role("button", name="Read", exact=True).click()
    failed = page.locator(".job.failed").first
    expect(failed).to_contain_text("/no/such/folder", timeout=PATIENT)
    failed.get_by_role("link").click()
    expect(page.locator(".log")).to_contain_text("failed")


def test_a_document_is_found_and_deleted(page: Page) -> None:
    page.goto("/admin/collections/c")
    page.get_by_label("Find documents").fill("d17")
    page.keyboard.press("Enter")
    expect(page.locator(".documents li")).to_have_count(1)
    page.get_by_role("button", name="Delete Title 17").click()
    expect(page.locator("#documents")).to_contain_text("None with “d17”")
    response = page.goto("/documents/d17?collection=c")
    assert response is not None
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_a_label_is_edited_and_taken_away(page: Page) -> None:
    page.goto("/features?collection=c")
    link = page.locator("li.feature h3 a").first
    name = link.inner_text()
    link.click()
    expect(page.get_by_role("heading", name="Where it fires")).to_be_visible()
    page.get_by_label("Label, for everybody").fill("songs of whales")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="songs of whales")).to_be_visible(timeout=PATIENT)
    page.get_by_role("button", name="Take away").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=PATIENT)


def test_what_is_turned_is_saved_as_a_preset_and_shared(page: Page, tmp_path: Path) -> None:
    page.goto("/?q=whale songs&collection=c&steer=12:1")
    knob = page.locator("input[type=number]")
    knob.fill("2.5")
    expect(page).to_have_url(re.compile("12:2.5"))
    page.get_by_text("Save as a preset").click()
    page.get_by_label("Name, for everybody").fill("deep sea")
    page.keyboard.press("Enter")
    current = page.locator("#presets [aria-current]")
    expect(current).to_have_text("deep sea")
    expect(knob).to_have_value("2.5")
    knob.fill("1")
    expect(current).to_have_count(0)
    page.locator("#presets").get_by_role("link", name="none", exact=True).click()
    expect(knob).to_have_count(0)
    page.locator("#presets").get_by_role("link", name="deep sea").click()
    expect(knob).to_have_value("2.5")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download “deep sea”").click()
    path = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(path)
    page.goto("/admin/collections/c")
    page.get_by_role("button", name="Make default deep sea").click()
    expect(page.locator("#presets strong")).to_have_text("default")
    page.get_by_text("Import a preset").click()
    page.get_by_label("Choose a preset’s file").set_input_files(path)
    page.get_by_label("Another name").fill("again")
    expect(page.get_by_label("Its file")).to_have_value(re.compile("refract-preset"))
    page.get_by_role("button", name="Import").click()
    expect(page.locator("h1")).to_contain_text("“again” was imported")
    page.goto("/?q=whale songs&collection=c")
    expect(knob).to_have_value("2.5")
    page.goto("/admin/collections/c")
    for name in ("again", "deep sea"):
        page.get_by_role("button", name=f"Delete {name}").click()
    expect(page.locator("#presets")).to_contain_text("None yet")


def test_a_key_is_shown_once_and_revoked(page: Page) -> None:
    page.goto("/admin/keys")
    page.get_by_label("Name").fill("Robot")
    page.get_by_label("Scope").select_option("write")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator(".note pre").inner_text().strip()
    written = page.request.put(
        "/v1/documents/by-robot?collection=c",
        headers={"Authorization": f"Bearer {key}"},
        data={"text": "Robots write, too."},
    )
    assert written.ok
    page.goto("/admin/keys")
    assert key not in page.content()
    page.get_by_role("button", name="Revoke Robot").click()
    expect(page.locator("tr").filter(has_text="Robot")).to_contain_text("revoked")
    refused = page.request.delete(
        "/v1/documents/by-robot?collection=c", headers={"Authorization": f"Bearer {key}"}
    )
    assert refused.status == 401


def test_who_is_not_signed_in_is_led_to_the_form(browser: Browser, page: Page) -> None:
    page.goto("/admin")
    context = browser.new_context(base_url=page.url.removesuffix("/admin"))
    stranger = context.new_page()
    stranger.goto("/admin/collections/c")
    expect(stranger).to_have_url(re.compile("/admin/login"))
    stranger.get_by_label("Key", exact=True).fill("rf_wrong")
    stranger.keyboard.press("Enter")
    expect(stranger.get_by_role("alert")).to_be_visible()
    context.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1400)])
def test_the_pages_fit_and_axe_finds_nothing(
    browser: Browser, admin: BrowserContext, scheme: str, width: int
) -> None:
    state = admin.storage_state()
    base = admin.pages[0].url.removesuffix("/admin")
    context = browser.new_context(
        base_url=base,
        storage_state=state,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
        bypass_csp=True,
    )
    page = context.new_page()
    for address in (
        "/admin",
        "/admin/collections/c",
        "/admin/jobs/1",
        "/admin/keys",
        "/features/1?collection=c",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run().then((report) => report.violations)")
        told = [f"{v['id']}: {v['help']}: {node['html'][:200]}" for v in found for node in v["nodes"]]
        assert told == [], address
    context.close()
