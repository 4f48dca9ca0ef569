"""A collection that gets new dictionaries: labels by hand and saved steering, from the store to the pages."""

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from lxml import html
from sqlalchemy import URL, create_engine, select
from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from api.terminal import print_build
from indexer.build import Build, BuildReport
from indexer.documents import ensure_collection, ingest
from indexer.identity import LEAST, Match
from indexer.labels.exchange import clear_label, set_label
from indexer.labels.judge import Judge
from indexer.labels.material import read_material
from indexer.preset_files import FileDictionary, FileKnob, PresetFile
from indexer.preset_import import import_preset
from indexer.presets import delete_preset
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from indexer.stages import DictionaryPlan
from search.asking import Request
from search.dictionary import Dictionary
from search.earlier import is_numbered, translate
from search.embedder import Embedder
from search.engine import Engine
from search.errors import InvalidSteering, LabelError
from search.models import Collection, DictionaryRow, Feature, FeatureMatch, Preset
from search.settings import DEFAULT_MODEL
from search.steering import Knob, Steering, parse
from search.stored import live_generation

pytestmark = pytest.mark.database

QUESTION = "open a file and read its lines"
NAME = "retrained"


Matches = dict[int, tuple[int | None, float]]


@dataclass(frozen=True)
class Step:
    """One build, as it was when it had finished: `matches` are those from the dictionary before."""

    report: BuildReport
    dictionary: int
    matches: Matches
    by_hand: dict[int, str]


@dataclass(frozen=True)
class Retrained:
    """A collection whose dictionaries 0, 1 and 2 were trained one after the other; 3 is 2 labelled anew.

    Every feature of dictionary 0 had a label by hand; `steps` are the builds of 1, 2 and 3.
    """

    oldest: int
    steps: list[Step]
    database: Database
    engine: Engine

    @property
    def live(self) -> int:
        return self.steps[-1].dictionary

    @property
    def matches(self) -> Matches:
        """From the oldest dictionary to the live one."""
        return matches(self.database, self.oldest, self.live)


