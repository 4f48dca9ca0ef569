"""A collection that gets new dictionaries: labels by hand and saved steering, from the store to the pages."""

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from lxml import html
from sqlalchemy import URL, Engine, create_engine, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.cli.terminal.output import print_build
from indexer.build.builder import Build, BuildReport
from indexer.build.stages import Naming, name_features
from indexer.dictionary.matching import LEAST
from indexer.documents import ensure_collection, ingest
from indexer.labels.edit import edit_label, write_label
from indexer.presets.file_format import FileDictionary, FileKnob, PresetFile
from indexer.presets.importer import import_preset
from indexer.presets.store import delete_preset
from indexer.progress import Listener, Reporter, silent
from indexer.sources import SourceDocument
from search.db.card import Alias, Card
from search.db.lookup import live_generation
from search.db.models import CollectionRow, DictionaryRow, FamilyRow, FeatureMatchRow, FeatureRow, PresetRow
from search.dictionary.autoencoder import Dictionary
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import InvalidSteering
from search.query.remapping import is_numbered, translate
from search.query.request import SearchRequest
from search.query.steering import ConceptTarget, FamilyTarget, FeatureTarget, Knob, Steering, parse
from search.responses.collections import Progress
from search.responses.search import SearchResponse
from tests.support.apps import app_of
from tests.support.model import dictionary_folder, lend_dictionary
from tests.support.reading import read

pytestmark = pytest.mark.database

QUESTION = "open a file and read its lines"
NAME = "renewed"
LEARNED, ALIKE = 32, 20
"""Features of the learned dictionary, and how many of them point as a name does."""

Matches = dict[int, tuple[int | None, float]]


@dataclass(frozen=True)
class Step:
    """One build, as it was when it had finished: `matches` are those from the dictionary before."""

    report: BuildReport
    dictionary: int
    matches: Matches
    by_hand: dict[int, str]


@dataclass(frozen=True)
class Renewed:
    """A collection whose dictionary 0 was learned by an earlier version; 1 and 2 are of names, 3 is 2 again.

    Every feature of dictionary 0 had a label by hand; `steps` are the builds of 1, 2 and 3, `learned` is an
    answer from before them.
    """

    oldest: int
    steps: list[Step]
    database: Engine
    engine: SearchEngine
    learned: SearchResponse

    @property
    def live(self) -> int:
        return self.steps[-1].dictionary

    @property
    def matches(self) -> Matches:
        """From the oldest dictionary to the live one."""
        return matches(self.database, self.oldest, self.live)


