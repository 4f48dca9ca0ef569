"""The map of features in a real browser: by pointer, by keyboard, by touch, and without JavaScript."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import OpenPage
from tests.support.building import eventually

pytestmark = pytest.mark.browser

SEEN = """(all) => all.filter((text) => getComputedStyle(text).opacity === '1').map((text) => {
  const box = text.getBoundingClientRect();
  return [box.left, box.right, box.top, box.bottom];
})"""
NUMBERS = "(all) => all.map((link) => link.dataset.feature)"
ADDRESSES = "(all) => all.map((link) => link.getAttribute('href'))"


def names(page: Page) -> list[list[float]]:
    """The boxes of the names that are seen on the map."""
    boxes: list[list[float]] = page.locator("#map text").evaluate_all(SEEN)
    (left, right, top, bottom), *_ = page.locator("#map").evaluate_all(
        "(all) => all.map((e) => e.getBoundingClientRect()).map((b) => [b.left, b.right, b.top, b.bottom])"
    )
    return [box for box in boxes if box[1] > left and box[0] < right and box[3] > top and box[2] < bottom]


def width(page: Page) -> float:
    """How much of the map is seen, of 1000."""
    return float((page.locator("#map").get_attribute("viewBox") or "").split()[2])


def first_dot(page: Page) -> Locator:
    """The first dot that nothing lies over."""
    free = """(all) => all.findIndex((circle) => {
      const box = circle.getBoundingClientRect();
      return document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) === circle;
    })"""
    dots = page.locator("#map a:not(.area)")
    return dots.nth(page.locator("#map a:not(.area) circle").evaluate_all(free))


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_dot_says_what_it_is_and_leads_to_its_page_and_a_search(open_page: OpenPage, scripts: bool) -> None:
    page = open_page("/features", java_script_enabled=scripts)
    page.get_by_role("link", name="See them on a map").click()
    dot = first_dot(page)
    name = dot.text_content() or ""
    dot.locator("circle").click()
    chosen = page.locator("[data-chosen]")
    expect(chosen.get_by_role("heading")).to_have_text(name)
    expect(page).to_have_url(re.compile("feature="))
    expect(page.locator("#map .chosen")).to_have_count(1)
    page.reload()
    expect(chosen.get_by_role("heading")).to_have_text(name)
    chosen.get_by_role("link", name="Search with it turned up").click()
    expect(page.locator(".knob")).to_have_count(1)
    page.go_back()
    chosen.get_by_role("link", name="Read about it").click()
    expect(page.locator("h1")).to_have_text(name)
    page.get_by_role("link", name="on the map").click()
    expect(page.locator("#map .chosen")).to_have_count(1)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_what_is_looked_for_is_marked_on_the_map_and_listed(open_page: OpenPage, scripts: bool) -> None:
    page = open_page("/features/map", java_script_enabled=scripts)
    page.get_by_role("searchbox", name="Find features").fill("dates")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=dates"))
    expect(page.locator("#list .count").first).to_have_text("Nearest to “dates”")
    expect(page.locator("#map.marking .marked").first).to_be_attached()
    listed = set(page.locator("#list h3").all_inner_texts())
    assert set(page.locator("#map .marked").all_text_contents()) <= listed
    if scripts:
        first = page.locator("#list h3 a[data-feature]").evaluate_all(NUMBERS)
        dots = page.locator("#map .marked").evaluate_all(ADDRESSES)
        there = [number for number in first if any(address.endswith(f"={number}") for address in dots)]
        named = page.locator("#map .named").evaluate_all(ADDRESSES)
        assert any(address.endswith(f"={there[0]}") for address in named), "what is listed first has its name"
    page.locator("#map .marked circle").last.click(force=True)
    expect(page.locator("[data-chosen]")).to_be_visible()
    expect(page).to_have_url(re.compile("q=dates"))
    expect(page.locator("#map.marking .marked").first).to_be_attached()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_family_leads_nearer(open_page: OpenPage, scripts: bool) -> None:
    page = open_page("/features/map", java_script_enabled=scripts)
    family = page.locator("#list .chip a").first
    name = family.inner_text()
    family.click()
    expect(page.locator("#list h2").first).to_have_text(name)
    assert width(page) <= 1000
    page.get_by_role("link", name="The whole map").first.click()
    expect(page.locator("#list .chip a").first).to_have_text(name)
    assert width(page) == 1000


def test_without_javascript_the_map_can_be_skipped_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/features/map", java_script_enabled=False)
    page.get_by_role("button", name="Find", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip the map")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#list a").first).to_be_focused()


def test_everything_on_the_map_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("/features/map")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.locator("#map a:focus").count():
            break
    began = page.locator("#map a:focus").text_content()
    ways = ("ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp")
    reached = set()
    for key in ways * 2:
        page.keyboard.press(key)
        reached.add(page.locator("#map a:focus").text_content())
    assert len(reached | {began}) >= 3
    name = page.locator("#map a:focus").text_content() or ""
    expect(page.locator("#map .aimed text")).to_have_css("opacity", "1")
    page.keyboard.press("+")
    assert width(page) == 500
    page.keyboard.press("0")
    assert width(page) == 1000
    page.keyboard.press("Enter")
    expect(page.locator("[data-chosen] h2")).to_have_text(name)
    expect(page.locator("#status")).to_contain_text(name)
    assert page.locator("#map a:focus").text_content() == name, "focus stays where it was"
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(name)


def test_nearer_there_are_more_names_and_none_overlap(open_page: OpenPage) -> None:
    page = open_page("/features/map", viewport={"width": 1400, "height": 900})
    few = names(page)
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    near = names(page)
    assert width(page) == 250
    assert few
    assert near
    for boxes in (few, near):
        for at, one in enumerate(boxes):
            for other in boxes[:at]:
                across = min(one[1], other[1]) - max(one[0], other[0])
                down = min(one[3], other[3]) - max(one[2], other[2])
                assert across < 12 or down < 6, (one, other)
    page.get_by_role("button", name="The whole map").click()
    assert names(page) == few


def test_the_map_is_dragged_and_a_wheel_zooms_once_it_has_the_focus(open_page: OpenPage) -> None:
    page = open_page("/features/map")
    box = page.locator("#map").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, 50)
    eventually(lambda: page.evaluate("scrollY") == 50)  # it scrolls the page
    assert width(page) == 1000
    first_dot(page).focus()
    page.mouse.wheel(0, -300)
    expect(page.locator("#map")).to_have_attribute("viewBox", re.compile(r"^\S+ \S+ 500 "))
    before = page.locator("#map").get_attribute("viewBox")
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=3)
    page.mouse.up()
    assert page.locator("#map").get_attribute("viewBox") != before
    assert page.locator("[data-chosen]").count() == 0, "what is dragged is not clicked"


def test_a_finger_near_a_dot_is_enough_and_two_zoom(open_page: OpenPage) -> None:
    page = open_page("/features/map", viewport={"width": 400, "height": 800}, has_touch=True)
    box = first_dot(page).locator("circle").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 - 3)
    expect(page.locator("[data-chosen] h2")).to_be_in_viewport()
    whole = page.locator("#map").bounding_box()
    assert whole is not None
    x, y = whole["x"] + whole["width"] / 2, whole["y"] + whole["height"] / 2
    fingers = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 20), ("touchMove", 30), ("touchMove", 60), ("touchEnd", 0)):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    eventually(lambda: width(page) < 600)
