"""What people do with the pages, in a real browser: with and without JavaScript, by keyboard, on a phone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser import OpenPage
from tests.support.indexed import Indexed

pytestmark = pytest.mark.browser

QUESTION = "sort a list by two keys"
CHANGED = re.compile(r"[?&]steer=")


def titles(page: Page) -> list[str]:
    return page.locator("[data-result] h3 a").all_inner_texts()


def thousandths(text: str) -> int:
    return round(float(text.strip().removeprefix("=").strip().replace("−", "-")) * 1000)


# For each card: the score, the total, the numbers below the bar, the numbers of the explanation.
NUMBERS = """cards => cards.map((card) => {
  const texts = (where) => [...card.querySelectorAll(where)].map((element) => element.textContent);
  return [
    texts('.score')[0], texts('.total')[0],
    texts('.sum [data-term] .num'), texts('.why tr[data-term] .num'),
  ];
})"""


@contextmanager
def unfolded(page: Page) -> Iterator[Page]:
    """The page with the numbers and reasons of all cards: unfolded here, so that they are loaded; without
    scripts another one with all details."""
    if page.evaluate("matchMedia('(scripting: none)').matches"):
        whole = page.context.new_page()
        whole.goto(f"{page.url}&details=all")
        yield whole
        whole.close()
        return
    page.locator(".numbers, .why[id^=why]").evaluate_all(
        "(all) => all.forEach((each) => { each.open = true; })"
    )
    cards = page.locator(".card").count()
    expect(page.locator(".sum")).to_have_count(cards)
    expect(page.locator(".why table")).to_have_count(cards)
    yield page


def check_sums(page: Page) -> int:
    """Every card's printed numbers sum to its printed score. Returns how many cards there are."""
    with unfolded(page) as whole:
        cards = whole.locator(".card").evaluate_all(NUMBERS)
    for score, total, parts, lines in cards:
        assert thousandths(score) == thousandths(total)
        assert thousandths(score) == sum(map(thousandths, parts)) == sum(map(thousandths, lines))
    return len(cards)


def search(page: Page, text: str = QUESTION) -> None:
    page.locator("[data-search]").fill(text)
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile(re.escape(text[:9])))
    expect(page.locator(".card").first).to_be_visible()


def third_topic(page: Page) -> Locator:
    """A topic that the search understood, as its chip."""
    return page.locator(".understood .chip").nth(1)


def explanation(page: Page) -> list[str]:
    with unfolded(page) as whole:
        return whole.locator(".card").first.locator(".why tr[data-term]").all_text_contents()


