"""Families: groups that were put into the data are found, and nothing is made up where there are none."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.dictionary.families import FEWEST_PASSAGES, SMALL, WIDE, find_families, keep_families, likeness
from indexer.progress import Reporter
from search.db.models import Collection, DictionaryRow
from search.db.models import Family as FamilyRow
from search.dictionary.families import Family
from search.dictionary.labels import Label
from search.embedding.embedder import Embedder
from tests.support.building import build
from tests.support.indexed import Indexed

TOPICS = 6
OF_A_TOPIC = 5
STRAYS = 10
FEATURES = TOPICS * OF_A_TOPIC + STRAYS
WIDTH = 64

FloatArray = NDArray[np.float32]


def planted(seed: int = 0) -> tuple[csr_matrix, FloatArray]:
    """Six topics of five features, which fire together and point alike. Topics 0, 1 and 2 are of one kind,
    which has two of them in each passage, and so are 3, 4 and 5. Ten features more fire anywhere."""
    rng = np.random.default_rng(seed)
    acts = np.zeros((1200, FEATURES), np.float32)
    for passage in range(len(acts)):
        for topic in 3 * (passage % 2) + rng.choice(3, 2, replace=False):
            members = topic * OF_A_TOPIC + rng.choice(OF_A_TOPIC, 3, replace=False)
            acts[passage, members] = rng.uniform(0.2, 0.5, 3)
        acts[passage, TOPICS * OF_A_TOPIC + rng.integers(STRAYS)] = 0.3
    w_dec = np.zeros((FEATURES, FEATURES + TOPICS + 2), np.float32)
    np.fill_diagonal(w_dec, 1.0)
    for feature in range(TOPICS * OF_A_TOPIC):
        topic = feature // OF_A_TOPIC
        parts = {feature: 0.45, FEATURES + topic: 0.5, FEATURES + TOPICS + topic // 3: 0.05}
        w_dec[feature, list(parts)] = np.sqrt(list(parts.values()))
    return csr_matrix(acts), w_dec


def labels(*, reliable: bool = True) -> list[Label]:
    return [Label(f"label{feature}", 0.9, reliable) for feature in range(FEATURES)]


def split(families: list[Family]) -> tuple[list[Family], list[Family]]:
    """Narrow families, and those that hold others."""
    parents = {family.parent for family in families}
    wide = [family for family in families if family.number in parents]
    return [family for family in families if family.number not in parents], wide


def test_planted_topics_are_found_and_so_are_the_wider_ones() -> None:
    narrow, wide = split(find_families(*planted(), labels()))
    found = {tuple(sorted(family.features.tolist())) for family in narrow}
    assert found == {tuple(range(5 * topic, 5 * topic + 5)) for topic in range(TOPICS)}
    assert {tuple(sorted(family.features.tolist())) for family in wide} == {
        tuple(range(15)),
        tuple(range(15, 30)),
    }
    assert all(family.parent is not None for family in narrow)
    by_number = {family.number: family for family in wide}
    for family in narrow:
        assert family.parent is not None
        assert set(family.features.tolist()) <= set(by_number[family.parent].features.tolist())


def test_features_that_are_like_no_others_are_in_no_family() -> None:
    rng = np.random.default_rng(1)
    acts = np.where(rng.random((1000, 60)) < 0.1, rng.uniform(0.2, 0.5, (1000, 60)), 0)
    w_dec = rng.normal(size=(60, WIDTH))
    w_dec /= np.linalg.norm(w_dec, axis=1, keepdims=True)
    noise = [Label(f"label{feature}", 0.9, True) for feature in range(60)]
    assert find_families(csr_matrix(acts), w_dec.astype(np.float32), noise) == []


def test_dead_and_seldom_features_are_left_out() -> None:
    acts_NF, w_dec_FD = planted()
    rare = acts_NF.tolil()
    rare[:, 0] = 0
    rare[:, 1] = 0
    rare[: FEWEST_PASSAGES - 1, 1] = 0.4
    members = {
        f for family in find_families(rare.tocsr(), w_dec_FD, labels()) for f in family.features.tolist()
    }
    assert {2, 3, 4} <= members
    assert not {0, 1} & members


def some_family(number: int, features: list[int], parent: int | None = None, name: str = "") -> Family:
    weights = np.linspace(1, 0.5, len(features))
    return Family(number, parent, name or f"family {number}", np.array(features), weights)


def test_families_of_a_dictionary_that_only_grew_keep_their_numbers() -> None:
    before = [
        some_family(0, [1, 2, 3], parent=2),
        some_family(1, [4, 5, 6]),
        some_family(2, [1, 2, 3, 7, 8, 9]),
    ]
    found = [
        some_family(0, [20, 21, 22]),  # new
        some_family(1, [1, 2, 3, 23], parent=3, name="renamed"),  # found again, and grown
        some_family(2, [4, 5, 30, 31, 32], parent=3),  # as much new as old: neither
        some_family(3, [1, 2, 3, 7, 8, 9, 20, 23]),
    ]
    now = {family.number: family for family in keep_families(before, found)}
    assert sorted(now) == [0, 1, 2, 3, 4]
    assert now[0].features.tolist() == [1, 2, 3, 23]
    assert (now[0].name, now[0].parent) == ("family 0", 2)
    assert now[1] is before[1]
    assert now[2].features.tolist() == [1, 2, 3, 7, 8, 9, 20, 23]
    assert now[3].features.tolist() == [20, 21, 22]
    assert now[4].features.tolist() == [4, 5, 30, 31, 32]
    assert now[4].parent == 2


@given(
    st.lists(st.sets(st.integers(0, 30), min_size=3), max_size=6),
    st.lists(st.sets(st.integers(0, 30), min_size=3), max_size=6),
)
def test_no_family_is_lost_and_no_number_is_given_twice(
    before: list[set[int]], found: list[set[int]]
) -> None:
    earlier = [some_family(number, sorted(features)) for number, features in enumerate(before)]
    now = keep_families(earlier, [some_family(n, sorted(features)) for n, features in enumerate(found)])
    numbers = [family.number for family in now]
    assert len(set(numbers)) == len(numbers)
    assert numbers[: len(before)] == list(range(len(before)))
    assert [family.features.tolist() for family in keep_families([], earlier)] == list(map(sorted, before))


def test_nothing_is_named_by_labels_that_do_not_hold() -> None:
    assert find_families(*planted(), labels(reliable=False)) == []
    some = [Label(f"label{feature}", 0.9, feature not in (5, 6)) for feature in range(FEATURES)]
    members = {int(f) for family in find_families(*planted(), some) for f in family.features}
    assert {7, 8, 9} <= members
    assert not members & {5, 6}


def test_names_join_the_most_central_labels_that_add_words() -> None:
    repeated = [
        Label(f"rivers of {feature // 5}" if feature % 5 < 4 else "bridges · spans", 0.9, True)
        for feature in range(FEATURES)
    ]
    narrow, _ = split(find_families(*planted(), repeated))
    assert {frozenset(family.name.split(", ")) for family in narrow} == {
        frozenset({f"rivers of {topic}", "bridges"}) for topic in range(TOPICS)
    }


def test_a_wider_family_is_named_after_those_in_it() -> None:
    _, wide = split(find_families(*planted(), labels()))
    for family in wide:
        topics = {int(part.removeprefix("label")) // OF_A_TOPIC for part in family.name.split(", ")}
        assert len(topics) == 2


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 60), st.floats(0.02, 0.5))
def test_whatever_the_data_families_are_well_formed(seed: int, features: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(max(features // 4, 1), size=features)
    chosen = rng.integers(max(features // 4, 1), size=300)
    firing = (rng.random((300, features)) < density) | (groups == chosen[:, None])
    acts_NF = csr_matrix(firing * rng.uniform(0.1, 1, firing.shape))
    centres = rng.normal(size=(features, 16))
    w_dec = centres[groups] + rng.normal(size=(features, 16))
    w_dec_FD = (w_dec / np.linalg.norm(w_dec, axis=1, keepdims=True)).astype(np.float32)
    families = find_families(acts_NF, w_dec_FD, [Label(f"l{n}", 0.9, True) for n in range(features)])
    narrow, wide = split(families)
    assert [family.number for family in families] == list(range(len(families)))
    assert all(SMALL[0] <= len(family.features) <= SMALL[1] for family in narrow)
    assert all(WIDE[0] <= len(family.features) <= WIDE[1] for family in wide)
    members = [feature for family in narrow for feature in family.features.tolist()]
    assert len(members) == len(set(members))
    for family in families:
        assert family.name
        assert family.weights_C[0] == 1
        assert (np.diff(family.weights_C) <= 0).all()
        assert (family.weights_C > 0).all()
    alike_FF = likeness(acts_NF, w_dec_FD)
    assert np.allclose(alike_FF, alike_FF.T, atol=1e-5)
    assert ((alike_FF >= 0) & (alike_FF <= 1)).all()


@pytest.mark.database
def test_a_build_stores_families_once(indexed: Indexed) -> None:
    with Session(indexed.database) as session:
        rows = session.scalars(select(FamilyRow)).all()
        assert len(rows) >= 3
        numbers = {row.family for row in rows}
        assert all(row.parent is None or row.parent in numbers for row in rows)
        assert all(len(row.features) == len(row.weights) for row in rows)
        assert all(row.name for row in rows)


@pytest.mark.database
def test_families_that_came_with_a_dictionary_are_kept(
    indexed: Indexed, small_embedder: Embedder, database: Engine, tmp_path: Path
) -> None:
    build(database, tmp_path, small_embedder, "kept", indexed.documents[:60])
    with Session(database) as session:
        collection = session.scalars(select(Collection.id)).one()
        dictionary = session.scalars(select(DictionaryRow.id)).one()
        session.execute(delete(FamilyRow))
        mine = {"family": 5, "name": "mine", "features": [1], "weights": [1.0]}
        session.add(FamilyRow(dictionary_id=dictionary, **mine))
        session.commit()
    Build(database, tmp_path, small_embedder, Reporter(database)).run(collection)
    with Session(database) as session:
        assert [row.name for row in session.scalars(select(FamilyRow))] == ["mine"]
