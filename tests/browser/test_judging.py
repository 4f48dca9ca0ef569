"""Judging in a real browser: a thumb is kept, taken back, and takes up no room on a phone; an evaluation is
started and read."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from indexer.judgements.store import keep_judgements
from search.embedding.embedder import Embedder
from tests.support import teaching
from tests.support.browser import AXE, OpenPage, ServePages, assert_looks_well
from tests.support.building import build
from tests.support.notes import documents

pytestmark = pytest.mark.browser

PATIENT = 90_000  # milliseconds: a worker has to begin
SEARCH = "/?q=how do cells divide&collection=c"
HEIGHTS = "(all) => all.map((each) => Math.round(each.getBoundingClientRect().height))"


@pytest.fixture(scope="module")
def open_as(serve_pages: ServePages, small_embedder: Embedder) -> OpenPage:
    """Opens pages of an admin or of a stranger, on a server with a worker."""

    def fill(database: Engine, data: Path) -> None:
        build(database, data, small_embedder, "c", documents())
        build(database, data, small_embedder, "taught", teaching.documents())
        keep_judgements(database, "taught", teaching.said())

    return serve_pages(fill)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_thumb_is_kept_and_taken_back(open_as: OpenPage, scripts: bool) -> None:
    page = open_as(SEARCH, java_script_enabled=scripts)
    card = page.locator(".card").nth(1)
    up = card.get_by_role("button", name="It answers my question", exact=True)
    down = card.get_by_role("button", name="It does not answer my question", exact=True)
    expect(up).to_have_attribute("aria-pressed", "false")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(up).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".thumb[aria-pressed=true]")).to_have_count(1)
    down.click()
    expect(down).to_have_attribute("aria-pressed", "true")
    expect(up).to_have_attribute("aria-pressed", "false")
    down.click()
    expect(down).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(page.locator(".thumb[aria-pressed=true]")).to_have_count(0)


def test_a_thumb_is_for_the_question_that_is_asked_now(open_as: OpenPage) -> None:
    page = open_as(SEARCH)
    page.locator("#q").fill("whales in the sea")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=whales*")
    thumb = page.locator(".thumb.up").first
    thumb.focus()
    page.keyboard.press("Enter")
    expect(thumb).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.activeElement.id") == thumb.get_attribute("id"), "focus stays"
    page.goto(SEARCH)
    expect(page.locator(".thumb[aria-pressed=true]")).to_have_count(0)
    page.goto("/?q=whales in the sea&collection=c")
    page.locator(".thumb[aria-pressed=true]").click()
    expect(page.locator(".thumb[aria-pressed=true]")).to_have_count(0)


def test_thumbs_take_up_no_room_on_a_phone(open_as: OpenPage) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 400, "height": 900}}
    stranger, admin = open_as(SEARCH, admin=False, **phone), open_as(SEARCH, **phone)
    for page in (stranger, admin):
        expect(page.locator(".facets")).to_be_attached()  # the rest of the answer is there
    assert stranger.locator(".thumb").count() == 0
    assert admin.locator(".card").evaluate_all(HEIGHTS) == stranger.locator(".card").evaluate_all(HEIGHTS)
    boxes = [thumb.bounding_box() for thumb in admin.locator(".thumb").all()]
    assert all(box and box["height"] >= 44 and box["width"] >= 38 for box in boxes)


def test_an_evaluation_is_started_and_read(open_as: OpenPage) -> None:
    page = open_as(SEARCH, bypass_csp=True)
    page.locator(".thumb.up").first.click()
    expect(page.locator(".thumb[aria-pressed=true]")).to_have_count(1)
    page.goto("/admin/collections/c")
    page.get_by_role("group", name="and compare with").get_by_label("By").select_option("semantic")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.locator(".job.done").first).to_be_visible(timeout=PATIENT)
    page.get_by_role("link", name="evaluate").first.click()
    expect(page.get_by_role("heading", name="What was measured")).to_be_visible()
    expect(page.get_by_role("rowheader", name="nDCG@10")).to_be_visible()
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run()")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    page.get_by_text("All questions, the worst first").click()
    page.get_by_role("link", name="how do cells divide").first.click()
    expect(page.locator(".card").first).to_be_visible()


def test_knobs_are_learned_looked_at_used_and_undone(open_as: OpenPage) -> None:
    page = open_as("/admin/collections/taught")
    page.get_by_role("button", name="Learn from them").click()
    page.locator(".job a").first.click()
    expect(page.get_by_role("heading", name="What was learned")).to_be_visible(timeout=PATIENT)
    knobs = page.get_by_role("group", name="Table of knobs")
    expect(knobs).to_contain_text("tutorial")
    knobs.get_by_text("which").first.click()
    expect(knobs.locator("details li a").first).to_be_visible()
    assert_looks_well(open_as, page.url)
    page.get_by_role("button", name="Use them for all searches").click()
    preset = page.locator("#presets li")
    expect(preset).to_contain_text("default")
    expect(preset).to_contain_text("Learned from 63 judged questions")
    first = page.context.new_page()
    first.goto("/?q=wine&collection=taught")
    expect(first.locator(".card").first).to_contain_text("tutorial")
    page.get_by_role("button", name="No default instead of learned").click()
    expect(page.get_by_role("button", name="Make default learned")).to_be_visible()
