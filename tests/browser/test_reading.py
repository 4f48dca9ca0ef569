"""A document is read beside what sets it apart, a field of many values is looked through: with and without
JavaScript, on every width."""

import re
from typing import Literal

import pytest
from playwright.sync_api import FloatRect, Page, expect

from tests.support.browser import OpenPage
from tests.support.indexed import Indexed

pytestmark = pytest.mark.browser

QUESTION = "sort a list by two keys"
WAYS = pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
WIDTHS = pytest.mark.parametrize("width", [1400, 1024, 400, 320])


@pytest.fixture
def longest(indexed: Indexed) -> str:
    """The address of a document of many passages."""
    return f"/documents/{max(indexed.documents, key=lambda found: len(found.text)).id}"


def unfold(page: Page) -> None:
    """Shows the topics, which a narrow page folds."""
    summary = page.locator(".apart > summary")
    if not page.locator(".apart ul").is_visible():
        summary.click()
    expect(page.locator(".apart ul")).to_be_visible()


def box(page: Page, where: str) -> FloatRect:
    found = page.locator(where).first.bounding_box()
    assert found is not None
    return found


@WAYS
def test_topics_are_lit_told_apart_and_turned_off(open_page: OpenPage, longest: str, scripts: bool) -> None:
    page = open_page(longest, java_script_enabled=scripts, viewport={"width": 1400, "height": 900})
    assert page.locator(".body [class^=heat]").count() == 0
    names = page.locator(".apart li > a")
    for number in range(3):
        names.nth(number).click()
        expect(page.locator(".apart [aria-current]")).to_have_count(number + 1)
    expect(page.locator(".tracks .track")).to_have_text(["A", "B", "C"])
    expect(page.locator(".map li")).to_have_text(["A", "B", "C"])
    fills = page.locator(".tracks .track rect").evaluate_all(
        "(all) => all.map((each) => each.getAttribute('fill'))"
    )
    assert len(set(fills)) == 3
    drawn = page.locator(".map rect:not(.heatmap0)")
    assert set(drawn.evaluate_all("(all) => all.map((each) => each.getAttribute('fill'))")) == set(fills)
    expect(page.locator(".body [class^=heat]").first).to_be_visible()
    page.locator(".tracks li").nth(1).get_by_role("link", name="Turn off").click()
    expect(page.locator(".tracks .track")).to_have_text(["A", "B"])
    page.locator(".apart [aria-current]").first.click()
    expect(page.locator(".tracks li")).to_have_count(1)
    page.go_back()
    expect(page.locator(".tracks li")).to_have_count(2)


@WAYS
def test_a_topic_leads_to_what_it_is_and_to_a_steered_search(
    open_page: OpenPage, longest: str, scripts: bool
) -> None:
    page = open_page(
        f"{longest}?q={QUESTION}", java_script_enabled=scripts, viewport={"width": 400, "height": 900}
    )
    unfold(page)
    row = page.locator(".apart li").first
    name = row.locator("a").first.inner_text().split("\n")[0]
    row.get_by_role("link", name=f"What is {name}?").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".topsearch input[type=search]")).to_have_value(QUESTION)
    page.get_by_role("link", name="Results for").click()
    expect(page.locator(".card")).to_have_count(10)
    page.go_back()
    page.go_back()
    unfold(page)
    row.get_by_role("link", name=f"Search with more of {name}").click()
    expect(page).to_have_url(re.compile(r"steer=\d+:[\d.]+"))
    expect(page.locator(".knob-label")).to_have_text(name)


@WIDTHS
def test_topics_stand_beside_the_text_where_there_is_room_and_folded_above_it_elsewhere(
    open_page: OpenPage, longest: str, width: int
) -> None:
    tracks = "&".join(f"feature={number}" for number in range(1, 7))
    page = open_page(f"{longest}?{tracks}", viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    text, apart, drawn = box(page, ".text"), box(page, ".apart"), box(page, ".map")
    assert text["x"] + text["width"] <= drawn["x"]
    if width == 1400:
        assert drawn["x"] + drawn["width"] <= apart["x"]
        assert abs(apart["y"] - text["y"]) < 40
        expect(page.locator(".apart ul")).to_be_visible()
    else:
        assert apart["y"] + apart["height"] <= text["y"]
        expect(page.locator(".apart ul")).not_to_be_visible()
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tracks_have_colours_of_their_own(
    open_page: OpenPage, longest: str, scheme: Literal["light", "dark"]
) -> None:
    tracks = "&".join(f"feature={number}" for number in range(1, 7))
    page = open_page(f"{longest}?{tracks}", color_scheme=scheme)
    colours = page.locator("pattern rect:first-child").evaluate_all(
        "(all) => all.map((each) => getComputedStyle(each).fill)"
    )
    first = page.locator(".tracks .track rect").first.evaluate("(each) => getComputedStyle(each).fill")
    assert len({first, *colours}) == 6


@WAYS
def test_code_is_monospaced_line_by_line_and_prose_flows(
    open_page: OpenPage, indexed: Indexed, scripts: bool
) -> None:
    document = next(each for each in indexed.documents if "\n>>> " in each.text)
    page = open_page(f"/documents/{document.id}", java_script_enabled=scripts)
    code = page.locator(".body code").filter(has_text=">>>").first
    expect(code).to_have_css("white-space-collapse", "preserve")
    expect(code).to_have_css("font-family", re.compile("monospace"))
    assert "\n" in code.inner_text()
    prose = page.locator(".body p").first
    expect(prose).to_have_css("white-space-collapse", "collapse")
    assert "monospace" not in prose.evaluate("(each) => getComputedStyle(each).fontFamily")


@WAYS
def test_all_values_of_a_field_are_looked_through_and_one_is_chosen(
    open_page: OpenPage, scripts: bool
) -> None:
    page = open_page(
        f"/?q={QUESTION}{'' if scripts else '&details=rest'}",
        java_script_enabled=scripts,
        viewport={"width": 1400, "height": 900},
    )
    expect(page.locator("#rest")).to_have_count(0)
    packages = page.locator(".facet[aria-label=Package]")
    more = packages.get_by_role("link", name="more of Package")
    count = int(more.inner_text().split()[0])
    address = page.url
    more.press("Enter")
    others = packages.locator(".listed li")
    expect(others).to_have_count(count)
    names = [name.split()[0] for name in others.locator("a").all_inner_texts()]
    assert names == sorted(names, key=str.lower)
    if scripts:
        assert page.url == address
        expect(packages.locator(".listed")).to_be_focused()
    others.last.locator("a").click()
    expect(page.locator(".restriction")).to_contain_text(f"package {names[-1]}")
    expect(page).to_have_url(re.compile(f"filter=package:{re.escape(names[-1])}"))
    page.locator(".restriction a").click()
    expect(page.locator(".restriction")).to_have_count(0)


@pytest.mark.parametrize("width", [400, 320])
def test_what_is_touched_beside_results_and_on_documents_is_large_enough(
    open_page: OpenPage, longest: str, width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    for address, touched in (
        (f"/?q={QUESTION}&details=rest&details=values:package", ".facet li > a, .facet summary, .range *"),
        (
            f"{longest}?q={QUESTION}&feature=1&feature=2",
            ".apart li a, .apart > summary, .tracks a, .match a, .block .chip a, .crumbs a",
        ),
    ):
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = page.locator(touched).evaluate_all(
            "(all) => all.map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect().height])"
        )
        assert found
        assert [(html, height) for html, height in found if 0 < height < 44] == []
