"""Where features come from: what is said of a passage's vote is so by the vectors, too."""

import numpy as np
import pytest

from search.browse.features import feature_detail
from search.browse.origin import SHOWN, find_origin
from search.dictionary.own_names import NEAREST, fewest_votes
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.index.agreement import name_stems
from search.index.snapshot import Snapshot
from tests.support.reading import read

pytestmark = pytest.mark.database


@pytest.fixture
def snapshot(engine: SearchEngine) -> Snapshot:
    return engine.snapshot("manual")


def own_names(snapshot: Snapshot) -> list[int]:
    features = snapshot.dictionary.features
    return list(range(features - snapshot.dictionary.card.training.own_names, features))


def test_a_vote_is_how_much_nearer_a_passage_is_than_to_its_fifth_nearest_name(
    engine: SearchEngine, snapshot: Snapshot
) -> None:
    dictionary, own = snapshot.dictionary, own_names(snapshot)
    checked = 0
    for feature in own[:: max(len(own) // 20, 1)]:
        found = read(engine, "manual", find_origin, feature)
        assert found.came == "collection"
        stems = name_stems(dictionary.names[feature][0])
        assert snapshot.lexicon.holding(found.passages_P, stems).all()
        x_PD = snapshot.index.vectors(found.passages_P).astype(np.float32) - dictionary.b_D
        along_PF = x_PD @ dictionary.w_dec_FD.T
        for along_F, value in zip(along_PF, found.value_P, strict=True):
            fifth = np.sort(along_F[: own[0]])[-NEAREST]
            assert value == pytest.approx(along_F[feature] - max(fifth, dictionary.card.threshold), abs=5e-3)
            checked += 1
    assert checked > 20


def test_names_of_the_collection_have_the_votes_that_they_took(
    engine: SearchEngine, snapshot: Snapshot
) -> None:
    def elected(reader: Reader) -> list[bool]:
        found = [find_origin(reader, feature) for feature in own_names(snapshot)]
        return [(each.voters or 0) >= (each.needed or 0) for each in found]

    chosen = read(engine, "manual", elected)
    assert np.mean(chosen) > 0.95


def test_votes_add_up_and_those_that_weigh_most_are_shown(engine: SearchEngine, snapshot: Snapshot) -> None:
    details = [read(engine, "manual", feature_detail, feature) for feature in own_names(snapshot)[:20]]
    for detail in details:
        origin = detail.origin
        shares = [each.share or 0.0 for each in origin.passages]
        assert shares == sorted(shares, reverse=True)
        assert len(shares) == min(origin.voters or 0, SHOWN)
        if origin.voters is not None and origin.voters <= SHOWN and shares:
            assert sum(shares) == pytest.approx(1)
        assert origin.needed == fewest_votes(snapshot.passages)


def test_a_name_of_the_lexicon_is_shaped_by_no_passage(engine: SearchEngine, snapshot: Snapshot) -> None:
    general = own_names(snapshot)[0]
    often = int(np.argmax(snapshot.passages_F[:general]))
    detail = read(engine, "manual", feature_detail, often)
    origin = detail.origin
    assert (origin.came, origin.voters, origin.needed) == ("lexicon", None, None)
    assert origin.names[0] == snapshot.dictionary.names[often][0]
    found = read(engine, "manual", find_origin, often)
    stems = name_stems(origin.names[0])
    assert not snapshot.lexicon.holding(found.passages_P, stems).any()
    assert len(found.passages_P)  # of all that are near a name some say it in other words
    assert not set(found.passages_P.tolist()) & set(snapshot.firing(often)[0].tolist())
    assert all(each.share is None and each.value > 0 for each in origin.passages)
