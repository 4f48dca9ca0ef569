"""Repairing in a real browser: from a bad answer over its page to the right one standing first, and back."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from indexer.judgements.store import Given, keep_judgements
from search.embedding.embedder import Embedder
from tests.support.browser import OpenPage, ServePages, assert_looks_well
from tests.support.building import build
from tests.support.notes import documents

pytestmark = pytest.mark.browser

SEARCH = "/?q=whales in the sea&collection=c"
RIGHT = "proofs/induction"


@pytest.fixture(scope="module")
def open_as(serve_pages: ServePages, small_embedder: Embedder) -> OpenPage:
    """Opens pages of an admin or of a stranger."""

    def fill(database: Engine, data: Path) -> None:
        build(database, data, small_embedder, "c", documents())
        said = [("whales in the sea", "sea/7"), ("how do cells divide", "biology/mitosis")]
        keep_judgements(database, "c", [Given(question, name, 1, "ann") for question, name in said])

    return serve_pages(fill)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_from_a_bad_answer_to_the_right_one_and_back(open_as: OpenPage, scripts: bool) -> None:
    page = open_as(SEARCH, java_script_enabled=scripts)
    card = page.locator(".card").first
    bad = card.get_by_role("heading").inner_text()
    card.get_by_role("button", name="It does not answer my question", exact=True).click()
    card.get_by_role("link", name="Repair").click()
    expect(page.get_by_role("heading", name="What should stand first?")).to_be_visible()
    page.get_by_label("Which document should stand first?").fill(RIGHT)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("heading", name="Repairs, each tried")).to_be_visible()
    page.get_by_role("button", name=f"Save: {RIGHT} stands first").click()
    expect(page.get_by_role("heading", name="It stands first")).to_be_visible()
    page.get_by_role("link", name="See the results").click()
    expect(page.locator(".card h3").first).to_have_text(f"Note on {RIGHT}")
    page.goto("/repairs?collection=c")
    page.get_by_role("button", name="Undo repair").first.click()
    expect(page.get_by_text("undone").first).to_be_visible()
    page.goto(SEARCH)
    expect(page.locator(".card h3").first).to_have_text(bad)
    page.locator(".card").first.get_by_role("button", name="It does not answer my question").click()


def test_words_of_ones_own_are_tried_before_they_are_saved(open_as: OpenPage) -> None:
    page = open_as(f"/repair?q=orca&collection=c&document={RIGHT}")
    page.get_by_label("Two words that mean the same").fill("orca")
    page.get_by_label("The other word").fill("induction")
    page.get_by_role("button", name="Try").first.click()
    offer = page.get_by_role("listitem").filter(has_text="“orca” and “induction” count as each other")
    expect(offer).to_contain_text("to rank 1")
    page.goto("/repairs?collection=c")
    expect(page.get_by_text("count as each other")).to_have_count(0)


def test_the_pages_fit_and_axe_finds_nothing(open_as: OpenPage) -> None:
    for path in (
        f"/repair?q=whales in the sea&collection=c&document={RIGHT}",
        "/repair?q=whales in the sea&collection=c",
        "/repairs?collection=c",
    ):
        assert_looks_well(open_as, path)


def test_a_stranger_is_sent_to_sign_in(open_as: OpenPage) -> None:
    page = open_as("/repair?q=whales&collection=c", admin=False)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(f"/why-not?q=whales&collection=c&document={RIGHT}")
    expect(page.get_by_role("link", name="Repair this search")).to_have_count(0)