def boost(page: Page, times: int) -> float:
    """Turns the third topic up step by step, waiting for each answer. The first press is as far as the
    answers need, later ones are halves. Returns how far it is turned."""
    turned, strength = page.locator(".understood .turned"), 0.0
    for _ in range(times):
        third_topic(page).get_by_role("link", name="Turn up").click()
        expect(turned).to_have_text(re.compile(r"\+") if not strength else f"+{strength + 0.5:g}")
        strength = float(turned.inner_text())
    return strength


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_search_boost_explain_reload_back(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(java_script_enabled=scripts)
    search(page)
    before, reasons = titles(page), explanation(page)
    assert check_sums(page) == 10

    boost(page, 4)
    expect(page).to_have_url(CHANGED)
    steered = titles(page)
    assert steered != before
    assert explanation(page) != reasons
    assert any("yours" in line for line in explanation(page))
    assert check_sums(page) == 10
    assert page.locator(".up").count() > 0
    expect(page.locator(".knob")).to_have_count(1)

    address = page.url
    page.reload()
    assert page.url == address
    assert titles(page) == steered
    expect(page.locator(".knob")).to_have_count(1)

    for _ in range(4):
        page.go_back()
    expect(page.locator(".knob")).to_have_count(0)
    assert titles(page) == before
    assert page.locator("[data-search]").input_value() == QUESTION


def test_a_dragged_slider_changes_the_order_and_keeps_the_focus(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    strength = boost(page, 1)
    before = titles(page)
    entries = page.evaluate("history.length")
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(rf"steer=\d+:{strength - 2:g}"))
    assert titles(page) != before
    expect(slider).to_be_focused()
    assert page.get_by_role("spinbutton").input_value() == f"{strength - 2:g}"
    assert page.evaluate("history.length") == entries, "dragging must not fill the history"

    page.get_by_role("spinbutton").fill("-1")
    expect(page).to_have_url(re.compile(r"steer=\d+:-1$"))
    assert slider.input_value() == "-1"
    assert check_sums(page) == 10


def test_numbers_are_applied_without_javascript(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}", java_script_enabled=False, viewport={"width": 1200, "height": 900})
    boost(page, 1)
    before = titles(page)
    expect(page.get_by_role("slider")).to_have_count(0)
    page.get_by_role("spinbutton").fill("-3")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"steer=\d+:-3$"))
    assert titles(page) != before
    page.get_by_role("button", name="Clear all").click()
    expect(page).not_to_have_url(CHANGED)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_phrase_and_a_found_topic_can_be_added_and_removed(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(f"/?q={QUESTION}", java_script_enabled=scripts, viewport={"width": 1200, "height": 900})
    for name in (re.compile("use these words as a topic"), re.compile("passage")):
        page.get_by_role("searchbox", name="Find a topic").fill("dates and times")
        if not scripts:
            page.get_by_role("button", name="Find", exact=True).click()
        page.locator("#found").get_by_role("button", name=name).last.click()
        expect(page.locator("#found button")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"steer=concept:dates%20and%20times:[\d.]+,\d+:[\d.]+"))
    expect(page.locator(".knob")).to_have_count(2)
    assert check_sums(page) == 10
    page.get_by_role("button", name="Remove dates and times").click()
    expect(page.locator(".knob")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"steer=\d+:[\d.]+$"))


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_family_found_by_a_word_is_one_knob_and_one_term(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(f"/?q={QUESTION}", java_script_enabled=scripts, viewport={"width": 1200, "height": 900})
    before = titles(page)
    page.get_by_role("searchbox", name="Find a topic").fill("dates")
    if not scripts:
        page.get_by_role("button", name="Find", exact=True).click()
    offer = page.locator("#found button[value^='up:family:']").first
    name = offer.locator(".pick-label").inner_text()
    offer.click()
    expect(page.locator(".knob-label")).to_have_text(name)
    expect(page).to_have_url(re.compile(r"steer=family:\d+:[\d.]+"))
    page.goto(re.sub(r"(family:\d+:)[\d.]+", r"\g<1>5", page.url))
    expect(page.locator(".knob-label")).to_have_text(name)
    assert titles(page) != before
    assert sum("your steering" in line and line.strip().startswith(name) for line in explanation(page)) == 1
    assert check_sums(page) == 10


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_what_sets_an_example_apart_is_turned_one_by_one_instead(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(
        "/?q=dates and times", java_script_enabled=scripts, viewport={"width": 1200, "height": 900}
    )
    page.locator(".card").first.get_by_role("link", name="More like this").click()
    expect(page).to_have_url(re.compile(r"steer=like:"))
    expect(page.locator(".knob")).to_have_count(1)
    page.locator(".knob summary").click()
    told = page.locator(".knob .others li")
    names = told.get_by_role("link").all_inner_texts()
    strengths = [float(text.replace("−", "-")) for text in told.locator(".num").all_inner_texts()]
    assert names
    page.get_by_role("button", name="Turn these one by one instead").click()
    expect(page.locator(".knob-label")).to_have_text(names)
    turned = [float(box.input_value()) for box in page.locator(".knob input[type=number]").all()]
    assert turned == strengths
    assert "like:" not in page.url
    assert check_sums(page) == 10
    page.go_back()
    expect(page.locator(".knob summary")).to_have_text("What sets them apart")


@pytest.mark.parametrize("scripts", [True, False], ids=["js", "no js"])
def test_words_count_can_be_excluded_and_left_out(open_page: OpenPage, scripts: bool) -> None:
    page = open_page("/", java_script_enabled=scripts)
    page.get_by_label("Search", exact=True).first.fill('sort "list" -dictionary')
    page.keyboard.press("Enter")
    expect(page.locator(".tally")).to_contain_text("Only documents with “list” ×, without “dictionary” ×")
    said = page.locator("#more-topics")
    expect(said).to_contain_text("Words: sort")
    page.locator(".why summary").first.click()
    if not scripts:
        page.get_by_role("link", name="Show why").first.click()
    expect(page.locator(".why").first).to_contain_text("word of question and passage")
    assert check_sums(page) == 10
    said.get_by_text("more").click()
    page.get_by_role("link", name="by meaning alone").click()
    expect(said).not_to_contain_text("Words:")
    assert "mode=semantic" in page.url
    page.get_by_label("Search", exact=True).first.fill("open files")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=open"))
    expect(said).to_contain_text("Ordered by meaning alone")
    said.get_by_text("more").click()
    page.get_by_role("link", name="by meaning and words").click()
    expect(said).to_contain_text("Words: open")


def share(page: Page, topic: str) -> int:
    """What a topic adds to the first score that it adds to, in thousandths."""
    chip = page.locator(".sum .chip").filter(has_text=re.compile(rf"^\s*{re.escape(topic)}\s")).first
    return thousandths(chip.locator(".num").first.inner_text())


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_more_and_less_about_a_phrase_says_what_it_did_and_is_undone(
    open_page: OpenPage, scripts: bool
) -> None:
    page = open_page(f"/?q={QUESTION}", java_script_enabled=scripts, viewport={"width": 1200, "height": 900})
    before = titles(page)
    for box, sign in (("More about", ""), ("Less about", "-")):
        page.get_by_role("searchbox", name=box).fill("dates and times")
        page.keyboard.press("Enter")
        expect(page.locator(".knob-label")).to_have_text("“dates and times”")
        expect(page).to_have_url(re.compile(rf"steer=concept:dates%20and%20times:{sign}[\d.]+$"))
        expect(page.get_by_role("searchbox", name=box)).to_have_value("")
        expect(page.locator(".effect")).to_contain_text(re.compile(r"in the first 10|as without steering"))
        if not sign:
            assert titles(page) != before
        page.get_by_role("link", name="Undo").click()
        expect(page.locator(".knob")).to_have_count(0)
        assert titles(page) == before
        expect(page.get_by_role("searchbox", name=box)).to_have_value("")
    page.locator("#q").fill("read a file")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=read%20a%20file$"))


def test_on_a_phone_what_a_press_did_comes_into_view(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}", viewport={"width": 400, "height": 800})
    page.locator("#panel > summary").click()
    page.get_by_role("searchbox", name="More about").fill("dates and times")
    page.keyboard.press("Enter")
    expect(page.locator(".effect")).to_be_in_viewport()


def test_a_first_press_visibly_changes_the_ten_and_new_results_are_marked(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    page.locator(".numbers summary").first.click()
    topic = page.locator(".sum .chip a").first.inner_text()
    before, number = titles(page), share(page, topic)
    page.locator(".sum .chip").first.get_by_role("link", name="Turn up").click()
    expect(page.locator(".knob-label")).to_have_text(topic)
    expect(page.locator(".effect")).to_have_text(re.compile(r"\d (moved up|new).* in the first 10 Undo"))
    after = titles(page)
    assert [title for place, title in enumerate(after) if title not in before[: place + 1]]
    expect(page.locator(".card.new h3")).to_have_text([title for title in after if title not in before])
    assert share(page, topic) > number
    assert page.locator(".sum .chip").filter(has_text="yours").count() > 0


def test_leaving_a_topic_out_and_putting_it_back(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}", viewport={"width": 1200, "height": 900})
    page.locator(".understood").get_by_role("link", name="Leave out").first.click()
    expect(page.locator(".knob")).to_contain_text("Left out")
    expect(page).to_have_url(re.compile(r"steer=\d+:off"))
    assert check_sums(page) == 10
    page.locator(".knob").get_by_role("button", name="Remove").click()
    expect(page.locator(".knob")).to_have_count(0)


def test_an_unfolded_explanation_stays_unfolded_while_steering(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    before = {why.get_attribute("id") for why in page.locator(".why").all()}
    for summary in page.locator(".why summary").all():
        summary.click()
    boost(page, 1)
    page.wait_for_function("document.querySelectorAll('.why[open]').length > 0")
    after = page.locator(".why").evaluate_all("(all) => all.map((why) => [why.id, why.open])")
    assert [is_open for name, is_open in after if name in before] == [True] * len(before & dict(after).keys())
    assert [is_open for name, is_open in after if name not in before] == [False] * len(
        dict(after).keys() - before
    )


def test_what_is_dear_comes_after_the_first_answer_and_leaves_all_else_alone(open_page: OpenPage) -> None:
    page = open_page()
    held: list[Route] = []
    page.route("**/*details=rest*", lambda route: held.append(route))
    search(page, "remove an item from a set")
    page.locator(".why summary").nth(1).click()
    expect(page.locator(".why table")).to_have_count(1)
    page.locator("#narrow summary").focus()
    page.keyboard.press("Enter")
    reason = page.locator(".because a").first
    reason.focus()
    before, [rest] = titles(page), held
    expect(page.locator(".facets")).to_have_count(0)

    rest.continue_()
    expect(page.locator("#rest")).to_have_count(0)
    expect(page.locator(".facets")).to_be_visible()
    expect(page.locator(".smallprint").last).to_contain_text("; then ")
    assert page.locator(".passage :is(.said1, .said3)").count() > 0
    assert titles(page) == before
    expect(reason).to_be_focused()
    expect(page.locator(".why table")).to_be_visible()
    assert held == [rest], "one request for all cards"


def test_a_newer_question_gives_up_what_was_to_come_of_the_one_before(open_page: OpenPage) -> None:
    page = open_page()
    held: list[Route] = []
    page.route("**/*details=rest*", lambda route: held.append(route))
    with page.expect_request(re.compile("q=remove.*details=rest")):
        search(page, "remove an item from a set")
    with page.expect_request(re.compile("q=copy.*details=rest")):
        search(page, "copy a file")
    expect(page.locator("#rest.htmx-request")).to_have_count(1)
    early, late = held
    late.continue_()
    expect(page.locator("#rest")).to_have_count(0)
    assert early.request.failure


def test_what_is_asked_for_while_newer_results_are_on_their_way_is_given_up(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    expect(page.locator("#rest")).to_have_count(0)
    held: dict[str, Route] = {}
    page.route(re.compile(r"q=copy"), lambda route: held.update(results=route))
    page.route(re.compile(r"details=\d+"), lambda route: held.update(why=route))
    page.locator("[data-search]").fill("copy a file")
    with page.expect_request(re.compile("q=copy")):
        page.keyboard.press("Enter")
    with page.expect_request(re.compile(r"details=\d+")):
        page.locator(".why summary").first.click()
    expect(page.locator(".why .htmx-request")).to_have_count(1)
    with page.expect_event("requestfailed", lambda given_up: given_up == held["why"].request):
        held["results"].continue_()
    expect(page).to_have_title(re.compile("copy"))


def test_markup_in_a_question_is_text(open_page: OpenPage) -> None:
    attack = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script> sort"
    page = open_page()
    search(page, attack)
    search(page, "again " + attack)
    assert page.locator("[data-search]").input_value() == "again " + attack
    assert page.locator("main img, main script").count() == 0
    assert page.title() != "run"
    page.locator("#find").fill(attack)
    expect(page.locator("#found")).to_contain_text(attack)
    assert page.locator("main img, main script").count() == 0


def tab_to(page: Page, name: str) -> None:
    """Goes on by Tab until what has the focus is called so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        called = "(element) => element.getAttribute('aria-label') ?? element.textContent"
        if name in str(page.locator(":focus").evaluate(called)):
            return


def test_everything_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}", viewport={"width": 1200, "height": 900})
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("a generator j?")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("a%20generator%20j"))
    page.evaluate("document.activeElement.blur()")
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(page.locator("[data-result] h3 a").nth(place)).to_be_focused()
    tab_to(page, "Numbers")
    page.keyboard.press("Enter")
    tab_to(page, "Turn up")  # an answer may share no topic that has a name
    page.keyboard.press("Enter")
    expect(page).to_have_url(CHANGED)
    expect(page.locator("#results :focus, #results:focus")).to_have_count(1)  # its card may be gone
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    title = page.locator(":focus").inner_text()
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_numbers_unfold_and_with_javascript_stay_unfolded_from_search_to_search(
    open_page: OpenPage, scripts: bool
) -> None:
    page = open_page(f"/?q={QUESTION}", java_script_enabled=scripts)
    expect(page.locator(".bar:visible")).to_have_count(0)
    page.locator(".numbers summary").first.click()
    if not scripts:
        page.get_by_role("link", name="Show the numbers").first.click()
    expect(page.locator(".bar:visible")).to_have_count(10)
    if not scripts:
        return
    search(page, "dates and times")
    expect(page.locator(".bar:visible")).to_have_count(10)
    page.reload()
    expect(page.locator(".bar:visible")).to_have_count(10)
    page.locator(".numbers summary").nth(1).click()
    expect(page.locator(".bar:visible")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_two_ticked_results_are_compared(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(f"/?q={QUESTION}", java_script_enabled=scripts)
    button = page.get_by_role("button", name="Compare the two")
    expect(button).to_be_hidden()
    ticks = page.get_by_role("checkbox", name="Compare")
    for place in [2, 0, 1] if scripts else [0, 1]:
        ticks.nth(place).check()
    names = titles(page)
    button.click()
    expect(page.locator(".pair h2")).to_have_text(names[:2])


def test_the_link_to_a_passage_is_copied(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").first.click()
    expect(page.get_by_role("status")).to_have_text("The link is copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    expect(page.locator(".block:target")).to_be_in_viewport()


def test_shortcuts_can_be_turned_off(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    page.get_by_role("button", name="Keyboard shortcuts", exact=True).click()
    page.get_by_role("checkbox", name="Use these shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    assert page.locator("[data-result] h3 a:focus").count() == 0


def test_the_first_visit_line_goes_away_for_good(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    expect(page.locator(".teach")).to_be_visible()
    page.get_by_role("button", name="Got it").click()
    expect(page.locator(".teach")).to_be_hidden()
    page.reload()
    expect(page.locator(".teach")).to_be_hidden()


def test_the_live_region_is_there_first_and_announces_the_count(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    region = page.get_by_role("status")
    expect(region).to_have_text("")
    boost(page, 1)
    expect(region).to_contain_text("documents shown")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_pointing_at_a_topic_lights_the_words_that_made_it_fire(open_page: OpenPage, scripts: bool) -> None:
    page = open_page(f"/?q={QUESTION}{'' if scripts else '&details=rest'}", java_script_enabled=scripts)
    card = page.locator(".card:has(.reason.topic1):has(.passage [class*=lit1-])").first
    lit, asked = card.locator("[class*=lit1-]").first, card.locator("[class*=said]:not([class*=lit1-])").first
    expect(asked).to_have_css("text-decoration-line", "underline")
    card.locator(".reason.topic1").hover()
    expect(lit).to_have_css("text-decoration-line", "underline")
    expect(asked).to_have_css("text-decoration-line", "none")
    page.mouse.move(0, 0)
    expect(asked).to_have_css("text-decoration-line", "underline")
    card.locator(".reason.topic1").focus()
    expect(asked).to_have_css("text-decoration-line", "none")
    card.locator(".why summary").click()
    if not scripts:
        return
    card.locator("tr.topic1 td a").first.click()
    expect(page.locator(".block:target .body [class^=heat]").first).to_be_visible()
    expect(page.locator(".map rect.heatmap4, .map rect.heatmap3, .map rect.heatmap2").first).to_be_visible()


def test_words_of_a_long_document_are_lit_when_they_come_into_view(
    open_page: OpenPage, indexed: Indexed
) -> None:
    document = max(indexed.documents, key=lambda found: len(found.text)).id
    page = open_page(f"/documents/{document}?q={QUESTION}")
    last = page.locator(".block").last
    assert last.locator("[class^=said]").count() == 0
    text = last.locator(".body").inner_text()
    last.scroll_into_view_if_needed()
    expect(last.locator("[class^=said]").first).to_be_visible()
    assert last.locator(".body").inner_text() == text


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_topics_of_a_text_are_copied_onto_another_question(open_page: OpenPage, scripts: bool) -> None:
    page = open_page("/analyze", java_script_enabled=scripts)
    page.get_by_label("The text").fill("A server listens on a network socket. It accepts connections.")
    page.get_by_role("button", name="Analyze").click()
    expect(page.locator(".sentences .body")).to_have_count(2)
    boxes = page.locator(".topics input[type=checkbox]:checked")
    ticked = boxes.count()
    assert ticked
    lit = page.locator("[class*=lit1-]").first
    expect(lit).to_have_css("text-decoration-line", "none")
    page.locator(".topics .topic1").hover()
    expect(lit).to_have_css("text-decoration-line", "underline")
    page.get_by_role("button", name="Search with this text", exact=True).click()
    expect(page.locator(".card").first).to_be_visible()
    page.go_back()
    page.get_by_label("Another question").fill("examples")
    page.get_by_role("button", name="Steer it").click()
    expect(page.locator(".knob")).to_have_count(ticked)
    expect(page.locator(".card")).to_have_count(10)
    assert check_sums(page) == 10


def test_from_a_topic_to_a_document_and_back_to_a_steered_search(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}")
    third_topic(page).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Where it fires")).to_be_visible()
    assert page.get_by_label("Search with this turned up").input_value() == QUESTION
    page.locator(".samples a").first.click()
    expect(page.locator(".block:target")).to_be_in_viewport()
    assert page.locator("[class^=heat]").count() > 0
    page.go_back()
    page.get_by_role("button", name="Search with this").click()
    expect(page.locator(".knob")).to_have_count(1)
    assert check_sums(page) == 10


def test_a_server_that_is_gone_is_said_and_the_results_stay(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}", may_complain=True)
    before = titles(page)
    page.route("**/*", lambda route: route.abort())
    third_topic(page).get_by_role("link", name="Turn up").click()
    expect(page.get_by_role("status")).to_contain_text("does not answer")
    expect(page.get_by_role("status")).to_be_in_viewport()
    assert titles(page) == before


def test_a_mistake_is_explained_where_the_results_were(open_page: OpenPage) -> None:
    page = open_page(f"/?q={QUESTION}", may_complain=True)
    page.locator("[data-search]").fill("?!")
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_contain_text("no letter or digit")
