"""Help on the way to an answer: suggestions while typing, earlier and saved searches, the tour."""

import json
import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import AXE, OpenPage

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="document.title=1">'


def box(page: Page) -> str:
    return page.locator("[data-search]").input_value()


def typed(page: Page, text: str) -> None:
    page.locator("[data-search]").press_sequentially(text)
    expect(page.locator("#suggestions").get_by_role("option").first).to_be_visible()


@pytest.mark.parametrize(("path", "width"), [("/", 1400), ("/?q=lists", 400), ("/", 320)])
def test_suggestions_are_a_combobox_for_keys_and_fingers(open_page: OpenPage, path: str, width: int) -> None:
    page = open_page(path, viewport={"width": width, "height": 800}, bypass_csp=True)
    page.add_script_tag(path=AXE)
    search = page.get_by_role("combobox", name="Search")
    search.fill("")
    typed(page, "so")
    expect(search).to_have_attribute("aria-expanded", "true")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    assert 1 <= options.count() <= 8
    for option in options.all():
        size = option.bounding_box()
        assert size is not None
        assert size["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert [each["id"] for each in found["violations"]] == []
    page.keyboard.press("ArrowUp")  # around to the last one
    page.keyboard.press("ArrowDown")  # and back to the box
    assert search.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowDown")
    chosen = page.locator(f"#{search.get_attribute('aria-activedescendant')}")
    expect(chosen).to_have_attribute("aria-selected", "true")
    text = chosen.locator("bdi").inner_text()
    page.keyboard.press("Escape")
    expect(page.locator("#suggestions").get_by_role("option")).to_have_count(0)
    assert box(page) == "so"
    page.keyboard.press("ArrowDown")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("documents shown") if path != "/" else page.wait_for_url(
        "**q=**"
    )
    assert box(page) == text


def test_a_suggestion_is_chosen_by_a_click(open_page: OpenPage) -> None:
    page = open_page()
    typed(page, "list")
    option = page.locator("#suggestions").get_by_role("option").nth(1)
    text = option.locator("bdi").inner_text()
    option.click()
    page.wait_for_url("**q=**")
    assert box(page) == text
    page.go_back()
    typed(page, "li")


def test_without_javascript_the_box_is_a_box(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    search = page.get_by_role("searchbox", name="Search")
    search.press_sequentially("sort")
    assert page.locator("#suggestions").get_by_role("option").count() == 0
    search.press("Enter")
    assert page.locator(".card").count() == 10
    assert not page.locator("[data-save], [data-earlier]").first.is_visible()


@pytest.mark.parametrize("how", ["gone", "broken", "slow"])
def test_a_server_that_does_not_suggest_blocks_nobody(open_page: OpenPage, how: str) -> None:
    page = open_page("/?q=sorting lists", may_complain=True)

    def answer(route: Route) -> None:
        if how == "slow":
            time.sleep(0.5)
        if how == "broken":
            route.fulfill(
                status=500, content_type="text/html", body="<li role=option><bdi>so what</bdi></li>"
            )
        else:
            route.abort()

    page.route("**/suggest?**", answer)
    page.goto("/")
    page.locator("[data-search]").press_sequentially("so")
    expect(page.locator("#suggestions").get_by_role("option")).to_have_text(["sorting listsasked before"])
    page.wait_for_timeout(600)
    expect(page.locator("#suggestions").get_by_role("option")).to_have_count(1)
    page.locator("[data-search]").press_sequentially("rt")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=sort**")
    assert page.locator(".card").count() == 10


@pytest.mark.parametrize("text", ["x" * 10_000, "(a+)+$", "\\", "[", "%00", "é\u0301\u200f"])
def test_odd_beginnings_are_no_trouble(open_page: OpenPage, text: str) -> None:
    page = open_page()
    page.locator("[data-search]").fill(text)
    page.wait_for_timeout(400)
    assert box(page) == text


def test_searches_are_kept_in_this_browser_until_they_are_cleared(open_page: OpenPage) -> None:
    page = open_page("/?q=sort a list")
    page.get_by_role("button", name="save it in this browser").click()
    page.locator("#q").fill("regular expressions")
    page.locator("#q").press("Enter")
    page.wait_for_url("**regular**")
    page.goto("/")
    recent, saved = (page.locator(f"[data-earlier={kind}]") for kind in ("recent", "saved"))
    expect(recent.locator("li")).to_have_text(["regular expressions", "sort a list"])
    expect(saved.locator("li")).to_have_text(["sort a list"])
    recent.get_by_role("button", name="Clear").click()
    expect(recent).to_be_hidden()
    page.reload()
    expect(recent).to_be_hidden()
    saved.get_by_role("link", name="sort a list").click()
    assert page.locator(".card").count() == 10
    assert page.evaluate("localStorage.getItem('refract-saved').length") < 200


def test_what_others_wrote_into_the_memory_is_no_link(open_page: OpenPage) -> None:
    page = open_page()
    odd = [
        {"q": HOSTILE, "at": "?q=%3Cimg"},
        {"q": "js", "at": "javascript:alert(1)"},
        {"q": 7, "at": "?q=x"},
        None,
    ]
    page.evaluate("(odd) => localStorage.setItem('refract-recent', odd)", json.dumps(odd))
    page.reload()
    expect(page.locator("[data-earlier=recent] li")).to_have_text([HOSTILE])
    page.evaluate("localStorage.setItem('refract-recent', 'no JSON')")
    page.reload()
    expect(page.locator("[data-earlier=recent]")).to_be_hidden()


def test_the_tour_shows_three_steps_on_a_real_result_once(open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 400, "height": 800}, bypass_csp=True)
    page.get_by_role("link", name="See how it works").click()
    tour = page.get_by_role("dialog")
    expect(tour).to_have_accessible_name("How it works, 1 of 3")
    expect(page.locator(".card").first.locator(".pointed")).to_have_class("because pointed")
    expect(tour.get_by_role("button", name="Next")).to_be_focused()
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert [each["id"] for each in found["violations"]] == []
    page.keyboard.press("Enter")
    expect(page.locator(".pointed")).to_contain_text("More about")
    page.keyboard.press("Enter")
    expect(page.locator(".pointed")).to_contain_text("By your steering")
    expect(tour).to_have_accessible_name("How it works, 3 of 3")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.keyboard.press("Enter")
    expect(tour).to_have_count(0)
    expect(page.locator("[data-search]")).to_be_focused()
    page.go_back()
    expect(page.locator(".card")).to_have_count(10)
    expect(tour).to_have_count(0)
    page.goto("/")
    expect(page.get_by_text("See how it works")).to_be_hidden()


@pytest.mark.parametrize("how", ["Escape", "Skip"])
def test_the_tour_can_be_left_at_once_and_needs_scripts(open_page: OpenPage, how: str) -> None:
    page = open_page()
    page.get_by_role("link", name="See how it works").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Skip").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    expect(page.locator(".card")).to_have_count(10)
    expect(page.get_by_role("dialog")).to_have_count(0)
    plain = open_page(java_script_enabled=False)
    assert not plain.get_by_text("See how it works").is_visible()


def test_a_tour_of_nothing_is_none(open_page: OpenPage) -> None:
    page = open_page('/?q="no such words at all"#tour')
    expect(page.locator("[data-search]")).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)