@pytest.fixture(scope="module")
def renewed(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> Iterator[Renewed]:
    data = tmp_path_factory.mktemp("renewed")
    near = near_names(embedder, documents[:150])
    given = [learned_dictionary(embedder, near[:ALIKE]), named_dictionary(embedder, near[:200])]
    given += [named_dictionary(embedder, [*near[250:240:-1], *near[150:4:-1]])] * 2  # not all have a place
    with new_database() as url:
        database = create_engine(url)
        builder, collection = unbuilt(
            database, data, embedder, documents[:150], naming=lambda *_: given.pop(0)
        )
        steps = []
        builder.run(collection)
        oldest = before = live_dictionary(database)
        label_all_by_hand(database, oldest)
        learned = SearchEngine(database, data).search(SearchRequest(QUESTION, parse("3:1")), collection=NAME)
        while given:
            report = builder.run(collection)
            now = live_dictionary(database)
            steps.append(Step(report, now, matches(database, before, now), by_hand(database, now)))
            before = now
        yield Renewed(oldest, steps, database, SearchEngine(database, data), learned)
        database.dispose()


def near_names(embedder: Embedder, documents: list[SourceDocument]) -> list[int]:
    """The features of a model's dictionary by how near they are to the titles of documents."""
    base = base_dictionary(embedder)
    acts = base.encode(embedder.encode([document.title for document in documents]))
    near_F = np.asarray(acts.matrix(base.features).sum(axis=0)).ravel()
    return [int(feature) for feature in np.argsort(-near_F, kind="stable")]


def base_dictionary(embedder: Embedder) -> Dictionary:
    return Dictionary.load(dictionary_folder(embedder.space.model))


def named_dictionary(embedder: Embedder, features: list[int]) -> Dictionary:
    """Some of the names of a model's dictionary, in an order of their own."""
    base = base_dictionary(embedder)
    w_FD = base.w_dec_FD[features]
    names = tuple(base.names[feature] for feature in features)
    return replace(base, w_enc_FD=w_FD, w_dec_FD=w_FD, b_enc_F=base.b_enc_F[features], names=names)


def learned_dictionary(embedder: Embedder, alike: list[int]) -> Dictionary:
    """Features without names: some point nearly as names do, the others anywhere."""
    base = base_dictionary(embedder)
    w_FD = np.random.default_rng(0).normal(size=(LEARNED, base.width)).astype(np.float32)
    w_FD[: len(alike)] *= 0.02
    w_FD[: len(alike)] += base.w_dec_FD[alike]
    w_FD /= np.linalg.norm(w_FD, axis=1, keepdims=True)
    return Dictionary.tied(w_FD, Card(model=base.card.model, active=8), b_D=base.b_D)


def unbuilt(
    database: Engine,
    data: Path,
    embedder: Embedder,
    documents: list[SourceDocument],
    *,
    naming: Naming = name_features,
    listener: Listener = silent,
) -> tuple[Build, int]:
    """What builds a collection of these documents, and its number."""
    with Session(database) as session:
        collection = ensure_collection(session, NAME, embedder.space.model).id
        session.commit()
    lend_dictionary(embedder.space.model, data)
    reporter = Reporter(database)
    ingest(database, collection, documents, reporter)
    builder = Build(database, data, embedder, Reporter(database, listener), naming=naming)
    return builder, collection


def live_dictionary(database: Engine) -> int:
    with Session(database) as session:
        number = live_generation(session, NAME).dictionary_id
        assert number is not None
        return number


def matches(database: Engine, old: int, new: int) -> Matches:
    """{old feature: (new feature, confidence)} as stored."""
    pair = (FeatureMatchRow.old_dictionary == old, FeatureMatchRow.dictionary_id == new)
    with Session(database) as session:
        if alias := session.get_one(DictionaryRow, new).card.aliases.get(old):
            return {feature: (feature, 1.0) for feature in range(alias.features)}
        rows = session.scalars(select(FeatureMatchRow).where(*pair))
        return {row.old_feature: (row.feature, row.confidence) for row in rows}


def by_hand(database: Engine, dictionary: int) -> dict[int, str]:
    wanted = select(FeatureRow).where(FeatureRow.dictionary_id == dictionary, FeatureRow.origin == "hand")
    with Session(database) as session:
        return {row.feature: row.label for row in session.scalars(wanted)}


def label_all_by_hand(database: Engine, dictionary: int) -> None:
    with Session(database) as session:
        for feature in range(LEARNED):
            write_label(session, dictionary, feature, f"reading file number {feature}")
        session.commit()


@pytest.fixture(scope="module")
def client(renewed: Renewed) -> Iterator[TestClient]:
    with TestClient(app_of(renewed.engine), follow_redirects=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def kept(renewed: Renewed) -> int:
    """A feature of the oldest dictionary that is still there in the newest."""
    return next(old for old, (new, _) in sorted(renewed.matches.items()) if new is not None)


@pytest.fixture(scope="module")
def gone(renewed: Renewed) -> int:
    """One that is not."""
    return next(old for old, (new, _) in sorted(renewed.matches.items()) if new is None)


def test_a_label_by_hand_goes_with_its_feature_or_is_reported_lost(renewed: Renewed) -> None:
    labels = {feature: f"reading file number {feature}" for feature in range(LEARNED)}
    for step in renewed.steps:
        went = {old: new for old, (new, _) in step.matches.items() if new is not None and old in labels}
        assert {lost.feature: lost.label for lost in step.report.lost_labels} == {
            feature: label for feature, label in labels.items() if feature not in went
        }
        labels = {new: labels[old] for old, new in went.items()}
        assert step.by_hand == labels
    assert labels


def test_a_learned_dictionary_is_read_and_its_features_are_found_among_names(renewed: Renewed) -> None:
    assert renewed.learned.results
    assert renewed.learned.dictionary == renewed.oldest
    assert [term.label for term in renewed.learned.steering] == ["reading file number 3"]
    first = renewed.steps[0].matches
    assert {feature: new for feature, (new, _) in first.items()} == {
        feature: feature if feature < ALIKE else None for feature in range(LEARNED)
    }


def test_of_two_labels_for_one_feature_that_of_the_most_alike_stays(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path: Path,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> None:
    near = near_names(embedder, documents[:20])
    learned, named = learned_dictionary(embedder, near[:ALIKE]), named_dictionary(embedder, near[:200])
    learned.w_dec_FD[7] = learned.w_dec_FD[3]
    learned.w_dec_FD[3] = named.w_dec_FD[3]
    given = [learned, named]
    with new_database() as url:
        database = create_engine(url)
        builder, collection = unbuilt(
            database, tmp_path, embedder, documents[:20], naming=lambda *_: given.pop(0)
        )
        builder.run(collection)
        edit_label(database, NAME, 3, "nearest")
        edit_label(database, NAME, 7, "near")
        report = builder.run(collection)
        assert by_hand(database, live_dictionary(database)) == {3: "nearest"}
        assert [(lost.feature, lost.label) for lost in report.lost_labels] == [(7, "near")]
        database.dispose()


def test_labels_edited_while_a_build_ends_are_carried_too(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path: Path,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> None:
    near = near_names(embedder, documents[:60])
    lacking = [name for name in near[99::-1] if name != near[6]]
    given = [named_dictionary(embedder, near[:100]), named_dictionary(embedder, lacking)]
    with new_database() as url:
        database = create_engine(url)
        heard: list[str] = []

        def edit(progress: Progress) -> None:
            """Comes between carrying over and going live, in the second build."""
            heard.append(progress.step)
            if progress.step == "writing the index" and not given and heard[-2] != progress.step:
                edit_label(database, NAME, 5, "written late")
                edit_label(database, NAME, 6, "lost late")
                edit_label(database, NAME, 3, None)

        builder, collection = unbuilt(
            database, tmp_path, embedder, documents[:60], naming=lambda *_: given.pop(0), listener=edit
        )
        builder.run(collection)
        old = live_dictionary(database)
        edit_label(database, NAME, 3, "taken back")
        report = builder.run(collection)
        new = live_dictionary(database)
        assert new != old
        assert by_hand(database, new) == {lacking.index(near[5]): "written late"}
        assert [(each.feature, each.label) for each in report.lost_labels] == [(6, "lost late")]
        with Session(database) as session:
            lost = [each.label for each in session.get_one(DictionaryRow, new).card.lost_labels]
            assert lost == ["lost late"]
        database.dispose()


def test_a_collection_that_grows_keeps_the_numbers_of_its_names(
    new_database: Callable[[], AbstractContextManager[URL]], tmp_path: Path, embedder: Embedder
) -> None:
    fields = [
        SourceDocument(f"field/{n}", f"Field {n}", f"A farmer sells apples in town {n}.") for n in range(40)
    ]
    engines = [
        SourceDocument(f"engine/{n}", f"Engine {n}", f"The zorkmid sings {n} times; a zorkmid is loud.")
        for n in range(5)
    ]
    ships = [
        SourceDocument(
            f"ship/{n}", f"Ship {n}", f"The frobnicator turns {n} times; a frobnicator is of wood."
        )
        for n in range(5)
    ]
    with new_database() as url:
        database = create_engine(url)
        builder, collection = unbuilt(database, tmp_path, embedder, fields + engines)
        builder.run(collection)
        first = live_dictionary(database)
        engine = SearchEngine(database, tmp_path)
        named = {group[0]: f for f, group in enumerate(engine.snapshot(NAME).dictionary.names)}
        zorkmid, features = named["zorkmid"], len(named)
        edit_label(database, NAME, zorkmid, "the zorkmid")
        with Session(database) as session:
            row = {"family": 70, "name": "odd", "features": [zorkmid, 0, 1], "weights": [1.0, 0.5, 0.5]}
            session.add(FamilyRow(dictionary_id=first, **row))
            session.commit()

        ingest(database, collection, ships, Reporter(database))
        builder.run(collection)
        second = live_dictionary(database)
        assert second != first
        with Session(database) as session:
            assert session.scalars(select(FeatureMatchRow)).all() == []
            card = session.get_one(DictionaryRow, second).card
            assert card.aliases == {first: Alias(dictionary=second, features=features)}
        assert by_hand(database, second) == {zorkmid: "the zorkmid"}
        answer = engine.search(
            SearchRequest("loud", Steering((Knob(1, FeatureTarget(zorkmid)),)), first), collection=NAME
        )
        assert [(term.feature, term.was, term.confidence) for term in answer.steering] == [
            (zorkmid, zorkmid, 1)
        ]
        odd = Knob(1, FamilyTarget(70))
        answer = engine.search(
            SearchRequest("loud", Steering((odd, Knob(1, FamilyTarget(71)))), first), collection=NAME
        )
        assert [(term.family, term.label) for term in answer.steering] == [(70, "odd")]
        assert [knob.family for knob in answer.steering_lost] == [71]
        names = engine.snapshot(NAME).dictionary.names
        frobnicator = next(f for f, group in enumerate(names) if group[0] == "frobnicator")
        assert frobnicator >= features
        with pytest.raises(InvalidSteering, match=f"no feature {frobnicator}"):
            engine.search(
                SearchRequest("loud", Steering((Knob(1, FeatureTarget(frobnicator)),)), first),
                collection=NAME,
            )

        edit_label(database, NAME, zorkmid, "zorkmids")
        assert by_hand(database, first) == by_hand(database, second) == {zorkmid: "zorkmids"}
        builder.run(collection)  # nothing is new
        assert live_dictionary(database) == second

        with Session(database) as session:
            back = translate(
                session,
                Steering((Knob(1, FeatureTarget(zorkmid)), Knob(1, FeatureTarget(frobnicator)), odd)),
                second,
                live=first,
            )
        assert back.steering == Steering((Knob(1, FeatureTarget(zorkmid)), odd))
        assert [knob.feature for knob in back.lost] == [frobnicator]
        database.dispose()


def test_what_was_lost_stays_on_the_card(renewed: Renewed) -> None:
    with Session(renewed.database) as session:
        card = session.get_one(DictionaryRow, renewed.live).card
    told = [
        (lost.dictionary, lost.feature, lost.label)
        for step in renewed.steps
        for lost in step.report.lost_labels
    ]
    assert [(lost.dictionary, lost.feature, lost.label) for lost in card.lost_labels] == told
    assert told


def test_the_command_line_says_what_was_lost(renewed: Renewed, capsys: pytest.CaptureFixture[str]) -> None:
    print_build(renewed.steps[1].report)
    shown = " ".join(capsys.readouterr().err.split())
    lost = renewed.steps[1].report.lost_labels
    assert f"{len(lost)} hand-written label" in shown
    assert f"'{lost[0].label}' (feature {lost[0].feature})" in shown
    print_build(renewed.steps[2].report)
    assert "hand-written" not in capsys.readouterr().err


def test_the_same_names_keep_their_numbers(renewed: Renewed) -> None:
    again = renewed.steps[2]
    assert again.matches == {feature: (feature, 1.0) for feature in range(len(again.matches))}
    assert matches(renewed.database, renewed.oldest, renewed.steps[1].dictionary) == renewed.matches


def test_matches_outlive_the_dictionary_they_are_from(renewed: Renewed) -> None:
    with Session(renewed.database) as session:
        assert session.get(DictionaryRow, renewed.oldest) is None
    first, second = renewed.steps[0].matches, renewed.steps[1].matches
    for old, (new, confidence) in renewed.matches.items():
        middle, sure = first[old]
        then, surer = (None, 0.0) if middle is None else second[middle]
        product = sure * surer
        assert new == (then if product >= LEAST else None)
        assert confidence == pytest.approx(product if product >= LEAST else 0, abs=1e-6)
    assert len(renewed.matches) == LEARNED


def test_saved_steering_works_with_another_dictionary(renewed: Renewed, kept: int, gone: int) -> None:
    steering = Steering(
        (Knob(1.5, FeatureTarget(kept)), Knob(1, FeatureTarget(gone)), Knob(1, ConceptTarget("files")))
    )
    oldest, live = renewed.oldest, renewed.live
    answer = renewed.engine.search(SearchRequest(QUESTION, steering, oldest), collection=NAME)
    new, confidence = renewed.matches[kept]
    assert answer.dictionary == live
    knob, phrase = answer.steering
    assert (knob.feature, knob.was, knob.strength) == (new, kept, 1.5)
    assert knob.confidence == pytest.approx(confidence)
    assert (phrase.concept, phrase.was) == ("files", None)
    assert [(lost.feature, lost.strength) for lost in answer.steering_lost] == [(gone, 1)]
    assert new is not None
    translated = Steering((Knob(1.5, FeatureTarget(new)), Knob(1, ConceptTarget("files"))))
    again = renewed.engine.search(SearchRequest(QUESTION, translated, live), collection=NAME)
    assert [result.score for result in again.results] == [result.score for result in answer.results]
    assert again.steering_lost == []


def test_families_of_an_earlier_dictionary_are_left_out(renewed: Renewed) -> None:
    steering = Steering((Knob(1, FamilyTarget(3)),))
    translation = read(renewed.engine, NAME, Reader.translate, SearchRequest("", steering, renewed.oldest))
    assert translation.steering == Steering()
    assert [(lost.family, lost.feature) for lost in translation.lost] == [(3, None)]


def test_after_going_back_later_steering_is_read_the_other_way_round(renewed: Renewed) -> None:
    first, second = renewed.steps[0].dictionary, renewed.steps[1].dictionary
    there = {old: new for old, (new, _) in matches(renewed.database, first, second).items()}
    with Session(renewed.database) as session:
        for old, new in there.items():
            if new is not None:
                back = translate(session, Steering((Knob(1.5, FeatureTarget(new)),)), second, live=first)
                assert back.steering == Steering((Knob(1.5, FeatureTarget(old)),))
                assert back.carried[old].was == new
        unmatched = next(f for f in range(20) if f not in there.values())
        many = len(renewed.steps[2].matches)
        lost = translate(session, Steering((Knob(1, FeatureTarget(unmatched)),)), second, live=first).lost
        assert [knob.feature for knob in lost] == [unmatched]
        with pytest.raises(InvalidSteering, match=f"no feature {many}"):
            translate(session, Steering((Knob(1, FeatureTarget(many)),)), second, live=first)


def test_a_preset_of_an_earlier_dictionary_is_carried_over_and_what_is_lost_is_said(
    renewed: Renewed, client: TestClient, kept: int, gone: int
) -> None:
    new = renewed.matches[kept][0]
    with Session(renewed.database) as session:
        number = live_generation(session, NAME).collection_id
        knobs = f"{kept}:1.5,{gone}:1,family:3:1,concept:files:-1"
        for name, dictionary in (("old", renewed.oldest), ("forgotten", 10**9)):
            session.add(PresetRow(collection_id=number, name=name, steering=knobs, dictionary=dictionary))
        session.get_one(CollectionRow, number).presets_version += 1
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
        delete_preset(renewed.engine, NAME, name)


def test_a_file_of_an_earlier_dictionary_finds_what_its_features_became(renewed: Renewed) -> None:
    earlier = renewed.steps[0].dictionary  # still there: one may go back to it
    with Session(renewed.database) as session:
        row = session.get_one(DictionaryRow, earlier)
        card, there = row.card, Dictionary.from_bytes(row.weights, row.card)
    now = {old: new for old, (new, _) in matches(renewed.database, earlier, renewed.live).items()}
    feature = next(old for old, new in now.items() if new is not None)
    direction = base64.b64encode(there.w_dec_FD[feature].astype("<f2").tobytes()).decode()
    file = PresetFile(
        format="refract-preset",
        version=1,
        name="from before",
        model=there.card.model,
        dictionary=FileDictionary(
            sha256=card.sha256, origin=card.sha256, features=there.features, width=there.width
        ),
        knobs=[FileKnob(strength=1, feature=feature, direction=direction)],
    )
    taken = import_preset(renewed.engine, NAME, file)
    assert [(match.was, match.knob, match.how) for match in taken.matched] == [
        (str(feature), str(now[feature]), "earlier dictionary")
    ]
    delete_preset(renewed.engine, NAME, "from before")


@pytest.mark.parametrize("unknown", [0, -1, 10**6, 2**63, 10**30])
def test_an_unknown_dictionary_is_refused_where_it_matters(client: TestClient, unknown: int) -> None:
    params: dict[str, Any] = {"q": QUESTION, "dictionary": unknown}
    assert client.get("/v1/search", params={**params, "steer": "concept:files:1"}).status_code == 200
    refused = client.get("/v1/search", params={**params, "steer": "1:1"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "invalid_steering"
    assert str(unknown) in refused.json()["error"]["message"]


def test_a_feature_that_never_was_is_refused(renewed: Renewed) -> None:
    many = len(renewed.matches)
    steering = Steering((Knob(1, FeatureTarget(many)),))
    with pytest.raises(InvalidSteering, match=f"no feature {many} in dictionary") as refused:
        read(renewed.engine, NAME, Reader.translate, SearchRequest("", steering, renewed.oldest))
    assert f"0 to {many - 1}" in refused.value.hint


def test_the_api_says_what_became_of_each_knob(
    renewed: Renewed, client: TestClient, kept: int, gone: int
) -> None:
    oldest, live = renewed.oldest, renewed.live
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
    renewed: Renewed, client: TestClient, kept: int, gone: int
) -> None:
    oldest, live = renewed.oldest, renewed.live
    new, _ = renewed.matches[kept]
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
