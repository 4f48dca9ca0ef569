"""Presets and their files: what is no such file is refused in words, knobs are found by what they are."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, create_engine, insert, select
from sqlalchemy.orm import Session

from indexer.documents import delete_documents
from indexer.presets.file_format import PresetFile, export_preset, file_name, read_preset_file
from indexer.presets.importer import import_preset
from indexer.presets.store import (
    MOST,
    delete_preset,
    get_preset,
    list_presets,
    save_preset,
    set_default_preset,
)
from search.db.models import CollectionRow, DictionaryRow, FamilyRow, PresetRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, InvalidSteering, PresetNotFound
from search.query.request import SearchRequest
from search.query.steering import MAX_KNOBS, FeatureTarget, parse
from tests.support.building import build, document
from tests.support.reading import read

WIDTH = 4
SHA = "ab" * 32
ONE = base64.b64encode(np.array([1, 0, 0, 0], "<f2").tobytes()).decode()


def content(**changes: Any) -> dict[str, Any]:
    """A file as it is written."""
    return {
        "format": "refract-preset",
        "version": 1,
        "name": "academic",
        "model": "m",
        "dictionary": {"sha256": SHA, "origin": SHA, "features": 9, "width": WIDTH},
        "knobs": [
            {"strength": 1.5, "feature": 3, "label": "physics", "direction": ONE},
            {"strength": -1, "concept": "the sea"},
        ],
        **changes,
    }


def knob(**fields: Any) -> dict[str, Any]:
    return content(knobs=[{"strength": 1, **fields}])


def test_a_file_is_read() -> None:
    file = read_preset_file(json.dumps(content()))
    assert [str(each.knob().target) for each in file.knobs] == ["3", "concept:the%20sea"]
    assert file.knobs[0].unit().tolist() == [1, 0, 0, 0]


@given(st.data())
def test_a_file_cut_off_anywhere_is_refused(data: st.DataObject) -> None:
    whole = json.dumps(content(), indent=1).encode()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(InvalidRequest, match="no preset's file: it is not JSON from line") as refused:
        read_preset_file(cut)
    assert refused.value.hint


@pytest.mark.parametrize("odd", [b'{"version": ' + b"9" * 5000 + b"}", b"[" * 100_000, b"\xff{}"])
def test_a_file_of_odd_json_is_refused(odd: bytes) -> None:
    with pytest.raises(InvalidRequest, match="no preset's file"):
        read_preset_file(odd)


@settings(max_examples=200)
@given(st.binary(max_size=80) | st.text(max_size=80))
def test_whatever_is_given_is_refused_in_words(given: bytes | str) -> None:
    with pytest.raises(InvalidRequest, match="no preset's file"):
        read_preset_file(given)


def unit(*values: float) -> str:
    return base64.b64encode(np.array(values, "<f2").tobytes()).decode()


BROKEN = [
    ({}, "format"),
    (content(format="other"), "format"),
    (content(version=2), "version"),
    (content(extra=1), "extra"),
    (content(name="none"), "none"),
    (content(name="a/b"), "a/b"),
    (content(description="x" * 300), "description"),
    (content(knobs=[]), "knobs"),
    (content(knobs=[{"strength": 1, "concept": f"c{n}"} for n in range(MAX_KNOBS + 1)]), "knobs"),
    (content(knobs=[{"strength": s, "concept": "sea"} for s in (1, -1)]), "steered twice"),
    (content(dictionary={"sha256": "x", "origin": SHA, "features": 1, "width": WIDTH}), "sha256"),
    (content(dictionary={"sha256": SHA, "origin": SHA, "features": 1, "width": 10**9}), "width"),
    (content(dictionary={"sha256": SHA, "origin": SHA, "features": 1, "width": 5}), "not 5 wide"),
    (knob(feature=3), "direction"),
    (knob(concept="sea", direction=ONE), "direction"),
    (knob(feature=3, direction="%%%"), "base64"),
    (knob(feature=3, direction=ONE[:-4]), "direction"),
    (knob(feature=3, direction=unit(np.nan, 0, 0, 1)), "length 1"),
    (knob(feature=3, direction=unit(np.inf, 0, 0, 0)), "length 1"),
    (knob(feature=3, direction=unit(0, 0, 0, 0)), "length 1"),
    (knob(feature=3, direction=unit(30, 0, 0, 0)), "length 1"),
    (knob(feature=-1, direction=ONE), "-1"),
    (knob(feature=1, family=1, direction=ONE), "one feature or one concept"),
    (knob(concept=""), "phrase"),
    (knob(like=["a"] * 2), "twice"),
    (knob(unlike=["a"]), "like"),
    (content(knobs=[{"strength": 99, "concept": "sea"}]), "99"),
    (content(knobs=[{"strength": "off", "concept": "sea"}]), "off"),
]


@pytest.mark.parametrize(("broken", "named"), BROKEN)
def test_what_cannot_be_meant_is_refused_and_named(broken: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named) as refused:
        read_preset_file(json.dumps(broken))
    assert "\n" not in str(refused.value)


def test_not_finite_numbers_and_deep_nests_are_refused() -> None:
    for text in (json.dumps(knob(concept="sea")).replace("1,", "NaN,"), "[" * 100_000, '"\\ud800"'):
        with pytest.raises(InvalidRequest):
            read_preset_file(text)


def test_a_files_name_is_plain() -> None:
    assert file_name("Plain words!") == "plain-words.refract-preset.json"
    assert file_name("Ω") == "preset.refract-preset.json"


# On really built collections


@pytest.fixture(scope="module")
def engine(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
) -> Iterator[SearchEngine]:
    """Two collections of other texts, whose dictionaries were adapted from one."""
    data = tmp_path_factory.mktemp("presets")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, embedder, "here", [document(number) for number in range(12)])
        build(database, data, embedder, "there", [document(number) for number in range(8, 24)])
        with Session(database) as session:  # so few passages have no families of their own
            for number in session.scalars(select(DictionaryRow.id)).all():
                shape = {
                    "parent": None,
                    "name": "birds",
                    "features": [12, 45, 46],
                    "weights": [1.0, 0.8, 0.5],
                }
                session.execute(insert(FamilyRow).values(dictionary_id=number, family=3, **shape))
            session.commit()
        yield SearchEngine(database, data)
        database.dispose()


@pytest.fixture(autouse=True)
def no_presets(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "engine" in request.fixturenames:
        engine: SearchEngine = request.getfixturevalue("engine")
        for name in ("here", "there"):
            for preset in read(engine, name, list_presets):
                delete_preset(engine, name, preset.name)


def family(engine: SearchEngine) -> int:
    return min(engine.snapshot("here").families)


database = pytest.mark.database


@database
def test_a_file_means_the_same_in_a_collection_adapted_from_the_same_dictionary(engine: SearchEngine) -> None:
    steer = f"12:1.5,45:off,concept:songs:1,family:{family(engine)}:1,like:d10!d11:1"
    save_preset(engine, "here", "academic", parse(steer), description="papers  first")
    written = read(engine, "here", export_preset, "academic").model_dump_json(exclude_defaults=True)
    assert len(written) < 6000
    taken = import_preset(engine, "there", read_preset_file(written))
    assert taken.lost == []
    assert {match.knob for match in taken.matched} == {match.was for match in taken.matched}
    assert parse(taken.preset.steer).strength_of(FeatureTarget(45)) == "off"
    assert sorted(taken.preset.steer.split(",")) == sorted(steer.split(","))
    assert taken.preset.description == "papers first"
    hows = {match.was: match.how for match in taken.matched}
    assert (hows["12"], hows["concept:songs"]) == ("same name", "as it is")
    assert all(match.confidence > 0.9 for match in taken.matched)
    again = import_preset(engine, "here", read_preset_file(written), name="again")
    assert {match.how for match in again.matched if match.was in ("12", "45")} == {"same dictionary"}
    assert engine.search(SearchRequest("songs", preset="again"), collection="here").results


@database
def test_features_of_another_dictionary_are_found_by_their_direction_one_to_one(engine: SearchEngine) -> None:
    save_preset(engine, "here", "p", parse("12:1,45:-1,46:2"))
    file = read(engine, "here", export_preset, "p")
    w_dec_FD = engine.snapshot("there").dictionary.w_dec_FD
    other = file.dictionary.model_copy(update={"sha256": SHA, "origin": SHA})
    noise = np.random.default_rng(0).normal(size=w_dec_FD.shape[1])
    near = w_dec_FD[12] + 0.5 * noise / np.linalg.norm(noise)
    directions = [w_dec_FD[12], near, noise]  # the second has only the first's place to go to
    knobs = [
        known.model_copy(update={"feature": number, "label": "", "direction": unit(*(d / np.linalg.norm(d)))})
        for number, (known, d) in enumerate(zip(file.knobs, directions, strict=True))
    ]
    taken = import_preset(engine, "there", file.model_copy(update={"dictionary": other, "knobs": knobs}))
    first, *others = taken.matched
    assert (first.was, first.knob, first.how) == ("0", "12", "direction")
    assert first.confidence == pytest.approx(1, abs=1e-3)
    assert all(other.knob != "12" and other.confidence < 0.9 for other in others)
    assert 2 in [knob.feature for knob in taken.lost]


@database
def test_of_another_model_only_what_is_words_is_kept(engine: SearchEngine) -> None:
    save_preset(engine, "here", "p", parse(f"12:1,concept:songs:2,like:d1~d10:1,family:{family(engine)}:1"))
    file = read(engine, "here", export_preset, "p").model_copy(update={"model": "another"})
    taken = import_preset(engine, "there", file)
    assert taken.preset.steer == "12:1,concept:songs:2,like:d10:1"  # a name is no model's own
    reasons = {(knob.feature, knob.family, *knob.like): knob.reason for knob in taken.lost}
    assert "for the model 'another'" in reasons[None, family(engine)]
    assert "only names and phrases" in reasons[None, family(engine)]
    assert "no such document" in reasons[None, None, "d1"]
    unnamed = [knob.model_copy(update={"label": ""}) for knob in file.knobs[:1]]
    nothing = file.model_copy(update={"knobs": unnamed, "name": "q"})
    with pytest.raises(InvalidRequest, match=r"None of the knobs of 'q'.*'another'"):
        import_preset(engine, "there", nothing)
    with pytest.raises(PresetNotFound):
        read(engine, "there", get_preset, "q")
    with pytest.raises(InvalidRequest, match="already"):
        import_preset(engine, "there", file)


@database
def test_a_preset_goes_on_without_its_documents(engine: SearchEngine) -> None:
    save_preset(engine, "there", "p", parse("like:d20~d21!d22:1,12:1"), default=True)
    save_preset(engine, "there", "only", parse("like:d21:1"))
    with Session(engine.database) as session:
        number = session.scalars(select(CollectionRow.id).where(CollectionRow.name == "there")).one()
        delete_documents(session, number, ["d21", "d22"])
        session.commit()
    answer = engine.search(SearchRequest("songs"), collection="there")
    assert (answer.preset, [term.like for term in answer.steering]) == ("p", [["d20"], []])
    assert [(knob.like, knob.unlike) for knob in answer.steering_lost] == [(["d21"], ["d22"])]
    assert read(engine, "there", get_preset, "only").steer == ""
    assert engine.search(SearchRequest("songs", preset="only"), collection="there").results
    with pytest.raises(InvalidSteering, match="Nothing is left"):
        read(engine, "there", export_preset, "only")


@database
def test_there_is_one_default_preset_and_it_can_end(engine: SearchEngine) -> None:
    def default() -> list[str]:
        return [preset.name for preset in read(engine, "here", list_presets) if preset.default]

    save_preset(engine, "here", "a", parse("12:1"), default=True)
    save_preset(engine, "here", "b", parse("13:1"))
    assert default() == ["a"]
    save_preset(engine, "here", "b", parse("13:2"), default=True)
    assert default() == ["b"]
    save_preset(engine, "here", "b", parse("13:3"))
    assert default() == ["b"]
    save_preset(engine, "here", "b", parse("13:3"), default=False)
    assert default() == []
    set_default_preset(engine, "here", "a")
    assert default() == ["a"]
    set_default_preset(engine, "here", None)
    assert default() == []
    with pytest.raises(PresetNotFound, match="'c'") as refused:
        set_default_preset(engine, "here", "c")
    assert refused.value.hint == "There is: a, b."


@database
def test_without_a_default_preset_a_search_is_as_it_was(engine: SearchEngine) -> None:
    plain = engine.search(SearchRequest("songs"), collection="here")
    save_preset(engine, "here", "a", parse("12:3"))
    again = engine.search(SearchRequest("songs"), collection="here")
    assert replace(again, took_ms=plain.took_ms) == plain
    set_default_preset(engine, "here", "a")
    steered = engine.search(SearchRequest("songs"), collection="here")
    assert steered.results == engine.search(SearchRequest("songs", parse("12:3")), collection="here").results
    none = engine.search(SearchRequest("songs", preset="none"), collection="here")
    assert replace(none, took_ms=plain.took_ms) == plain


@database
def test_there_is_room_for_so_many_and_they_go_with_their_collection(engine: SearchEngine) -> None:
    with Session(engine.database) as session:
        gone = CollectionRow(name="gone", model="m")
        here = session.scalars(select(CollectionRow).where(CollectionRow.name == "here")).one()
        session.add(gone)
        session.flush()
        for number in (gone.id, here.id):
            session.add_all(
                PresetRow(collection_id=number, name=f"p{n}", steering="concept:sea:1", dictionary=1)
                for n in range(MOST)
            )
        here.presets_version += 1
        session.commit()
        session.delete(gone)
        session.commit()
        assert len(session.scalars(select(PresetRow.id)).all()) == MOST
    with pytest.raises(InvalidRequest, match=str(MOST)):
        save_preset(engine, "here", "one more", parse("12:1"))
    assert save_preset(engine, "here", "p7", parse("12:1")).steer == "12:1"
    assert isinstance(read(engine, "here", export_preset, "p7"), PresetFile)
