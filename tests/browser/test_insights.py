"""What people ask, in a real browser: an owner has it kept, a visitor asks, the owner reads and ends it."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from indexer.insights.setting import keep_questions
from search.embedding.embedder import Embedder
from tests.support.browser import OpenPage, ServePages, assert_looks_well
from tests.support.building import build
from tests.support.notes import documents

pytestmark = pytest.mark.browser

INSIGHTS = "/admin/collections/{}/insights"
ANSWERED, LOST, NOTHING = "how do cells divide", "how does a zzyzx sing", '"entirely absent words"'


@pytest.fixture(scope="module")
def open_as(serve_pages: ServePages, small_embedder: Embedder) -> OpenPage:
    """Opens pages of an admin or of a visitor; questions about "kept" are kept already."""

    def fill(database: Engine, data: Path) -> None:
        for name in ("c", "kept"):
            build(database, data, small_embedder, name, documents())
        keep_questions(database, "kept", 30)

    return serve_pages(fill)


def asked(open_as: OpenPage, collection: str, question: str, *, admin: bool = False) -> None:
    page = open_as(f"/?collection={collection}", admin=admin)
    page.locator("#q").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")
    page.wait_for_load_state("networkidle")
    page.context.close()


def test_an_owner_turns_it_on_reads_it_and_turns_it_off(open_as: OpenPage) -> None:
    page = open_as("/admin/collections/c")
    page.get_by_role("link", name="What is asked").click()
    expect(page.get_by_text("Questions are not kept")).to_be_visible()
    page.get_by_role("combobox", name="Keep questions").select_option("yes")
    page.get_by_label("For days").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Questions are kept for 7 days")).to_be_visible()
    visitor = open_as("/?collection=c", admin=False)
    expect(visitor.get_by_text("Questions are kept for 7 days")).to_be_visible()
    for question in (ANSWERED, ANSWERED, LOST, NOTHING):
        asked(open_as, "c", question)
    asked(open_as, "c", "what only the owner asks", admin=True)
    page.reload()
    most = page.get_by_role("group", name="Questions that are asked most")
    expect(most.get_by_role("row").nth(1)).to_contain_text(ANSWERED)
    unanswered = page.get_by_role("group", name="Questions without a good answer")
    expect(unanswered.get_by_role("link", name=NOTHING)).to_be_visible()
    expect(page.get_by_role("region", name="Words that are nowhere")).to_contain_text("zzyzx")
    expect(page.get_by_text("what only the owner asks")).to_have_count(0)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="All questions as CSV").click()
    with downloading.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = {row["question"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {ANSWERED, LOST, NOTHING}
    assert rows[ANSWERED]["asked"] == "2"
    page.get_by_role("combobox", name="Keep questions").select_option("no")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Questions are not kept")).to_be_visible()
    expect(page.get_by_text(ANSWERED)).to_have_count(0)
    visitor.reload()
    expect(visitor.get_by_text("Questions are kept")).to_have_count(0)


def test_the_page_fits_and_axe_finds_nothing(open_as: OpenPage) -> None:
    for question in (ANSWERED, LOST, NOTHING):
        asked(open_as, "kept", question)
    for collection in ("c", "kept"):
        assert_looks_well(open_as, INSIGHTS.format(collection))
