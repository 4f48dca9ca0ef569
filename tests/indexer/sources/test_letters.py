"""Letters tell the encoding of a text: common ones are right, and those of one language."""

from indexer.sources.letters import CYRILLIC, GREEK, HEBREW, THAI, is_korean, likeness, unlike


def worth(text: str, script: str) -> float:
    found = likeness(text, script)
    assert found is not None
    return found


def test_the_right_reading_has_commoner_letters() -> None:
    text = "Договор поставки от третьего мая"
    for wrong in ("koi8-r", "mac-cyrillic"):
        other = text.encode("cp1251").decode(wrong)
        assert (likeness(other, CYRILLIC) or -99) < worth(text, CYRILLIC)


def test_texts_of_other_scripts_are_not_judged() -> None:
    for text in ("Whales sing.", "Größe über Bäche", "кит", "The whале sings with еvery lеttеr", ""):
        assert likeness(text, CYRILLIC) is None
    assert likeness("Киты поют ночью", GREEK) is None
    assert likeness("Киты поют ночью", THAI) is None


def test_letters_that_end_words_stand_there() -> None:
    assert worth("שלום עולם ושלום", HEBREW) > worth("שםול עםול ושםול", HEBREW)
    assert worth("Οι φάλαινες τραγουδούν", GREEK) > worth("Οι φάλαινεσ τραγουδούν", GREEK)


def test_accented_letters_are_of_one_language() -> None:
    assert unlike("Příliš žluťoučký kůň") == 0
    assert unlike("Přílią ľlu»oučký kůň") > 0
    assert unlike("Whales") == 0


def test_korean_is_full_of_its_common_syllables() -> None:
    assert is_korean("고래는 밤에 노래한다.")
    assert not is_korean("좨핏톺딸텃")
