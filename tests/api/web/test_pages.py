"""The pages as a client without JavaScript sees them, on a really indexed collection."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import numpy as np
import pytest
from lxml import html
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from indexer.collections import About, describe_collection
from search.browse.concepts import find_concepts
from search.browse.documents import MAX_TOPICS, document_detail
from search.browse.examples import start_examples
from search.browse.feature_map import feature_map
from search.browse.features import DECILES, feature_detail, find_features
from search.db.locks import build_lock
from search.db.models import CollectionRow, GenerationRow
from search.db.recipe import Recipe
from search.embedding.words import stems
from search.engine.engine import SearchEngine
from search.explain.relevance_feedback import refine
from search.index.generation_files import MAP_FILE, generation_folder
from search.query.request import SearchRequest
from search.query.steering import MAX_KNOBS, MAX_PHRASE, ExamplesTarget, Knob, parse
from search.responses.collections import Progress
from search.scoring.ranking import Pool
from tests.support.apps import app_of
from tests.support.indexed import Indexed
from tests.support.reading import read

pytestmark = pytest.mark.database

QUESTION = "sort a list by two keys"
HTMX = {"HX-Request": "true"}
FOLLOWED = 10
"""So many links of a page are followed where it has hundreds of a kind: each is a whole page."""


@pytest.fixture(scope="module")
def client(engine: SearchEngine) -> Iterator[TestClient]:
    with TestClient(app_of(engine), follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def feature(engine: SearchEngine, indexed: Indexed) -> int:
    """A feature that fires often."""
    return read(engine, indexed.collection, find_features, "", limit=1).features[0].feature


def tree(client: TestClient, url: str, status: int = 200) -> html.HtmlElement:
    response = client.get(url)
    assert response.status_code == status, response.text
    return html.document_fromstring(response.text)


def pressed(client: TestClient, url: str) -> html.HtmlElement:
    """The page that a first press leads to."""
    return tree(client, client.get(url).headers["location"])


def words(found: html.HtmlElement) -> str:
    return " ".join(str(found.text_content()).split())


def select(found: html.HtmlElement, name: str) -> list[html.HtmlElement]:
    """Elements of a class."""
    return list(found.find_class(name))


def shown(found: html.HtmlElement) -> list[int]:
    """The printed numbers of the terms below an element, in thousandths."""
    values = [data.text for term in found.xpath(".//*[@data-term]") for data in term.xpath(".//data")]
    return [round(float(str(value).replace("−", "-")) * 1000) for value in values]


def test_the_front_page_says_what_the_collection_is(client: TestClient, indexed: Indexed) -> None:
    assert "manual" in words(select(tree(client, "/"), "about")[0])
    describe_collection(indexed.database, "manual", About("A <manual>", "By whom it was written"))
    try:
        said = words(select(tree(client, "/"), "about")[0])
    finally:
        describe_collection(indexed.database, "manual", About("", ""))
    assert said.startswith("A <manual> By whom it was written")


def test_the_front_page_offers_searches_that_have_answers(
    client: TestClient, engine: SearchEngine, indexed: Indexed
) -> None:
    links = tree(client, "/").xpath("//ul[@class='examples']//a")
    assert [link.text for link in links] == read(engine, indexed.collection, start_examples)
    for link in links:
        assert select(tree(client, link.get("href")), "card")


def test_the_shown_terms_sum_to_the_shown_score_in_card_and_explanation(client: TestClient) -> None:
    for url in (f"/?q={QUESTION}", f"/?q={QUESTION}&steer=1:2,3:-1,concept:dates and times:1.5"):
        cards = select(tree(client, f"{url}&details=all"), "card")
        assert len(cards) == 10
        for card in cards:
            (score,) = (round(float(d.get("value")) * 1000) for d in card.xpath('.//*[@class="score"]/data'))
            assert sum(shown(select(card, "sum")[0])) == score
            assert sum(shown(select(card, "why")[0])) == score


def test_a_card_explains_with_at_most_three_topics_to_turn(client: TestClient) -> None:
    for card in select(tree(client, f"/?q={QUESTION}&details=numbers"), "card"):
        topics = select(select(card, "sum")[0], "chip")
        assert len(topics) <= 3
        for topic in topics:
            down, up = (link.get("href") for link in select(topic, "act"))
            number = re.findall(r"/features/(\d+)", topic.xpath(".//a")[0].get("href"))[0]
            assert dict(parse_qsl(urlsplit(up).query))["press"] == f"up:{number}"
            assert dict(parse_qsl(urlsplit(down).query))["press"] == f"down:{number}"


def test_with_every_knob_in_use_nothing_more_is_offered(client: TestClient) -> None:
    knobs = ",".join(f"{n}:0.1" for n in range(MAX_KNOBS))
    page = tree(client, f"/?q={QUESTION}&steer={knobs}&find=dates&details=all")
    assert not page.xpath("//button[@name='press'] | //input[@name='more' or @name='less']")
    assert f"{MAX_KNOBS} are turned" in words(page.get_element_by_id("found"))
    links = sorted(set(page.xpath("//a[@class='act']/@href")))
    assert len(links) > FOLLOWED
    for link in links[:: len(links) // FOLLOWED]:
        assert client.get(link).status_code == 200, link
    other = tree(client, f"/features/{MAX_KNOBS}?steer={knobs}")
    assert not other.xpath("//input[@name='steer']")
    turned = tree(client, f"/features/0?steer={knobs}")
    (steer,) = turned.xpath("//input[@name='steer']/@value")
    assert client.get("/", params={"q": QUESTION, "steer": steer}).status_code == 200


def test_a_text_too_long_for_a_phrase_still_finds_topics(client: TestClient) -> None:
    for find, phrases in (("d" * MAX_PHRASE, 1), ("d" * (MAX_PHRASE + 1), 0)):
        page = tree(client, f"/?q={QUESTION}&find={find}")
        offers = page.get_element_by_id("found").xpath(".//button[@name='press']/@value")
        assert sum(offer.startswith("up:concept:") for offer in offers) == phrases
        assert sum(offer.startswith("up:family:") for offer in offers) > 0
        assert len(offers) > phrases


def test_every_link_of_a_result_page_leads_somewhere(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}&steer=1:1&details=all")
    links = {urlsplit(link)._replace(fragment="").geturl() for link in page.xpath("//a/@href")}
    inside = sorted(link for link in links if link.startswith("/"))
    parts = {urlsplit(link).path.split("/")[1] for link in inside}
    assert parts == {
        "",
        "admin",
        "analyze",
        "compare",
        "documents",
        "features",
        "presets",
        "search.csv",
        "tips",
        "v1",
        "why-not",
    }
    for link in inside[:: max(len(inside) // 10, 1)]:
        wanted = 303 if link == "/admin" or "press=" in link else 200  # to where a key, a strength is
        assert client.get(link).status_code == wanted, link


def test_tips_are_about_the_collection_and_can_be_tried(client: TestClient) -> None:
    links = tree(client, "/tips").xpath("//dl//a/@href")
    typed = [dict(parse_qsl(urlsplit(link).query))["q"] for link in links]
    assert typed[0][0] == typed[0][-1] == '"'
    assert any(" title:" in each for each in typed)
    for link in links:
        assert client.get(link).status_code == 200, link
    assert typed[0] == '"black hole"' or select(tree(client, links[0]), "card"), "no example finds nothing"
    assert client.get("/tips?collection=nothing").status_code == 404


def test_steering_shows_how_ranks_and_the_question_moved(client: TestClient, feature: int) -> None:
    assert not select(tree(client, f"/?q={QUESTION}"), "up")
    steered = tree(client, f"/?q={QUESTION}&steer={feature}:3")
    assert select(steered, "up")
    assert "from your question" in words(steered.get_element_by_id("moved"))
    phrase = tree(client, f"/?q={QUESTION}&steer=concept:dates:1")
    assert "unchanged" in words(phrase.get_element_by_id("moved"))


def test_what_was_not_among_the_first_passages_unsteered_is_said_to_be_so(
    engine: SearchEngine, feature: int
) -> None:
    shallow = SearchEngine(engine.database, engine.data, pool=Pool(passages=10, documents=5))
    client = TestClient(app_of(shallow))
    page = tree(client, f"/?q={QUESTION} again&steer={feature}:5&limit=5")
    rises = [words(rank) for rank in select(page, "up")]
    assert "▲ up from below the first thousand passages" in rises


def test_the_panel_has_a_number_and_a_remove_button_for_every_knob(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}&steer=1:1.25,2:off,concept:a b:-4")
    fields = {
        field.get("name"): field.get("value") for field in page.xpath("//form[@id='ask']//input[@name]")
    }
    assert fields["s.1"] == "1.25"
    assert fields["s.2"] == "off"
    assert fields["s.concept:a%20b"] == "-4"
    drops = page.xpath("//button[@name='drop']/@value")
    assert drops == ["1", "2", "concept:a%20b", "all"]


def test_a_sent_form_ends_at_one_canonical_address(client: TestClient) -> None:
    sent = {
        "q": QUESTION,
        "find": "",
        "from": "",
        "s.1": "1.5",
        "s.2": "off",
        "s.concept:a b": "1",
        "drop": "2",
    }
    response = client.get("/", params=sent)
    assert response.status_code == 303
    assert response.headers["location"] == "/?q=sort%20a%20list%20by%20two%20keys&steer=1:1.5,concept:a%20b:1"
    assert client.get(response.headers["location"]).status_code == 200


def test_the_find_box_works_as_a_form(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}&find=dates")
    offers = page.get_element_by_id("found").xpath(".//button[@name='press']/@value")
    kinds = [target if target.isalpha() else "feature" for target in (each.split(":")[1] for each in offers)]
    order = ["family", "concept", "feature"]
    called_so = 1 if kinds[0] == "feature" else 0  # what is called just so comes first
    kinds = kinds[called_so:]
    assert set(kinds) == set(order)
    assert kinds == sorted(kinds, key=order.index)
    for offer in (offers[0], "up:concept:dates", offers[-1]):
        assert offer in offers
        steered = client.get("/", params={"q": QUESTION, "find": "dates", "press": offer})
        turned = dict(parse_qsl(urlsplit(steered.headers["location"]).query))["steer"]
        target, _, strength = turned.rpartition(":")
        assert f"up:{target}" == offer
        assert float(strength) > 0


def test_a_topic_that_is_called_just_so_is_found_first(client: TestClient, engine: SearchEngine) -> None:
    feature = next(
        each for each in read(engine, "manual", find_features, "").features if each.label.islower()
    )
    found = tree(client, f"/?q={QUESTION}&find={quote(feature.label)}").get_element_by_id("found")
    offers = found.xpath(".//button[@name='press']/@value")
    assert offers[0] == f"up:{feature.feature}"
    assert offers.count(offers[0]) == 1


@pytest.mark.parametrize(("strength", "filter"), [("1", "kind:function"), ("-1", "-kind:function")])
def test_a_phrase_that_is_a_value_of_a_field_can_be_filtered_by_instead(
    client: TestClient, strength: str, filter: str
) -> None:
    page = tree(client, f"/?q={QUESTION}&steer=concept:Function:{strength}")
    (knob,) = select(page.get_element_by_id("knobs"), "knob")
    assert "“Function” is a kind here, too" in words(knob)
    (link,) = (link for link in knob.xpath(".//a/@href") if "filter=" in link)
    sent = dict(parse_qsl(urlsplit(link).query))
    assert (sent["filter"], sent.get("steer")) == (filter, None)
    kinds = {words(each) for each in select(tree(client, link), "from")}
    assert kinds
    assert all(("function" in each) == (strength == "1") for each in kinds)


def test_topics_that_fit_the_question_are_offered_and_name_their_one_term(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}")
    offer = select(page, "near")[0].xpath(".//button[@name='press']")[0]
    steered = tree(
        client, client.get("/", params={"q": QUESTION, "press": offer.get("value")}).headers["location"]
    )
    (knob,) = select(steered, "knob")
    assert words(offer) == f"+ {words(select(knob, 'knob-label')[0])}"


@pytest.mark.parametrize(("box", "sign"), [("more", 1), ("less", -1)])
def test_a_phrase_is_turned_until_the_first_answers_visibly_change(
    client: TestClient, box: str, sign: int
) -> None:
    before = tree(client, f"/?q={QUESTION}").xpath("//li[@data-result]/@data-result")
    pressed = client.get("/", params={"q": QUESTION, "more": "", "less": "", box: "dates and times"})
    assert pressed.status_code == 303
    page = tree(client, pressed.headers["location"])
    (knob,) = select(page, "knob")
    assert sign * float(knob.xpath(".//input[@type='number']/@value")[0]) > 0
    assert page.xpath("//li[@data-result]/@data-result") != before or sign < 0
    assert "Undo" in words(select(page, "effect")[0])


def test_a_phrase_that_nothing_here_is_about_says_so(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}&steer=concept:qwxzk%20vbnmq:1")
    assert "Nothing here is really about this" in words(select(page, "knob")[0])
    page = tree(client, f"/?q={QUESTION}&steer=concept:sort%20a%20list:1")
    assert "Nothing here" not in words(select(page, "knob")[0])


def test_a_family_has_its_features_and_a_feature_its_families(
    client: TestClient, engine: SearchEngine
) -> None:
    concept = read(engine, "manual", find_concepts, "dates").concepts[0]
    firing = engine.snapshot("manual").passages_F > 0
    feature = next(part.feature for part in concept.features if firing[part.feature])
    (belongs,) = select(tree(client, f"/features/{feature}?q={QUESTION}"), "belongs")
    links = belongs.xpath(".//a/@href")
    narrow = next(link for link in links if link.endswith(f"family={concept.family}"))
    page = tree(client, narrow)
    assert concept.name in [words(heading) for heading in page.xpath("//h2")]
    listed = page.xpath("//li[@data-result]//h3/a/@href")
    assert f"/features/{feature}" in listed[0]
    steer = next(link for link in page.xpath("//a/@href") if f"family:{concept.family}:1" in link)
    assert select(tree(client, steer), "knob")
    for link in links:
        assert client.get(link).status_code == 200
    assert client.get("/features?family=99999").status_code == 400
    assert client.get("/features?family=x").status_code == 404


def like_links(page: html.HtmlElement, said: str) -> list[str]:
    return [str(url) for url in page.xpath(f"//div[@class='cardfoot']/a[text()='{said}']/@href")]


def test_more_and_less_like_a_result_are_one_knob(client: TestClient) -> None:
    more = pressed(client, like_links(tree(client, f"/?q={QUESTION}"), "More like this")[0])
    assert len(select(more, "knob")) == 1
    (knob,) = select(tree(client, like_links(more, "Less like this")[0]), "knob")
    assert words(select(knob, "knob-label")[0]).startswith("like “")
    assert "unlike “" in words(knob)


def test_less_like_a_result_turns_away_from_it_before_anything_is_wanted(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}")
    first, *others = map(words, page.xpath("//li[@data-result]//h3"))
    less = pressed(client, like_links(page, "Less like this")[0])
    (strength,) = select(less, "knob")[0].xpath(".//input[@type='number']/@value")
    assert float(strength) < 0
    assert [words(title) for title in less.xpath("//li[@data-result]//h3")] != [first, *others]
    more = tree(client, like_links(less, "More like this")[0])
    (knob,) = select(more, "knob")
    assert f"unlike “{first}”" in words(knob)
    assert knob.xpath(".//input[@type='number']/@value") == [strength.removeprefix("-")]


def test_what_the_find_box_cannot_look_for_is_said_in_its_place(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}&find=...")
    assert "no letter or digit" in words(page.get_element_by_id("found"))
    assert len(select(page, "card")) == 10


def test_htmx_gets_only_what_changed_and_the_address_to_show(client: TestClient) -> None:
    url = f"/?q={QUESTION}&s.1=1.5"
    full = client.get(f"/?q={QUESTION}&dictionary=1&steer=1:1.5")
    sent = client.get(url, headers=HTMX)
    dragged = client.get(url, headers={**HTMX, "HX-Trigger": "knobs"})
    canonical = "/?q=sort%20a%20list%20by%20two%20keys&dictionary=1&steer=1:1.5"
    assert sent.headers["HX-Push-Url"] == canonical
    assert dragged.headers["HX-Replace-Url"] == canonical
    assert all("HX-Request" in answer.headers["Vary"] for answer in (full, sent))
    for part in (sent, dragged):
        assert "<html" not in part.text
        assert part.text.count("data-result") == full.text.count("data-result")
    assert 'id="panel"' in sent.text
    assert 'id="panel"' not in dragged.text
    assert 'id="moved"' in dragged.text


def test_htmx_gets_only_the_found_topics_while_typing(client: TestClient) -> None:
    url = f"/?q={QUESTION}&find=dates"
    found = client.get(url, headers={**HTMX, "HX-Trigger": "find"})
    assert "data-result" not in found.text
    assert 'value="up:concept:dates"' in found.text
    assert "HX-Push-Url" not in found.headers


def test_an_emptied_box_leads_htmx_back_to_the_front_page(client: TestClient) -> None:
    assert client.get("/?q=&s.1=1", headers=HTMX).headers["HX-Redirect"] == "/?dictionary=1&steer=1:1"
    assert "steered by 1 topic" in client.get("/?steer=1:1").text


def test_pages_follow_each_other(client: TestClient) -> None:
    first = tree(client, f"/?q={QUESTION}&limit=5")
    (address,) = first.xpath("//a[@rel='next']/@href")
    second = tree(client, address)
    ranks = [words(rank) for rank in select(second, "rank")]
    assert ranks[0] == "Rank 6"
    assert dict(parse_qsl(urlsplit(second.xpath("//a[@rel='prev']/@href")[0]).query))["limit"] == "5"


def test_beyond_the_last_page_there_is_a_way_back(client: TestClient) -> None:
    page = tree(client, f"/?q={QUESTION}&offset=900")
    assert "Nothing on this page" in words(page)
    assert page.xpath("//div[@class='empty']//a/@href") == ["/?q=sort%20a%20list%20by%20two%20keys"]


def test_markup_in_a_question_is_shown_as_text(client: TestClient) -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    for params in ({"q": attack}, {"q": "a", "find": attack}, {"q": "a", "steer": "concept:<b>x</b>:1"}):
        text = client.get("/", params=params).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "<b>x" not in text
    assert tree(client, "/?q=" + quote(attack)).get_element_by_id("q").get("value") == attack


def test_no_page_holds_inline_code_or_asks_another_host(
    client: TestClient, indexed: Indexed, feature: int
) -> None:
    document = indexed.documents[0].id
    for url in (
        "/",
        f"/?q={QUESTION}&steer=1:1",
        "/features",
        "/features/map",
        f"/features/{feature}",
        f"/documents/{document}",
    ):
        page = tree(client, url)
        assert page.xpath("//@style | //style | //script[not(@src)]") == []
        assert [
            name for element in page.iter() for name in element.attrib if str(name).startswith("on")
        ] == []
        assert all(
            str(link).startswith("/static/")
            for link in page.xpath("//script/@src | //link/@href | //img/@src")
        )


def test_every_field_and_picture_has_a_name(client: TestClient, feature: int) -> None:
    for url in (
        "/",
        f"/?q={QUESTION}&steer=1:1,2:off&find=a",
        "/features",
        "/features/map",
        f"/features/{feature}",
    ):
        page = tree(client, url)
        labelled = set(page.xpath("//label/@for"))
        for field in page.xpath("//input[not(@type='hidden')] | //select"):
            named = (
                field.get("id") in labelled or field.get("aria-labelledby") or field.xpath("ancestor::label")
            )
            assert named, html.tostring(field)
        assert page.xpath("//svg[@role='img'][not(@aria-label)]") == []


def test_features_are_listed_and_found(client: TestClient, engine: SearchEngine, indexed: Indexed) -> None:
    listed = [words(found) for found in tree(client, "/features").xpath("//li[@data-result]//h3")]
    assert len(listed) == 24
    labels = read(engine, indexed.collection, find_features, "", limit=100).features
    label = next(found.label for found in labels if found.reliable)
    assert label in [words(h) for h in tree(client, f"/features?q={label}").xpath("//li[@data-result]//h3")]


def test_a_map_has_what_is_distinctive_and_its_list_says_the_same(client: TestClient) -> None:
    page = tree(client, "/features/map")
    dots = page.xpath("//*[local-name()='svg'][@id='map']/a[not(contains(@class, 'area'))]")
    assert len(dots) > 100
    shown = {words(dot) for dot in dots}
    listed = [words(found) for found in page.xpath("//li[@data-result]//h3")]
    assert len(listed) == 24
    assert set(listed) <= shown
    assert len(client.get("/features/map").content) < 150_000


def test_a_dot_of_the_map_leads_to_what_it_is_and_to_a_search_with_it(client: TestClient) -> None:
    first = tree(client, "/features/map?q=dates").xpath("//*[@id='map']/a/@href")[0]
    page = tree(client, f"/features/map{first}")
    (chosen,) = page.xpath("//article[@data-chosen]")
    (dot,) = page.xpath("//*[@id='map']/a[contains(@class, 'chosen')]")
    assert words(dot) == words(chosen.xpath("./h2")[0])
    read_about, search = chosen.xpath(".//p[@class='waysout']/a/@href")
    assert words(tree(client, read_about).xpath("//h1")[0]) == words(dot)
    assert select(tree(client, search), "knob")
    part = client.get(f"/features/map{first}", headers=HTMX).text
    assert "data-chosen" in part
    assert "<svg" not in part


def test_the_map_marks_what_is_found_and_goes_nearer_to_a_family(
    client: TestClient, engine: SearchEngine, indexed: Indexed
) -> None:
    found = {f.feature for f in read(engine, indexed.collection, find_features, "dates", limit=24).features}
    page = tree(client, "/features/map?q=dates")
    marked = {
        int(link.split("feature=")[1])
        for link in page.xpath("//*[@id='map']/a[contains(@class, 'marked')]/@href")
    }
    assert marked
    assert marked <= found
    family = read(engine, indexed.collection, find_concepts, "").concepts[0]
    page = tree(client, f"/features/map?family={family.family}")
    assert family.name in words(page.get_element_by_id("list"))
    marked = {
        int(link.split("feature=")[1])
        for link in page.xpath("//*[@id='map']/a[contains(@class, 'marked')]/@href")
    }
    assert marked <= {part.feature for part in family.features}
    for address, status in (("family=99999", 400), ("feature=x", 404), ("feature=99999999", 404)):
        assert client.get(f"/features/map?{address}").status_code == status


def test_a_generation_of_before_there_were_maps_gets_one_when_it_is_searched(
    indexed: Indexed, tmp_path: Path
) -> None:
    shutil.copytree(indexed.data, tmp_path, dirs_exist_ok=True)
    path = generation_folder(tmp_path, indexed.report.generation) / MAP_FILE
    whole = path.read_bytes()
    path.unlink()
    before = read(SearchEngine(indexed.database, indexed.data), indexed.collection, feature_map)
    assert read(SearchEngine(indexed.database, tmp_path), indexed.collection, feature_map) == before
    assert path.read_bytes() == whole


def test_a_features_page_shows_six_examples_and_more_of_them_when_asked(
    client: TestClient, feature: int
) -> None:
    (section,) = tree(client, f"/features/{feature}").xpath("//h2[.='Where it fires']/..")
    assert len(section.xpath("./ol/li")) == 6
    assert len(section.xpath("./details/ol/li")) > 6


def test_a_features_page_shows_what_it_is(client: TestClient, feature: int) -> None:
    page = tree(client, f"/features/{feature}")
    headings = [words(heading) for heading in page.xpath("//h2")]
    for heading in ("Where it fires", "How strongly", "Neighbours", "Occurs together with", "Near misses"):
        assert heading in headings
    assert "of passages" in words(page)
    assert page.xpath("//*[local-name()='svg'][@class='histogram']/@aria-label")
    form = page.xpath("//form[@class='withthis']")[0]
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert fields["steer"] == f"{feature}:1"
    assert client.get("/", params={**fields, "q": "anything"}).status_code == 200


def test_near_misses_are_told_by_their_direction(client: TestClient, feature: int) -> None:
    says = "point most in this feature’s direction without firing"
    assert says in words(tree(client, f"/features/{feature}"))


def test_a_feature_that_fires_less_often_than_there_are_tenths_has_none(
    client: TestClient, engine: SearchEngine, indexed: Indexed
) -> None:
    passages_F = engine.snapshot(indexed.collection).passages_F
    seldom = int(np.argmin(np.where(passages_F > 1, passages_F, np.inf)))
    assert passages_F[seldom] < DECILES
    detail = read(engine, indexed.collection, feature_detail, seldom)
    assert len(detail.examples) == detail.passages
    assert {example.decile for example in detail.examples} == {None}
    page = tree(client, f"/features/{seldom}")
    assert not any("tenth" in words(facts) for facts in select(page, "facts"))


def test_a_features_examples_lead_to_their_place_in_the_document(client: TestClient, feature: int) -> None:
    link = str(tree(client, f"/features/{feature}").xpath("//ol[@class='samples']//a/@href")[0])
    page = tree(client, link)
    anchor = urlsplit(link).fragment
    assert page.get_element_by_id(anchor).xpath(".//*[contains(@class, 'heat')]")


def test_a_result_marks_words_and_says_which_made_a_topic_fire(client: TestClient) -> None:
    cards = select(tree(client, f"/?q={QUESTION}&details=all"), "card")
    assert all(card.xpath(".//div[@class='passage']//span[contains(@class, 'said')]") for card in cards)
    named = 0
    for reason in (each for card in cards for each in card.xpath(".//a[contains(@class, 'reason topic')]")):
        (card,) = reason.xpath("ancestor::li[@data-result]")
        number = reason.get("class").removeprefix("reason topic")
        lit = {words(span).casefold() for span in card.xpath(f".//span[contains(@class, 'lit{number}-')]")}
        title = reason.get("title", "")
        named += bool(lit & set(title.removeprefix("Fired here most by: ").split(", ")))
    assert named > 2
    (link, *_) = cards[0].xpath(".//td/a[contains(@href, '/documents/')]/@href")
    assert "feature=" in link
    assert "q=" in link
    anchor = urlsplit(link).fragment
    passage = tree(client, link).get_element_by_id(anchor)
    assert passage.xpath(".//*[contains(@class, 'heat')]")


def test_a_document_leads_back_to_the_results_and_to_those_beside_it(client: TestClient) -> None:
    asked = f"?q={QUESTION}&mode=semantic"
    results = client.get(f"/v1/search{asked}&limit=20").json()["results"]
    second, third = (f"/documents/{results[place]['document']['id']}{asked}" for place in (1, 2))
    page = tree(client, second)
    assert page.get_element_by_id("q").value == QUESTION
    (crumbs,) = select(page, "crumbs")
    assert "result 2" in words(crumbs)
    (back,) = crumbs.xpath("./a[not(@rel)]/@href")
    assert len(select(tree(client, back), "card")) == 10
    (onward,) = crumbs.xpath("./a[@rel='next']/@href")
    assert urlsplit(onward).path == urlsplit(third).path
    (before,) = select(tree(client, onward), "crumbs")[0].xpath("./a[@rel='prev']/@href")
    assert urlsplit(before).path == urlsplit(second).path
    assert not select(tree(client, second.partition("?")[0]), "crumbs")


def test_pages_about_a_question_keep_it_and_lead_back(
    client: TestClient, indexed: Indexed, feature: int
) -> None:
    first, second = (document.id for document in indexed.documents[:2])
    asked = f"q={QUESTION}&steer={feature}:1&mode=semantic"
    for address in (
        f"/compare?{asked}&first={first}&second={second}",
        f"/why-not?{asked}",
        f"/why-not?{asked}&document={second}",
        f"/features/{feature}?{asked}",
        f"/documents/{first}?{asked}",
    ):
        page = tree(client, address)
        assert page.get_element_by_id("q").value == QUESTION
        back = str(select(page, "crumbs")[0].xpath("./a/@href")[0])
        sent = dict(parse_qsl(urlsplit(back).query))
        assert urlsplit(back).path == "/"
        assert (sent["q"], sent["mode"], sent["steer"]) == (QUESTION, "semantic", f"{feature}:1")
    for address in ("/why-not", f"/features/{feature}"):
        assert "Results for" not in words(tree(client, address))


def test_a_document_offers_its_topics_to_light_to_read_about_and_to_steer_by(
    client: TestClient, engine: SearchEngine, indexed: Indexed
) -> None:
    id = max(indexed.documents, key=lambda found: len(found.text)).id
    detail = read(engine, "manual", document_detail, id)
    assert 0 < len(detail.topics) <= MAX_TOPICS
    said = [frozenset(stems(topic.label)) for topic in detail.topics]
    assert not [one for at, one in enumerate(said) for other in said[:at] if one <= other or other <= one]
    about = Counter(active.feature for passage in detail.passages for active in passage.features)
    assert all(topic.passages == about[topic.feature] for topic in detail.topics)
    answer = client.get(f"/v1/documents/{quote(id)}").json()
    assert [topic["feature"] for topic in answer["topics"]] == [topic.feature for topic in detail.topics]

    page = tree(client, f"/documents/{id}")
    rows = select(page, "apart")[0].xpath(".//li")
    assert [words(row).split(" (light")[0] for row in rows] == [topic.label for topic in detail.topics]
    (name, told) = (rows[0].xpath("./a/@href")[0], rows[0].xpath(".//a[@class='act']/@href"))
    lit = tree(client, name)
    assert (
        select(select(lit, "tracks")[0], "quiet")[0]
        .text_content()
        .startswith(f"{detail.topics[0].passages} pass")
    )
    off = select(lit, "apart")[0].xpath(".//a[@aria-current]/@href")[0]
    assert "feature=" not in off
    assert len(told) == 1
    assert detail.topics[0].label in words(tree(client, told[0]).xpath("//h1")[0])

    asked = tree(client, f"/documents/{id}?q={QUESTION}")
    less, more, _ = select(asked, "apart")[0].xpath(".//li")[0].xpath(".//a[@class='act']/@href")
    steers = [dict(parse_qsl(urlsplit(client.get(url).headers["location"]).query)) for url in (less, more)]
    assert [sent["q"] for sent in steers] == [QUESTION] * 2
    strengths = [float(sent["steer"].partition(":")[2]) for sent in steers]
    assert strengths[0] < 0 < strengths[1]


def test_a_documents_page_asks_as_much_of_the_database_however_long_and_with_many_tracks(
    client: TestClient, indexed: Indexed
) -> None:
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    def queries(address: str) -> int:
        client.get(address)  # what is kept in memory is there now
        asked.clear()
        assert client.get(address).status_code == 200
        return len([each for each in asked if "documents" in each or "passages" in each])

    by_length = sorted(indexed.documents, key=lambda found: len(found.text))
    short, long = (
        f"/documents/{quote(document.id)}?q={QUESTION}" for document in (by_length[0], by_length[-1])
    )
    tracks = "".join(f"&feature={number}" for number in range(6))
    event.listen(indexed.database, "before_cursor_execute", note)
    try:
        assert 0 < queries(long) <= queries(short) + 1  # one is beside it in the results, or none
        assert queries(long + tracks) == queries(f"{long}&feature=0") <= queries(long) + 1
    finally:
        event.remove(indexed.database, "before_cursor_execute", note)


def test_code_of_a_document_keeps_its_lines_and_its_prose_flows(client: TestClient, indexed: Indexed) -> None:
    document = next(each for each in indexed.documents if "\n>>> " in each.text)
    page = tree(client, f"/documents/{document.id}")
    code = page.xpath("//div[@class='body']/code")
    assert any(">>> " in str(each.text_content()) and "\n" in str(each.text_content()) for each in code)
    assert not any(">>> " in str(each.text_content()) for each in page.xpath("//div[@class='body']/p"))


def test_a_document_has_several_features_as_tracks(
    client: TestClient, engine: SearchEngine, feature: int
) -> None:
    document = read(engine, "manual", feature_detail, feature).examples[0].document.id
    found = [f.feature for f in read(engine, "manual", find_features, "", limit=3).features]
    page = tree(client, f"/documents/{document}?" + "&".join(f"feature={f}" for f in found))
    tracks = select(page, "tracks")[0].xpath("./li")
    assert len(tracks) == 3
    assert page.xpath("//nav[@class='map']//li/text()") == ["A", "B", "C"]
    assert [words(mark) for mark in select(select(page, "tracks")[0], "track")] == ["A", "B", "C"]
    patterns = set(page.xpath("//*[local-name()='pattern']/@id"))
    fills = [mark.xpath(".//*[local-name()='rect']/@fill")[0] for mark in select(page, "track")]
    assert len(set(fills)) == 3
    assert {fill[5:-1] for fill in fills if "url" in fill} <= patterns
    drawn = page.xpath("//nav[@class='map']//*[local-name()='rect'][not(@class='heatmap0')]/@fill")
    assert drawn
    assert set(drawn) <= set(fills)
    assert page.xpath("//span[contains(@class, 'heat')]")
    off = tracks[0].xpath("./a[contains(@aria-label, 'Turn off')]/@href")[0]
    assert dict(parse_qsl(urlsplit(off).query))["feature"] == str(found[2])
    assert len(select(tree(client, off), "tracks")[0].xpath("./li")) == 2
    first = tracks[2].xpath("./a[text()='Light its words']/@href")[0]
    assert parse_qsl(urlsplit(first).query)[-3:] == [("feature", str(f)) for f in (found[2], *found[:2])]
    assert client.get(first).status_code == 200


def test_a_documents_words_are_lit_for_a_question_and_one_passage_at_a_time(
    client: TestClient, indexed: Indexed
) -> None:
    document = max(indexed.documents, key=lambda found: len(found.text)).id
    page = tree(client, f"/documents/{document}?q={QUESTION}")
    later = page.xpath("//div[@hx-trigger='revealed']")
    bodies = [body for section in select(page, "block") for body in select(section, "body")]
    assert 0 < len(later) == len(bodies) - 4
    assert all(body.xpath(".//span[contains(@class, 'said')]") for body in bodies[:4])
    answer = client.get(later[0].get("hx-get"), headers=HTMX)
    (body,) = html.fragments_fromstring(answer.text.strip())
    assert words(body) == words(later[0])
    assert body.xpath("./*/span[contains(@class, 'said')]")


PARAGRAPH = 'Sort a list by its key. A server listens on a network socket, says "hello", and closes it.'


def test_a_text_is_analysed_and_searched_with(client: TestClient) -> None:
    sent = client.post("/analyze", data={"text": PARAGRAPH, "collection": "manual"})
    assert sent.status_code == 303
    page = tree(client, sent.headers["location"])
    assert page.xpath("//textarea/text()")[0] == PARAGRAPH
    assert [words(body) for body in select(page, "body")] == [PARAGRAPH[:23], PARAGRAPH[24:]]
    ticked = page.xpath("//input[@name='keep'][@checked]/@value")
    assert 1 <= len(ticked) <= 5
    (form,) = page.xpath("//form[@action='/analyze/search']")
    fields = {hidden.get("name"): hidden.get("value") for hidden in form.xpath("./input[@type='hidden']")}
    addresses = {}
    for use in ("text", "only", "steer"):
        query = {**fields, "use": use, "keep": ticked, "q": "examples"}
        answer = client.get("/analyze/search", params=query)
        assert answer.status_code == 303
        addresses[use] = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        assert select(tree(client, answer.headers["location"]), "card")
    assert "steer" not in addresses["text"]
    assert addresses["text"]["q"] == addresses["only"]["q"] == PARAGRAPH.replace('"', "'")
    off = dict(knob.split(":") for knob in addresses["only"]["steer"].split(","))
    assert set(off.values()) == {"off"}
    assert not set(off) & {knob.split(":")[0] for knob in ticked}
    assert addresses["steer"]["steer"] == ",".join(ticked).replace(".0", "")
    assert addresses["steer"]["q"] == "examples"


def test_a_long_text_is_sent_and_what_was_looked_at_is_said(client: TestClient) -> None:
    page = client.post("/analyze", data={"text": "Sort a list by two keys. " * 2000, "collection": "manual"})
    assert page.status_code == 200
    assert "of 50,000 characters were analysed" in page.text
    assert "Searches with its first 3,9" in page.text
    assert "Paste a sentence" in client.get("/analyze").text


def test_a_passages_topics_can_be_used(client: TestClient, indexed: Indexed) -> None:
    document = max(indexed.documents, key=lambda found: len(found.text))
    link = tree(client, f"/documents/{document.id}").xpath("//a[text()='Use its topics']/@href")[0]
    assert "".join(words(tree(client, link).xpath("//textarea")[0]).split()) in "".join(document.text.split())


def test_a_document_is_shown_whole(client: TestClient, indexed: Indexed) -> None:
    document = max(indexed.documents, key=lambda found: len(found.text))
    text = "".join(
        str(body.text_content()) for body in select(tree(client, f"/documents/{document.id}"), "body")
    )
    assert "".join(text.split()) == "".join(document.text.split())


@pytest.mark.parametrize(
    ("url", "status", "says"),
    [
        ("/?q=a&steer=nonsense", 400, "nonsense"),
        ("/?q=a&steer=1:nan", 400, "out of range"),
        ("/?q=a&steer=999999:1", 400, "999999"),
        ("/?q=a&offset=-1", 400, "offset=-1"),
        ("/?q=a&limit=many", 400, "many"),
        ("/?q=...", 400, "no letter or digit"),
        ("/?q=" + "a" * 5000, 400, "5,000 characters"),
        ("/?q=a%00b", 400, "NUL"),
        ("/?q=%ff", 400, "UTF-8"),
        ("/?q=a&collection=nowhere", 404, "nowhere"),
        ("/features/999999", 404, "999999"),
        ("/features/x", 404, "&#39;x&#39;"),
        ("/features?offset=x", 400, "offset"),
        ("/documents/nothing", 404, "nothing"),
        ("/documents/nothing?feature=x", 404, "&#39;x&#39;"),
        ("/documents/topics.await?feature=999999", 404, "999999"),
        ("/documents/topics.await?q=a&passage=999999", 404, "999999"),
        ("/documents/topics.await?passage=0", 400, "Neither"),
        ("/documents/topics.await?q=%3F", 400, "no letter or digit"),
        ("/analyze?text=%3F", 400, "no letter or digit"),
        ("/analyze?text=a&collection=nowhere", 404, "nowhere"),
        ("/analyze?document=nothing&passage=1", 404, "nothing"),
        ("/analyze?document=topics.await&passage=999999", 404, "999999"),
        ("/analyze/search?text=a&use=only", 400, "No topic is ticked"),
        ("/analyze/search?text=a&use=steer&keep=1:1", 400, "query is empty"),
        ("/analyze/search?text=a&use=only&keep=x", 400, "&#39;x&#39;"),
        ("/analyze/search?text=", 400, "empty"),
        ("/nowhere", 404, "/nowhere"),
    ],
)
def test_mistakes_get_a_page_that_names_value_and_remedy(
    client: TestClient, url: str, status: int, says: str
) -> None:
    response = client.get(url)
    assert response.status_code == status
    assert says in response.text
    assert response.headers["content-type"].startswith("text/html")
    assert html.document_fromstring(response.text).xpath("//p[@class='hint']")
    part = client.get(url, headers=HTMX)
    assert part.status_code == status
    assert "<html" not in part.text


def test_a_wrong_method_gets_a_page(client: TestClient) -> None:
    response = client.post("/")
    assert response.status_code == 405
    assert "GET" in response.text


def test_without_documents_the_front_page_says_what_to_do(database: Engine, indexed: Indexed) -> None:
    client = TestClient(app_of(SearchEngine(database, indexed.data)))
    assert "refract index" in tree(client, "/", 503).text_content()


def test_with_several_collections_each_page_offers_them_and_knobs_stay(
    client: TestClient, indexed: Indexed
) -> None:
    with Session(indexed.database) as session:
        another = CollectionRow(name="another", title="<Another>", model="m")
        session.add(another)
        session.commit()
        try:
            page = tree(client, f"/?q={QUESTION}&steer=1:1")
            chosen = page.xpath("//select[@name='collection']/option[@selected]/@value")
            belongs = page.xpath("//input[@name='from']/@value")
            assert chosen == belongs == ["manual"]
            sent = f"/?q={QUESTION}&collection={chosen[0]}&from={belongs[0]}&s.1=2.5"
            answer = client.get(sent, follow_redirects=False)
            assert "steer=1:2.5" in answer.headers["Location"]
            listed = tree(client, "/features")
            assert listed.xpath("//select[@name='collection']/option/@value") == ["another", "manual"]
            shown = [words(each) for each in listed.xpath("//select[@name='collection']/option")]
            assert shown == ["<Another> (not indexed yet)", "manual"]
        finally:
            session.delete(another)
            session.commit()


def test_a_build_shows_its_progress_until_the_search_opens(database: Engine, indexed: Indexed) -> None:
    client = TestClient(app_of(SearchEngine(database, indexed.data)))
    progress = Progress(step="embedding", done=30, total=120, rate=12.5, seconds_left=7.2)
    with Session(database) as session:
        collection = CollectionRow(name="new", model="m")
        session.add(collection)
        session.flush()
        recipe = Recipe(model="m", precision="float32", max_tokens=256)
        generation = GenerationRow(collection_id=collection.id, recipe=recipe, seq=0, progress=progress)
        session.add(generation)
        session.commit()
        # A build is under way as long as somebody holds its lock.
        session.execute(text("SELECT pg_advisory_lock(hashtext(:lock))"), {"lock": build_lock(collection.id)})
        page = tree(client, "/", 503)
        assert "30 of 120" in words(page)
        assert "about 7 s left" in words(page)
        assert page.xpath("//progress/@value") == ["30"]
        assert page.xpath("//noscript/meta/@content") == ["2"]
        part = client.get("/", headers={**HTMX, "HX-Trigger": "building"})
        assert part.status_code == 200
        assert "every 2s" in part.text
        generation.state = "live"
        session.commit()
    assert client.get("/", headers={**HTMX, "HX-Trigger": "building"}).headers["HX-Refresh"] == "true"


def test_without_a_database_the_page_says_so(indexed: Indexed) -> None:
    nowhere = create_engine("postgresql+psycopg://127.0.0.1:1/nothing")
    page = tree(TestClient(app_of(SearchEngine(nowhere, indexed.data))), "/", 503)
    assert "database" in words(page).lower()


def test_examples_are_spelled_out_and_turned_one_by_one_instead(
    client: TestClient, engine: SearchEngine
) -> None:
    def search(query: str, steering: str = "") -> list[str]:
        answer = engine.search(SearchRequest(query, parse(steering)), collection="manual")
        return [result.document.id for result in answer.results]

    liked, other = search("dates")[:2], search("files")[0]
    knob = Knob(2.0, ExamplesTarget(tuple(liked), (other,)))
    page = tree(client, f"/?q={QUESTION}&steer={quote(f'{knob.target}:2,7:1')}")
    (swap,) = page.xpath("//button[@name='swap']/@value")
    told = read(engine, "manual", refine, liked, [other], strength=2.0)
    assert swap == f"{knob.target} {told.steer}"
    labels = [words(item) for item in page.xpath("//*[@class='keep-body']/ul/li")]
    assert len(labels) == len(told.features)
    fields = {box.get("name"): box.get("value", "") for box in page.xpath("//form[@id='ask']//input[@name]")}
    sent = client.get("/", params={**fields, "swap": swap})
    steer = dict(parse_qsl(urlsplit(sent.headers["Location"]).query))["steer"]
    assert steer == f"7:1,{told.steer}"
    own = client.get("/", params={**fields, "s.7": "3", "swap": f"{knob.target} 7:-1,8:1"})
    assert dict(parse_qsl(urlsplit(own.headers["Location"]).query))["steer"] == "7:3,8:1"
