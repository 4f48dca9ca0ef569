"""Small things that are noticed where they lack: colours, the header of a phone, the way by keys."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import OpenPage
from tests.support.indexed import Indexed

pytestmark = pytest.mark.browser

GROUND = "getComputedStyle(document.body).backgroundColor"
FOCUSED = "document.activeElement.closest('[data-result]')?.dataset.result ?? null"


def test_colours_are_the_systems_until_they_are_chosen(open_page: OpenPage) -> None:
    page = open_page(color_scheme="light")
    light = page.evaluate(GROUND)
    page.get_by_label("Colours").select_option("dark")
    dark = page.evaluate(GROUND)
    assert dark != light
    page.goto("/?q=lists", wait_until="commit")
    page.wait_for_function("document.body !== null")  # what is painted first has them already
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.wait_for_load_state()
    assert page.evaluate(GROUND) == dark
    expect(page.get_by_label("Colours")).to_have_value("dark")
    page.get_by_label("Colours").select_option("")
    page.reload()
    assert page.evaluate(GROUND) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) == dark
    plain = open_page(java_script_enabled=False)
    assert not plain.get_by_label("Colours").is_visible()


@pytest.mark.parametrize("width", [400, 320])
def test_the_header_is_one_row_on_a_phone(open_page: OpenPage, indexed: Indexed, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    for address in ("/", "/?q=lists", f"/documents/{indexed.documents[0].id}?q=lists", "/features"):
        page.goto(address)
        size = page.locator("header.top").bounding_box()
        assert size is not None
        assert size["height"] <= 64, address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        for each in page.locator("header.top :is(a, input)").all():
            if each.is_visible() and (target := each.bounding_box()):
                assert target["height"] >= 44, address
                assert target["width"] >= (80 if each.get_attribute("id") == "q" else 24), address


def test_what_is_at_the_foot_is_large_enough_on_a_phone(open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 400, "height": 800})
    for each in page.locator(".foot :is(a, button, select)").all():
        size = each.bounding_box()
        assert size is not None
        assert size["height"] >= 44


@pytest.mark.parametrize("scripts", [True, False])
def test_ten_tabs_at_most_lead_to_the_first_result(open_page: OpenPage, scripts: bool) -> None:
    page = open_page("/?q=sort a list", java_script_enabled=scripts)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the results")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".card").first.locator("h3 a")).to_be_focused()


def test_enter_in_find_a_topic_looks_and_stays(open_page: OpenPage) -> None:
    page = open_page("/?q=sort a list")
    page.evaluate("window.here = true")
    page.locator("#find").fill("dates")
    page.locator("#find").press("Enter")
    expect(page.locator("#found li").first).to_be_visible()
    assert page.url.endswith("/?q=sort a list") or page.url.endswith("/?q=sort%20a%20list")
    assert page.evaluate("window.here")


def test_keys_go_on_behind_the_result_one_comes_back_from(open_page: OpenPage) -> None:
    page = open_page("/?q=sort a list")
    shown = [each.get_attribute("data-result") for each in page.locator("[data-result]").all()]
    _press(page, "j", "j")
    assert page.evaluate(FOCUSED) == shown[1]
    page.keyboard.press("o")
    page.wait_for_url("**/document**")
    page.go_back()
    expect(page.locator(".card")).to_have_count(10)
    page.evaluate("document.activeElement.blur()")
    _press(page, "j")
    assert page.evaluate(FOCUSED) == shown[2]
    _press(page, "k", "k")
    assert page.evaluate(FOCUSED) == shown[0]


def _press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
