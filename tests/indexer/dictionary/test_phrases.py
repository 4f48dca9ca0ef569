"""Phrases as people write them."""

import pytest

from indexer.dictionary.phrases import mine


def test_phrases_are_counted_by_passage_in_their_commonest_form() -> None:
    texts = [
        "The Fourier transform. Fourier transforms!",
        "fourier transform of a signal",
        "A Fourier transform",
    ]
    phrases = mine(texts, fewest=3)
    assert set(phrases.shown) == {"Fourier", "transform", "Fourier transform"}
    assert (phrases.held_NP.toarray() == 1).all()


def test_identifiers_hyphens_and_contractions_stay_whole() -> None:
    shown = mine(["call numpy.fft.rfft on an x-ray image, don’t wait"] * 2, fewest=2).shown
    assert {"numpy.fft.rfft", "x-ray image", "x-ray", "image"} <= set(shown)
    assert not {"numpy", "ray", "don", "don’t", "fft"} & set(shown)


def test_phrases_begin_and_end_with_content_and_cross_no_mark() -> None:
    shown = set(mine(["degrees of freedom, the sample. Mean of 42 values"] * 2, fewest=2).shown)
    assert "degrees of freedom" in shown
    assert (
        not {"degrees of", "of freedom", "freedom the sample", "sample Mean", "of", "42", "42 values"} & shown
    )


def test_plurals_are_one_phrase_but_not_every_s_is_a_plural() -> None:
    shown = set(mine(["city cities class bus axis physics news new"] * 2, fewest=2).shown)
    assert {"class", "bus", "axis", "physics", "news"} <= shown
    assert ("city" in shown) != ("cities" in shown)


def test_rare_phrases_and_addresses_are_left_out() -> None:
    assert mine(["alpha beta", "alpha gamma", "see www.example.org/page"], fewest=2).shown == ["alpha"]


@pytest.mark.parametrize("texts", [[], ["", "..."], ["the of and"] * 3])
def test_no_phrases_at_all(texts: list[str]) -> None:
    phrases = mine(texts, fewest=1)
    assert phrases.shown == []
    assert phrases.held_NP.shape == (len(texts), 0)
