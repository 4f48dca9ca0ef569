"""The scorecard of a dictionary: in words, on its page, on the terminal."""

from collections.abc import Iterator

import pytest
from lxml import html
from starlette.testclient import TestClient

from api.cli.terminal.output import print_scorecard
from api.views.scorecard import figures, in_words
from search.dictionary.artifact import shipped
from search.engine.engine import SearchEngine
from search.responses.collections import Explained, Scorecard
from search.settings import DEFAULT_MODEL
from tests.support.apps import app_of


@pytest.fixture
def client(engine: SearchEngine) -> Iterator[TestClient]:
    with TestClient(app_of(engine)) as opened:
        yield opened


def test_every_figure_of_the_shipped_dictionary_is_told() -> None:
    base = shipped(DEFAULT_MODEL)
    assert base is not None
    card = base.dictionary.card.scorecard
    told = {figure.name: figure.value for figure in figures(card)}
    assert told["Variance unexplained"] == f"{card.fvu:.3f}"
    assert told["Names"] == f"{base.dictionary.features:,}"
    assert told["Names near a passage"] == f"{card.l0:.1f}"
    assert told["Names that no passage is near"] == f"{card.dead:.1%}"


def test_what_was_not_measured_is_not_told() -> None:
    assert list(figures(Scorecard())) == []
    written = {"fvu": 0.2, "rows": 10, "l0": 40.0, "dead": 0.0, "labels": {"0.5": 0.8}}
    learned = Scorecard.model_validate(written)
    assert list(figures(learned)) == []


def test_three_sentences_say_what_the_figures_mean() -> None:
    good = Explained(carried=0.83, shared=0.7, baseline=0.05, remainder=0.12, ordered=0.81)
    poor = Explained(carried=0.41, shared=0.2, baseline=0.05, remainder=0.54, ordered=0.6)
    most, rest, order = in_words(Scorecard(explained=good))
    assert most.startswith("Most of why")
    assert "70%" in most
    assert [share in rest for share in ("13%", "5%", "12%")] == [True] * 3
    assert "81 of 100" in order
    assert "main reasons" in order
    part, _, order = in_words(Scorecard(explained=poor))
    assert part.startswith("Some of why")
    assert "hints" in order
    assert in_words(Scorecard()) == []


@pytest.mark.database
def test_the_page_says_how_good_they_are_before_its_figures(client: TestClient) -> None:
    text = client.get("/dictionary", params={"collection": "manual"}).text
    page = html.document_fromstring(text)
    assert page.xpath("count(//ol[@class='inwords']/li)") == 3
    assert text.index("inwords") < text.index("<table")


@pytest.mark.database
def test_the_page_of_a_collection_has_both_scorecards(client: TestClient) -> None:
    page = html.document_fromstring(client.get("/dictionary", params={"collection": "manual"}).text)
    here, as_shipped = (
        {str(row[0].text): str(row[1].text) for row in table.findall("tbody/tr")}
        for table in page.iter("table")
    )
    base = shipped(DEFAULT_MODEL)
    assert base is not None
    assert as_shipped == {figure.name: figure.value for figure in figures(base.dictionary.card.scorecard)}
    assert here["Names"] != as_shipped["Names"]
    assert here["Score carried by features"].endswith("%")
    assert float(here["Variance unexplained"]) > 0


def test_the_terminal_has_both_too(capsys: pytest.CaptureFixture[str]) -> None:
    card = Scorecard(names=7, own=2, fvu=0.5, rows=1000, l0=3.0, dead=0.25)
    print_scorecard(card, card.model_copy(update={"fvu": 0.125}))
    printed = capsys.readouterr().out
    assert "0.500" in printed
    assert "25.0%" in printed
    assert "2 of them found in this collection" in printed
    assert printed.index("As it ships") < printed.index("0.125")
    print_scorecard(card, None)
    assert "As it ships" not in capsys.readouterr().out
