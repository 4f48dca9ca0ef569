"""A dictionary as a folder: what is written is read back, what was changed is refused, one ships."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.artifact import SHIPPED, Artifact, Behaviour, rename_families, shipped
from search.dictionary import Card, Dictionary
from search.errors import DictionaryError
from search.families import Family
from search.labels import Label
from search.lexicon import general_lexicon
from search.settings import DEFAULT_MODEL

MOST_BYTES = 15_000_000


@pytest.fixture
def artifact() -> Artifact:
    rng = np.random.default_rng(1)
    w_FD = rng.normal(size=(6, 4)).astype(np.float32)
    w_FD /= np.linalg.norm(w_FD, axis=1, keepdims=True)
    dictionary = Dictionary(w_FD, w_FD[:, 0], w_FD, w_FD[0], Card("m", 2, {"steps": 3}, {"fvu": 0.2}, 0.01))
    labels = [Label(f"topic {n}", 0.9, True, "reader") for n in range(5)] + [Label("", None, False)]
    behaviour = [Behaviour(0.01, [0.1, 0.2], [3, 4]) for _ in range(6)]
    families = [Family(0, None, "topics", np.array([1, 2]), np.array([1.0, 0.5]))]
    return Artifact(dictionary, labels, behaviour, families)


def test_what_is_written_is_read_back(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path)
    read = Artifact.load(tmp_path)
    assert read.labels == artifact.labels
    assert read.behaviour == artifact.behaviour
    assert read.dictionary.card == artifact.dictionary.card
    np.testing.assert_allclose(read.dictionary.w_dec_FD, artifact.dictionary.w_dec_FD, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(read.dictionary.w_dec_FD, axis=1), 1, atol=1e-6)
    assert read.families[0].features.tolist() == [1, 2]


def test_families_are_renamed_or_left_out_and_nothing_else_changes(
    artifact: Artifact, tmp_path: Path
) -> None:
    one, two, wide = np.array([0, 1]), np.array([2, 3]), np.array([0, 1, 2, 3])
    weights = np.array([1.0, 0.5])
    families = [
        Family(0, 2, "first", one, weights),
        Family(1, 2, "second", two, weights),
        Family(2, None, "both", wide, np.ones(4)),
        Family(3, None, "nothing", np.array([4, 5]), weights),
    ]
    replace(artifact, families=families).save(tmp_path)
    before = (tmp_path / "dictionary.safetensors").read_bytes()
    rename_families(tmp_path, {0: "sea", 3: ""})
    read = Artifact.load(tmp_path)
    assert [(f.number, f.parent, f.name) for f in read.families] == [
        (0, 2, "sea"),
        (1, 2, "second"),
        (2, None, "both"),
    ]
    rename_families(tmp_path, {2: ""})
    assert [(f.number, f.parent) for f in Artifact.load(tmp_path).families] == [(0, None), (1, None)]
    with pytest.raises(DictionaryError, match="no family 9"):
        rename_families(tmp_path, {9: "lost"})
    assert Artifact.load(tmp_path).labels == artifact.labels
    assert (tmp_path / "dictionary.safetensors").read_bytes() == before


@pytest.mark.parametrize("name", ["dictionary.safetensors", "features.jsonl", "families.jsonl"])
def test_one_changed_byte_is_noticed(artifact: Artifact, tmp_path: Path, name: str) -> None:
    artifact.save(tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DictionaryError, match="hash"):
        Artifact.load(tmp_path)


@pytest.mark.parametrize(
    "name", ["dictionary.safetensors", "dictionary.json", "features.jsonl", "families.jsonl"]
)
def test_a_cut_or_missing_file_is_noticed(artifact: Artifact, tmp_path: Path, name: str) -> None:
    artifact.save(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DictionaryError):
        Artifact.load(tmp_path)
    path.unlink()
    with pytest.raises(DictionaryError, match="read"):
        Artifact.load(tmp_path)


def test_a_card_that_was_edited_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    artifact.save(tmp_path)
    path = tmp_path / "dictionary.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps({**card, "active": 900}))
    with pytest.raises(DictionaryError, match="active=900"):
        Artifact.load(tmp_path)
    del card["files"]["families.jsonl"]
    path.write_text(json.dumps({**card, "files": {}}))
    with pytest.raises(DictionaryError, match="describes 0 features of 6"):
        Artifact.load(tmp_path)


def test_no_dictionary_ships_for_a_model_nobody_knows() -> None:
    assert shipped("some/other-model") is None
    assert shipped("../search") is None
    assert shipped("") is None


def test_the_default_model_has_a_labelled_dictionary_of_bounded_size() -> None:
    found = shipped(DEFAULT_MODEL)
    assert found is not None
    assert found.dictionary.card.model == DEFAULT_MODEL
    assert 20_000 <= sum(map(len, found.dictionary.names)) <= 40_000
    assert [label.text for label in found.labels] == [group[0] for group in found.dictionary.names]
    assert list(found.dictionary.names) == general_lexicon().groups
    files = list((SHIPPED / DEFAULT_MODEL).iterdir())
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    words = (SHIPPED / DEFAULT_MODEL / "CARD.md").read_text(encoding="utf-8")
    for heading in ("Data", "Licence", "Recipe", "Scorecard", "Labels", "Known weaknesses"):
        assert f"## {heading}" in words
