"""The dictionary that ships: whole, of bounded size, made of the lexicon."""

from search.dictionary.artifact import SHIPPED, shipped
from search.dictionary.lexicon import general_lexicon
from search.settings import DEFAULT_MODEL

MOST_BYTES = 15_000_000


def test_no_dictionary_ships_for_a_model_nobody_knows() -> None:
    assert shipped("some/other-model") is None
    assert shipped("../search") is None
    assert shipped("") is None


def test_the_default_model_has_a_dictionary_of_names_of_bounded_size() -> None:
    found = shipped(DEFAULT_MODEL)
    assert found is not None
    assert found.dictionary.card.model == DEFAULT_MODEL
    assert 20_000 <= sum(map(len, found.dictionary.names)) <= 40_000
    assert list(found.dictionary.names) == general_lexicon().groups
    files = list((SHIPPED / DEFAULT_MODEL).iterdir())
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    words = (SHIPPED / DEFAULT_MODEL / "CARD.md").read_text(encoding="utf-8")
    for heading in ("Data", "Licence", "Recipe", "Scorecard", "Labels", "Known weaknesses"):
        assert f"## {heading}" in words
