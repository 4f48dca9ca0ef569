"""Dictionaries made of names: of a model, of a collection, and of collections that have few to find."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine

from indexer.dictionary.matching import match
from indexer.dictionary.naming import (
    ACTIVE,
    LEAST,
    candidates,
    general_dictionary,
    model_dictionary,
    with_own_names,
)
from indexer.dictionary.phrases import mine
from indexer.presets.file_format import export_preset, read_preset_file
from indexer.presets.importer import import_preset
from indexer.presets.store import save_preset
from indexer.sources import SourceDocument
from search.db.card import Card
from search.dictionary.artifact import shipped
from search.dictionary.autoencoder import Dictionary, rounded
from search.dictionary.lexicon import general_lexicon
from search.embedding.embedder import Embedder, load_embedder
from search.engine.engine import SearchEngine
from search.errors import DictionaryError
from search.query.request import SearchRequest
from search.query.steering import parse
from search.settings import DEFAULT_MODEL
from tests.support.building import build
from tests.support.model import WIDTH, make_shallow_model
from tests.support.reading import read


@pytest.fixture(scope="module")
def base() -> Dictionary:
    found = shipped(DEFAULT_MODEL)
    assert found is not None
    return found.dictionary


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real sentence-transformers model of another width."""
    return make_shallow_model(tmp_path_factory.mktemp("model"))


def test_a_dictionary_keeps_its_names_and_their_numbers_when_texts_come(
    base: Dictionary, embedder: Embedder
) -> None:
    fields = [f"Field {n}\nA farmer sells apples on the market of town {n}." for n in range(40)]
    whales = [f"Whale {n}\nA zorkmid engine sings; the zorkmid engine is loud." for n in range(5)] + fields
    first = named(base, embedder, whales)
    assert ("zorkmid",) in first.names[base.features :]
    assert named(base, embedder, whales, known=first) is first

    ships = [f"Ship {n}\nThe frobnicator turns; a frobnicator is made of wood." for n in range(5)] + fields
    second = named(base, embedder, whales + ships, known=first)
    assert second.names[: first.features] == first.names
    assert ("frobnicator",) in second.names[first.features :]
    np.testing.assert_array_equal(second.w_dec_FD[: first.features], first.w_dec_FD)

    third = named(base, embedder, ships, known=first)  # what it was named after has gone
    assert ("zorkmid",) not in third.names


def named(
    base: Dictionary, embedder: Embedder, texts: list[str], known: Dictionary | None = None
) -> Dictionary:
    return with_own_names(
        base, texts, embedder.encode(texts), general_lexicon(), embedder.encode, known=known
    )


def own_names(base: Dictionary, embedder: Embedder, texts: list[str]) -> list[str]:
    found = named(base, embedder, texts)
    assert found.names[: base.features] == base.names
    return [group[0] for group in found.names[base.features :]]


def test_rounded_directions_stay_what_they_are(base: Dictionary) -> None:
    np.testing.assert_array_equal(rounded(base.w_dec_FD), base.w_dec_FD)
    back = Dictionary.from_bytes(base.to_bytes(), base.stored_card())
    np.testing.assert_array_equal(back.w_dec_FD, base.w_dec_FD)
    assert back.names == base.names
    w_FD = np.random.default_rng(0).normal(size=(50, 384)).astype(np.float32)
    w_FD /= np.linalg.norm(w_FD, axis=1, keepdims=True)
    assert (rounded(w_FD) * w_FD).sum(axis=1).min() > 0.9999


def test_every_direction_is_its_names_own(base: Dictionary, embedder: Embedder) -> None:
    mean_D = np.array(base.card.training.mean, np.float32)
    some = np.random.default_rng(0).choice(base.features, 60, replace=False)
    embedded = embedder.encode([base.names[feature][0] for feature in some]).astype(np.float32) - mean_D
    embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
    assert (embedded * base.w_dec_FD[some]).sum(axis=1).min() > 0.98  # embedded in another precision, perhaps


def test_the_features_of_a_text_are_the_names_it_points_to(base: Dictionary, embedder: Embedder) -> None:
    x_ND = embedder.encode(["The heart pumps blood through arteries and veins."])
    acts = base.encode(x_ND)
    along_F = (x_ND[0].astype(np.float32) - base.b_D) @ base.w_dec_FD.T
    assert acts.ids_NK[0].tolist() == np.argsort(-along_F, kind="stable")[:ACTIVE].tolist()
    near = [base.names[feature][0] for feature in acts.row(0)]
    assert {"artery", "blood vessel", "heart", "vein", "circulation"} & set(near[:10])
    assert min(acts.row(0).values()) >= LEAST


def test_a_collections_own_names_are_whole_phrases_and_identifiers(
    base: Dictionary, embedder: Embedder
) -> None:
    frameworks = ["frobnicator", "zorkmid engine", "numpy.linalg.inv"]
    texts = [
        f"{framework} number {n}\nThe {framework} is tuned by {n} people, who like the {framework} very much."
        for framework in frameworks
        for n in range(4)
    ]
    texts += [f"Whale {n}\nA whale sings in the sea, and a ship sails by in the year {n}." for n in range(60)]
    own = own_names(base, embedder, texts)
    assert set(frameworks) & set(own)
    assert not {"very much", "people who", "is tuned", "whale", "whales"} & set(own)


