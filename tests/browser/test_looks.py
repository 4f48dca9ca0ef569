"""Every page: fits a phone, passes axe in light and dark, loads little."""

from typing import Literal
from urllib.parse import urlencode

import pytest

from search.query.steering import ExamplesTarget, Knob
from tests.support.browser import AXE, OpenPage, unfold
from tests.support.indexed import Indexed

pytestmark = pytest.mark.browser

VIOLATIONS = "{ resultTypes: ['violations'] }"  # of what is well only one place each is described

STEERED = "/?q=sort a list by two keys&steer=1:1.5,2:off,concept:dates and times:-1&find=text"

TRACKS = "&".join(f"feature={number}" for number in range(1, 7))


@pytest.fixture
def addresses(indexed: Indexed) -> list[str]:
    longest = max(indexed.documents, key=lambda document: len(document.text))
    first, second = (document.id for document in indexed.documents[:2])
    like = Knob(1.5, ExamplesTarget((longest.id, first), (second,))).target
    return [
        "/",
        STEERED,
        f"/?{urlencode({'q': 'sort a list', 'steer': f'{like}:1.5,1:1'})}",
        f"/compare?{urlencode({'q': 'sort a list', 'first': longest.id, 'second': first})}",
        f"/why-not?{urlencode({'q': 'sort a list', 'document': first})}",
        "/analyze",
        "/tips?q=lists",
        "/presets",
        f"/analyze?text={longest.text[:1200]}",
        "/features",
        "/features?q=text",
        "/features/1",
        "/?q=sort a list&filter=kind:function&details=rest&details=values:package",
        f"/documents/{longest.id}?{TRACKS}&q=lists",
        "/features/map",
        "/features/map?q=text&feature=1",
        f"/documents/{longest.id}?q=lists",
    ]


def test_nothing_needs_sideways_scrolling_at_400_pixels(open_page: OpenPage, addresses: list[str]) -> None:
    page = open_page(viewport={"width": 400, "height": 800})
    for address in addresses:
        page.goto(address)
        unfold(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 400, f"{address}: {width}"


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1400)])
def test_axe_finds_nothing(
    open_page: OpenPage, addresses: list[str], scheme: Literal["light", "dark"], width: int
) -> None:
    # bypass_csp lets the test's own axe into the page.
    page = open_page(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    for address in addresses:
        page.goto(address)
        unfold(page)
        page.add_script_tag(path=AXE)
        found = page.evaluate(f"axe.run({VIOLATIONS}).then((report) => report.violations)")
        told = [f"{v['id']}: {v['help']}: {node['html'][:200]}" for v in found for node in v["nodes"]]
        assert told == [], address


def test_motion_can_be_reduced(open_page: OpenPage) -> None:
    page = open_page(STEERED, reduced_motion="reduce")
    durations = (
        "[...document.querySelectorAll('*')].map((e) => getComputedStyle(e, '::before').transitionDuration)"
    )
    assert set(page.evaluate(durations)) == {"0s"}


def test_the_first_page_weighs_under_60_kilobytes(open_page: OpenPage) -> None:
    page = open_page()
    kinds = "['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind))"
    weights = page.evaluate(f"{kinds}.map((entry) => [entry.name, entry.decodedBodySize])")
    assert len(weights) >= 3
    assert sum(size for _, size in weights) < 60_000, weights


LAYOUT = """(cards) => cards.map((card) => {
  const box = card.getBoundingClientRect();
  return [box.top, box.bottom];
})"""


@pytest.mark.parametrize(
    ("width", "top", "whole"), [(1400, 210, 3), (1200, 240, 2), (1024, 210, 2), (400, 300, 1)]
)
def test_results_come_first(open_page: OpenPage, width: int, top: int, whole: int) -> None:
    page = open_page("/?q=sort a list by two keys", viewport={"width": width, "height": 900})
    boxes = page.locator(".card").evaluate_all(LAYOUT)
    assert boxes[0][0] < top
    assert sum(bottom <= 900 for _, bottom in boxes) >= whole, boxes


WHERE = (
    "(all) => all.map((each) => each.getBoundingClientRect()).map((box) => [box.left, box.right, box.top])"
)


def test_what_answers_can_be_narrowed_down_to_stands_beside_them_where_there_is_room(
    open_page: OpenPage,
) -> None:
    page = open_page("/?q=sort a list by two keys&steer=1:1", viewport={"width": 1200, "height": 900})
    page.wait_for_load_state("networkidle")
    (card, *_), (lists,) = (page.locator(at).evaluate_all(WHERE) for at in (".card", ".facets"))
    assert page.locator(".facets").is_visible()
    assert card[1] < lists[0]
    assert lists[2] < card[2]
    page.route("**/*details=rest*", lambda _: None)
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**steer=1:0.9*")
    assert page.locator(".facets").evaluate_all(WHERE) == [lists], "they stay until newer ones are there"
    page.set_viewport_size({"width": 1024, "height": 900})
    assert not page.locator(".facets").is_visible()
    page.locator("#narrow > summary").click()
    assert page.locator(".facets").is_visible()


def test_what_is_touched_is_large_enough_on_a_phone(open_page: OpenPage) -> None:
    page = open_page("/?q=sort a list by two keys", viewport={"width": 400, "height": 900})
    page.locator(".numbers summary").first.click()
    touched = ".card summary, .cardfoot > *, .act, .understood summary, .narrowing summary, .searchrow button"
    heights = "(all) => all.map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect().height])"
    found = page.locator(touched).evaluate_all(heights)
    small = [(html, height) for html, height in found if 0 < height < 44]
    assert small == []
