"""Cards of dictionaries: those of this version, and those that earlier ones wrote."""

from search.db.card import Alias, Card, LostLabel, StoredCard, Training
from search.responses.collections import Scorecard

LEARNED = {
    "model": "m",
    "active": 32,
    "training": {"steps": 500, "seed": 0},
    "scorecard": {"fvu": 0.2, "labels": {"0.5": 0.8}},
    "features": 4096,
    "width": 384,
    "sha256": "ab",
}


def test_a_card_of_an_earlier_version_goes_through_unchanged() -> None:
    card = StoredCard.model_validate(LEARNED)
    assert (card.threshold, card.aliases, card.training.mean, card.scorecard.names) == (0.0, {}, (), None)
    assert card.model_dump(mode="json") == LEARNED


def test_a_scorecard_put_on_a_card_leaves_the_rest() -> None:
    card = StoredCard.model_validate(LEARNED).model_copy(update={"scorecard": Scorecard(names=7)})
    assert card.model_dump(mode="json") == {**LEARNED, "scorecard": {"names": 7}}


def test_what_a_dictionary_took_over_is_written_by_name() -> None:
    taken_over = {"aliases": {3: Alias(dictionary=4, features=9)}}
    lost = (LostLabel(dictionary=3, feature=1, label="mine"),)
    card = StoredCard(model="m").model_copy(update={**taken_over, "lost_labels": lost})
    written = card.model_dump(mode="json")
    assert written["aliases"] == {"3": {"dictionary": 4, "features": 9}}
    assert written["lost_labels"] == [{"dictionary": 3, "feature": 1, "label": "mine"}]
    assert StoredCard.model_validate(written) == card


def test_a_lineage_is_that_of_the_own_names_of_the_model_or_its_own() -> None:
    made = Training(adapted_from="model", lineage="names")
    assert StoredCard(sha256="own", training=made).lineage == "names"
    assert StoredCard(sha256="own", training=Training(adapted_from="model")).lineage == "model"
    assert StoredCard(sha256="own").lineage == "own"


def test_a_card_is_written_in_the_order_of_its_file() -> None:
    made = Training(way="named", mean=(0.5,), names=2)
    card = Card(threshold=0.1, training=made, active=2, model="m", scorecard=Scorecard())
    assert list(card.model_dump()) == ["model", "active", "training", "scorecard", "threshold"]


def test_the_fields_of_a_document_are_described_and_none_has_to_be_there() -> None:
    described = Scorecard.model_json_schema(mode="serialization")
    assert {"names", "own", "fvu", "explained"} <= described["properties"].keys()
    assert "required" not in described