def test_own_names_read_as_names() -> None:
    lexicon = general_lexicon()
    texts = [
        "Compute the inverse. Find eigenvalues. The Zorkmid kernel update contains early th rows of gradient "
        "clipping. A T-cell has ribosomal DNA. Python's gradient clipping works quickly. 1st 2nd parameter "
        "parameter Zorkmid kernel."
    ] * 6 + ["Something else."] * 40
    phrases = mine(texts)
    found = {phrases.shown[number] for number in candidates(phrases, len(texts), lexicon)}
    assert "Zorkmid kernel" in found
    for scrap in (
        "Compute",
        "Compute the inverse",
        "Find eigenvalues",
        "T-cell",
        "ribosomal",
        "early th",
        "parameter parameter",
        "quickly",
        "1st",
    ):
        assert scrap not in found


@pytest.mark.parametrize(
    "texts",
    [
        ["One text, ten times."] * 10,
        [f"{n} {n * 7} {n * 13}" for n in range(40)],
        [f"Zażółć gęślą jaźń numer {n}, a potem idź do domu i śpij spokojnie." for n in range(40)],
        [f"for i{n} in range({n}):\n    x[i{n}] += y{n}\n    return x" for n in range(40)],
        ["🐳" * n for n in range(1, 12)],
    ],
    ids=["one repeated text", "numbers", "another language", "code", "emoji"],
)
def test_odd_collections_get_few_names_or_none(
    base: Dictionary, embedder: Embedder, texts: list[str]
) -> None:
    own = own_names(base, embedder, texts)
    assert len(own) <= 12
    assert not any(name.isdigit() for name in own)


def test_a_repeated_text_is_about_nothing_in_particular(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    documents = [SourceDocument(str(n), "", "Bread is baked in an oven.", None, {}) for n in range(30)]
    build(database, tmp_path, embedder, "same", documents)
    engine = SearchEngine(database, tmp_path)
    response = engine.search(SearchRequest("how is bread baked"), collection="same", collapse=False)
    assert len(response.results) == 10
    assert response.query_features == []  # what every passage is about tells nothing
    for result in response.results:
        assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)


def test_a_model_whose_names_all_look_alike_is_refused() -> None:
    def embed(texts: list[str]) -> NDArray[np.float16]:
        rng = np.random.default_rng(0)
        x_ND = np.ones((len(texts), 16)) + 0.01 * rng.normal(size=(len(texts), 16))
        return np.asarray(x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True), dtype=np.float16)

    with pytest.raises(DictionaryError, match=r"look alike to the model 'flat': only 0\.0%"):
        general_dictionary([("sea",), ("ship",), ("tax",)], "flat", embed)


def test_any_model_gets_a_dictionary_and_keeps_it(small_model: Path, tmp_path: Path) -> None:
    small = load_embedder(str(small_model), "float32")
    made = model_dictionary(small, tmp_path)
    assert made.width == WIDTH
    assert list(made.names) == general_lexicon().groups
    (folder,) = tmp_path.iterdir()
    again = model_dictionary(small, tmp_path)
    np.testing.assert_array_equal(again.w_dec_FD, made.w_dec_FD)
    weights = next(folder.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-100])  # a power cut
    np.testing.assert_array_equal(model_dictionary(small, tmp_path).w_dec_FD, made.w_dec_FD)


def test_the_same_preset_steers_a_collection_of_another_model(
    database: Engine, tmp_path: Path, embedder: Embedder, small_model: Path
) -> None:
    subjects = ("whales sing in the sea", "taxes are due in spring", "bread is baked in ovens")
    texts = [f"{subject}, says witness number {n} of this story." for subject in subjects for n in range(12)]
    documents = [SourceDocument(str(n), "", text, None, {}) for n, text in enumerate(texts)]
    build(database, tmp_path, embedder, "here", documents)
    build(database, tmp_path, load_embedder(str(small_model), "float32"), "there", documents)
    engine = SearchEngine(database, tmp_path)
    names = engine.snapshot("here").dictionary.names
    whale = next(feature for feature, group in enumerate(names) if group[0] == "whale")
    save_preset(engine, "here", "sea", parse(f"{whale}:3"))
    written = read(engine, "here", export_preset, "sea").model_dump_json(exclude_defaults=True)
    assert json.loads(written)["knobs"][0]["label"] == "whale"
    taken = import_preset(engine, "there", read_preset_file(written))
    assert [(match.how, match.label) for match in taken.matched] == [("same name", "whale")]
    assert taken.lost == []
    answer = engine.search(SearchRequest("a story", preset="sea"), collection="there", limit=12)
    assert answer.steering[0].label == "whale"


def test_a_name_is_the_same_feature_in_another_dictionary(base: Dictionary) -> None:
    keep = np.array([9, 4, 20])
    part = Dictionary.tied(
        base.w_dec_FD[keep],
        Card(model="another", active=3),
        b_D=base.b_D,
        names=tuple(base.names[at] for at in keep),
    )
    assert [(found.old, found.feature) for found in match(part, base)] == [(0, 9), (1, 4), (2, 20)]
    lost = match(base, part)
    assert (lost[9].feature, lost[9].confidence, lost[10].feature) == (0, 1.0, None)
    learned = Dictionary.tied(part.w_dec_FD, Card(model=base.card.model, active=3), b_D=part.b_D)
    assert [found.feature for found in match(learned, base)] == [9, 4, 20]