@pytest.fixture(scope="module")
def retrained(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> Iterator[Retrained]:
    data = tmp_path_factory.mktemp("retrained")
    with new_database() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.stages.OWN_ROWS", 0)  # a small collection, so that the test is short
        database = create_engine(url)
        builder, collection = unbuilt(database, data, embedder, documents[:150])
        builder.run(collection, DictionaryPlan(retrain=True, changes={"features": 32}))
        oldest = before = live_dictionary(database)
        label_all_by_hand(database, oldest)
        steps = []
        for plan in (
            DictionaryPlan(retrain=True, changes={"features": 32, "steps": 220}),  # much the same
            DictionaryPlan(
                retrain=True, changes={"features": 20, "steps": 220, "seed": 1}
            ),  # not all have a place
            DictionaryPlan(relabel=True),
        ):
            report = builder.run(collection, plan)
            now = live_dictionary(database)
            steps.append(Step(report, now, matches(database, before, now), by_hand(database, now)))
            before = now
        yield Retrained(oldest, steps, database, Engine(database, data))
        database.dispose()


def unbuilt(
    database: Database, data: Path, embedder: Embedder, documents: list[SourceDocument]
) -> tuple[Build, int]:
    """What builds a collection of these documents, and its number."""
    with Session(database) as session:
        collection = ensure_collection(session, NAME, DEFAULT_MODEL).id
        session.commit()
    reporter = Reporter(database)
    ingest(database, collection, documents, reporter)
    return Build(database, data, embedder, reporter), collection


def live_dictionary(database: Database) -> int:
    with Session(database) as session:
        number = live_generation(session, NAME).dictionary_id
        assert number is not None
        return number


def matches(database: Database, old: int, new: int) -> Matches:
    """{old feature: (new feature, confidence)} as stored."""
    pair = (FeatureMatch.old_dictionary == old, FeatureMatch.dictionary_id == new)
    with Session(database) as session:
        rows = session.scalars(select(FeatureMatch).where(*pair))
        return {row.old_feature: (row.feature, row.confidence) for row in rows}


def by_hand(database: Database, dictionary: int) -> dict[int, str]:
    wanted = select(Feature).where(Feature.dictionary_id == dictionary, Feature.origin == "hand")
    with Session(database) as session:
        return {row.feature: row.label for row in session.scalars(wanted)}


def label_all_by_hand(database: Database, dictionary: int) -> None:
    with Session(database) as session:
        for row in session.scalars(select(Feature).where(Feature.dictionary_id == dictionary)):
            row.label, row.reliable, row.origin = f"reading file number {row.feature}", True, "hand"
        session.commit()


@pytest.fixture(scope="module")
def client(retrained: Retrained) -> Iterator[TestClient]:
    with TestClient(create_app(retrained.engine), follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def kept(retrained: Retrained) -> int:
    """A feature of the oldest dictionary that is still there in the newest."""
    return next(old for old, (new, _) in sorted(retrained.matches.items()) if new is not None)


@pytest.fixture(scope="module")
def gone(retrained: Retrained) -> int:
    """One that is not."""
    return next(old for old, (new, _) in sorted(retrained.matches.items()) if new is None)


def test_a_label_by_hand_goes_with_its_feature_or_is_reported_lost(retrained: Retrained) -> None:
    labels = {feature: f"reading file number {feature}" for feature in range(32)}
    for step in retrained.steps:
        went = {old: new for old, (new, _) in step.matches.items() if new is not None and old in labels}
        assert {lost.feature: lost.label for lost in step.report.lost_labels} == {
            feature: label for feature, label in labels.items() if feature not in went
        }
        labels = {new: labels[old] for old, new in went.items()}
        assert step.by_hand == labels
    assert labels


def test_labels_edited_while_a_build_ends_are_carried_too(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path: Path,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> None:
    with new_database() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.stages.OWN_ROWS", 0)
        database = create_engine(url)
        builder, collection = unbuilt(database, tmp_path, embedder, documents[:60])
        plan = DictionaryPlan(retrain=True, changes={"features": 16})
        builder.run(collection, plan)
        old = live_dictionary(database)
        with Session(database) as session:
            late = read_material(session, NAME)
        judge = Judge(late.x_ND, late.acts_NF, late.dictionary, embedder.encode)
        with Session(database) as session:
            set_label(session, late, judge, 3, "taken back")

        def edit(*_: object) -> None:
            """What `measure` is to do: it comes between carrying over and going live."""
            with Session(database) as session:
                now = read_material(session, NAME)
                set_label(session, now, judge, 5, "written late")
                set_label(session, now, judge, 6, "lost late")
                clear_label(session, now, 3)

        def matched(old: Dictionary, *_: object, **__: object) -> list[Match]:
            """Each feature to the one of its number, but for the sixth."""
            return [Match(f, f if f != 6 else None, float(f != 6)) for f in range(old.features)]

        patch.setattr("indexer.build.measure", edit)
        patch.setattr("indexer.carry._match", matched)
        report = builder.run(collection, DictionaryPlan(retrain=True, changes={"features": 16, "steps": 160}))
        new = live_dictionary(database)
        assert new != old
        assert by_hand(database, new) == {5: "written late"}
        assert [(each.feature, each.label) for each in report.lost_labels] == [(6, "lost late")]
        with Session(database) as session:
            lost = [each["label"] for each in session.get_one(DictionaryRow, new).card["lost_labels"]]
            assert lost == ["lost late"]
            with pytest.raises(LabelError, match="another dictionary"):
                set_label(session, late, judge, 5, "for a feature that was")
        assert by_hand(database, new) == {5: "written late"}
        database.dispose()


def test_what_was_lost_stays_on_the_card(retrained: Retrained) -> None:
    with Session(retrained.database) as session:
        card = session.get_one(DictionaryRow, retrained.live).card
    told = [
        (lost.dictionary, lost.feature, lost.label)
        for step in retrained.steps
        for lost in step.report.lost_labels
    ]
    assert [(lost["dictionary"], lost["feature"], lost["label"]) for lost in card["lost_labels"]] == told
    assert told


def test_the_command_line_says_what_was_lost(
    retrained: Retrained, capsys: pytest.CaptureFixture[str]
) -> None:
    print_build(retrained.steps[1].report)
    shown = " ".join(capsys.readouterr().err.split())
    lost = retrained.steps[1].report.lost_labels
    assert f"{len(lost)} hand-written label" in shown
    assert f"'{lost[0].label}' (feature {lost[0].feature})" in shown
    print_build(retrained.steps[2].report)
    assert "hand-written" not in capsys.readouterr().err


def test_new_labels_for_the_same_weights_change_no_number(retrained: Retrained) -> None:
    relabelled = retrained.steps[2]
    assert relabelled.matches == {feature: (feature, 1.0) for feature in range(20)}
    assert matches(retrained.database, retrained.oldest, retrained.steps[1].dictionary) == retrained.matches


def test_matches_outlive_the_dictionary_they_are_from(retrained: Retrained) -> None:
    with Session(retrained.database) as session:
        assert session.get(DictionaryRow, retrained.oldest) is None
    first, second = retrained.steps[0].matches, retrained.steps[1].matches
    for old, (new, confidence) in retrained.matches.items():
        middle, sure = first[old]
        then, surer = (None, 0.0) if middle is None else second[middle]
        product = sure * surer
        assert new == (then if product >= LEAST else None)
        assert confidence == pytest.approx(product if product >= LEAST else 0, abs=1e-6)
    assert len(retrained.matches) == 32


def test_saved_steering_works_after_retraining(retrained: Retrained, kept: int, gone: int) -> None:
    steering = Steering((Knob(1.5, feature=kept), Knob(1, feature=gone), Knob(1, concept="files")))
    oldest, live = retrained.oldest, retrained.live
    answer = retrained.engine.search(Request(QUESTION, steering, oldest), collection=NAME)
    new, confidence = retrained.matches[kept]
    assert answer.dictionary == live
    knob, phrase = answer.steering
    assert (knob.feature, knob.was, knob.strength) == (new, kept, 1.5)
    assert knob.confidence == pytest.approx(confidence)
    assert (phrase.concept, phrase.was) == ("files", None)
    assert [(lost.feature, lost.strength) for lost in answer.steering_lost] == [(gone, 1)]
    translated = Steering((Knob(1.5, feature=new), Knob(1, concept="files")))
    again = retrained.engine.search(Request(QUESTION, translated, live), collection=NAME)
    assert [result.score for result in again.results] == [result.score for result in answer.results]
    assert again.steering_lost == []


def test_families_of_an_earlier_dictionary_are_left_out(retrained: Retrained) -> None:
    steering = Steering((Knob(1, family=3),))
    translation = retrained.engine.translate(Request("", steering, retrained.oldest), NAME)
    assert translation.steering == Steering()
    assert [(lost.family, lost.feature) for lost in translation.lost] == [(3, None)]


def test_after_going_back_later_steering_is_read_the_other_way_round(retrained: Retrained) -> None:
    first, second = retrained.steps[0].dictionary, retrained.steps[1].dictionary
    there = {old: new for old, (new, _) in matches(retrained.database, first, second).items()}
    with Session(retrained.database) as session:
        for old, new in there.items():
            if new is not None:
                back = translate(session, Steering((Knob(1.5, feature=new),)), second, live=first)
                assert back.steering == Steering((Knob(1.5, feature=old),))
                assert back.carried[old].was == new
        unmatched = next(f for f in range(20) if f not in there.values())
        lost = translate(session, Steering((Knob(1, feature=unmatched),)), second, live=first).lost
        assert [knob.feature for knob in lost] == [unmatched]
        with pytest.raises(InvalidSteering, match="no feature 20"):
            translate(session, Steering((Knob(1, feature=20),)), second, live=first)


def test_a_preset_of_an_earlier_dictionary_is_carried_over_and_what_is_lost_is_said(
    retrained: Retrained, client: TestClient, kept: int, gone: int
) -> None:
    new = retrained.matches[kept][0]
    with Session(retrained.database) as session:
        number = live_generation(session, NAME).collection_id
        knobs = f"{kept}:1.5,{gone}:1,family:3:1,concept:files:-1"
        for name, dictionary in (("old", retrained.oldest), ("forgotten", 10**9)):
            session.add(Preset(collection_id=number, name=name, steering=knobs, dictionary=dictionary))
        session.get_one(Collection, number).presets_version += 1
        session.commit()
    answer = client.get("/v1/search", params={"q": QUESTION, "preset": "old"}).json()
    assert [(knob["feature"], knob["was"]) for knob in answer["steering"]] == [(new, kept), (None, None)]
    assert [(knob["feature"], knob["family"]) for knob in answer["steering_lost"]] == [
        (gone, None),
        (None, 3),
    ]
    own = client.get("/v1/search", params={"q": QUESTION, "preset": "old", "steer": f"{new}:-1"}).json()
    assert [(knob["feature"], knob["strength"], knob["was"]) for knob in own["steering"][:1]] == [
        (new, -1, None)
    ]
    forgotten = client.get("/v1/presets/forgotten").json()
    assert forgotten["steer"] == "concept:files:-1"
    assert [knob["feature"] for knob in forgotten["steering_lost"]] == [kept, gone, None]
    page = client.get(f"/?q={QUESTION}").text
    assert "2 lost" in page
    assert "3 lost" in page
    for name in ("old", "forgotten"):
        delete_preset(retrained.engine, NAME, name)


def test_a_file_of_an_earlier_dictionary_finds_what_its_features_became(retrained: Retrained) -> None:
    earlier = retrained.steps[0].dictionary  # still there: one may go back to it
    with Session(retrained.database) as session:
        row = session.get_one(DictionaryRow, earlier)
        card, there = row.card, Dictionary.from_bytes(row.weights, row.card)
    now = {old: new for old, (new, _) in matches(retrained.database, earlier, retrained.live).items()}
    direction = base64.b64encode(there.w_dec_FD[3].astype("<f2").tobytes()).decode()
    file = PresetFile(
        format="refract-preset",
        version=1,
        name="from before",
        model=there.card.model,
        dictionary=FileDictionary(
            sha256=card["sha256"], origin=card["sha256"], features=there.features, width=there.width
        ),
        knobs=[FileKnob(strength=1, feature=3, direction=direction)],
    )
    taken = import_preset(retrained.engine, NAME, file)
    assert [(match.was, match.knob, match.how) for match in taken.matched] == [
        ("3", str(now[3]), "earlier dictionary")
    ]
    delete_preset(retrained.engine, NAME, "from before")


@pytest.mark.parametrize("unknown", [0, -1, 10**6, 2**63, 10**30])
def test_an_unknown_dictionary_is_refused_where_it_matters(client: TestClient, unknown: int) -> None:
    params: dict[str, Any] = {"q": QUESTION, "dictionary": unknown}
    assert client.get("/v1/search", params={**params, "steer": "concept:files:1"}).status_code == 200
    refused = client.get("/v1/search", params={**params, "steer": "1:1"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "invalid_steering"
    assert str(unknown) in refused.json()["error"]["message"]


def test_a_feature_that_never_was_is_refused(retrained: Retrained) -> None:
    many = len(retrained.matches)
    steering = Steering((Knob(1, feature=many),))
    with pytest.raises(InvalidSteering, match=f"no feature {many} in dictionary") as refused:
        retrained.engine.translate(Request("", steering, retrained.oldest), NAME)
    assert f"0 to {many - 1}" in refused.value.hint


def test_the_api_says_what_became_of_each_knob(
    retrained: Retrained, client: TestClient, kept: int, gone: int
) -> None:
    oldest, live = retrained.oldest, retrained.live
    steer = f"{kept}:1,{gone}:off"
    got = client.get("/v1/search", params={"q": QUESTION, "steer": steer, "dictionary": oldest}).json()
    knobs = [{"feature": kept, "strength": 1}, {"feature": gone, "strength": "off"}]
    body = {"q": QUESTION, "steer": knobs, "dictionary": oldest}
    posted = client.post("/v1/search", json=body).json()
    assert posted["steering"] == got["steering"]
    assert got["dictionary"] == live
    assert got["steering"][0]["was"] == kept
    assert got["steering_lost"][0]["feature"] == gone
    assert got["steering_lost"][0]["reason"]
    for result in got["results"]:
        assert sum(term["value"] for term in result["terms"]) == pytest.approx(result["score"], abs=1e-4)


def test_a_page_from_before_says_what_was_left_out_and_leads_on_in_new_numbers(
    retrained: Retrained, client: TestClient, kept: int, gone: int
) -> None:
    oldest, live = retrained.oldest, retrained.live
    new, _ = retrained.matches[kept]
    saved = f"dictionary={oldest}&steer={kept}:1,{gone}:1"
    notice = f"Left out topic {gone} of the saved steering: No feature of the live dictionary is alike"
    for path in (f"/?q={QUESTION}&", "/?", "/features?", "/features/0?"):
        page = client.get(path + saved)
        assert page.status_code == 200
        assert notice in page.text
    tree: Any = html.document_fromstring(client.get(f"/?q={QUESTION}&{saved}").text)
    assert tree.xpath("//form[@id='ask']//input[@name='dictionary']/@value") == [str(live)]
    assert tree.xpath("//ul[@id='knobs']//input[@type='number']/@name") == [f"s.{new}"]
    assert f"Topic {kept} of the earlier dictionary" in tree.get_element_by_id("knobs").text_content()
    steered = [link for link in tree.xpath("//a/@href") if "steer=" in link and link.startswith("/")]
    assert steered
    assert all(f"dictionary={live}" in link for link in steered)
    for link in steered[:3]:
        assert notice not in client.get(link).text


def test_links_that_steer_by_no_number_name_no_dictionary(client: TestClient) -> None:
    tree: Any = html.document_fromstring(client.get(f"/?q={QUESTION}&steer=concept:files:1").text)
    for link in tree.xpath("//a/@href"):
        steering = parse(dict(parse_qsl(urlsplit(link).query)).get("steer", ""))
        numbered = "filter=feature:" in link or any(map(is_numbered, steering.knobs))
        assert ("dictionary=" in link) == numbered


def test_a_page_with_a_dictionary_that_cannot_be_says_so(client: TestClient) -> None:
    for given, code in (("abc", 400), ("77", 400)):
        page = client.get(f"/?q={QUESTION}&dictionary={given}&steer=1:1")
        assert page.status_code == code
        assert given in page.text
