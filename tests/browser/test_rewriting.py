"""Analyze in a real browser: which words carry a topic, and a text that a server here rewrites."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from search.embedding.embedder import Embedder
from tests.support.browser import OpenPage, ServePages, assert_looks_well
from tests.support.building import build
from tests.support.editor import KEY, MODEL, EditingServer, editing_server
from tests.support.notes import documents

pytestmark = pytest.mark.browser

TEXT = "Cells divide by mitosis, and stem cells can become cells of any kind."
MORE = "Stem cells! Of stem cells, and of what stem cells become: stem cells are cells of any kind."
ANALYZED = f"/analyze?{urlencode({'collection': 'c', 'text': TEXT})}"


@pytest.fixture(scope="module")
def editor() -> Iterator[EditingServer]:
    with editing_server() as running:
        yield running


@pytest.fixture(scope="module")
def open_as(serve_pages: ServePages, small_embedder: Embedder, editor: EditingServer) -> OpenPage:
    """Opens pages of an admin or of a visitor, where texts can be rewritten."""

    def fill(database: Engine, data: Path) -> None:
        build(database, data, small_embedder, "c", documents())

    connected = {
        "REFRACT_EDITOR_URL": editor.address,
        "REFRACT_EDITOR_MODEL": MODEL,
        "REFRACT_EDITOR_KEY": KEY,
    }
    return serve_pages(fill, **connected)


def topic(page: Page, press: str) -> str:
    """Presses a button of the first topic; gives the topic's name."""
    button = page.locator(".topics li").first.get_by_role("button", name=press)
    name = (button.get_attribute("aria-label") or "").removeprefix(press).strip()
    button.click()
    return name


def test_the_words_that_carry_a_topic_are_told(open_as: OpenPage) -> None:
    page = open_as(ANALYZED, admin=False)
    name = topic(page, "Which words carry")
    section = page.get_by_role("region", name="Words that carry")
    expect(section.get_by_role("heading")).to_contain_text(name)
    words = [each.strip().split("\n")[0] for each in section.get_by_role("rowheader").all_inner_texts()]
    assert words
    assert all(word.split(" (")[0] in TEXT for word in words)
    changes = section.locator("tbody tr td:last-child").all_inner_texts()
    assert all(change.startswith("−") for change in changes)
    expect(section.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.get_by_role("button", name="Rewrite with more")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_text_is_rewritten_and_the_page_says_whether_it_moved(
    open_as: OpenPage, editor: EditingServer, scripts: bool
) -> None:
    page = open_as(ANALYZED, java_script_enabled=scripts)
    editor.rewrite = lambda _: MORE
    name = topic(page, "Rewrite with more")
    section = page.get_by_role("region", name=f"Rewritten with more {name}")
    expect(section.get_by_text(MORE)).to_be_visible()
    assert section.locator("tr[aria-current] td").last.inner_text().startswith("+")
    expect(section.get_by_role("status")).to_contain_text("Moved")
    page.go_back()
    topic(page, "Rewrite with less")
    same = page.get_by_role("region", name="Rewritten with less")
    expect(same.get_by_role("status")).to_have_text("Did not move as asked.")
    page.get_by_role("button", name="Analyze the rewritten text").click()
    expect(page.get_by_role("heading", name="Its topics")).to_be_visible()


def test_the_page_fits_and_axe_finds_nothing(open_as: OpenPage) -> None:
    page = open_as(ANALYZED)
    topic(page, "Which words carry")
    page.wait_for_url("**along=**")
    assert_looks_well(open_as, page.url.partition("#")[0])
