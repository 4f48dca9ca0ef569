"""Labels: phrases as people write them, trials that are fair, names that hold, and no bluffing."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from indexer.label import FORMS as KNOWN_FORMS
from indexer.label import RELIABLE, label_features
from indexer.phrases import mine
from indexer.train import Recipe, train
from indexer.trials import CASES, Trial, halves, trials
from search.dictionary import Dictionary
from search.embedder import Embedder
from search.labels import Label

TOPICS = {
    "ocean": ("ocean waves", "coral reef", "deep sea", "tidal current", "salt water", "blue whale"),
    "law": (
        "supreme court",
        "criminal trial",
        "defence lawyer",
        "jury verdict",
        "legal appeal",
        "prison term",
    ),
    "bread": ("sourdough bread", "wheat flour", "hot oven", "yeast dough", "rye loaf", "baking stone"),
    "planet": ("distant planet", "solar system", "space probe", "bright star", "moon orbit", "red giant"),
    "money": ("interest rate", "central bank", "stock market", "bond yield", "savings account", "tax cut"),
    "music": ("string quartet", "jazz piano", "opera singer", "guitar chord", "drum beat", "folk song"),
}
FORMS = (
    "Yesterday the {0} was described together with the {1}.",
    "We learned how a {0} differs from any {1}, and why.",
    "There is no {0} without some {1} close by.",
    "People often ask about the {1}; the {0} is the answer.",
)


@dataclass(frozen=True)
class Corpus:
    texts: list[str]
    topic_N: NDArray[np.int64]
    x_ND: NDArray[np.float16]
    acts_NF: csr_matrix
    dictionary: Dictionary


@pytest.fixture(scope="module")
def corpus(embedder: Embedder) -> Corpus:
    """Every pair of phrases of a topic in every form: six clear topics, 720 passages."""
    texts, topics = [], []
    for number, phrases in enumerate(TOPICS.values()):
        for first in phrases:
            for second in phrases:
                if first != second:
                    texts += [form.format(first, second) for form in FORMS]
                    topics += [number] * len(FORMS)
    x_ND = embedder.encode(texts)
    dictionary = train(x_ND, Recipe(features=24, active=2, steps=150), model=embedder.space.model)
    return Corpus(texts, np.array(topics), x_ND, dictionary.encode(x_ND).matrix(24), dictionary)


@pytest.fixture(scope="module")
def labels(corpus: Corpus, embedder: Embedder) -> list[Label]:
    found = label_features(corpus.texts, corpus.x_ND, corpus.acts_NF, corpus.dictionary, embedder.encode)
    return list(found.values())


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


def test_auc_of_good_bad_and_useless_names() -> None:
    firing_ND = np.array([[1, 0], [0.8, 0.2]], np.float32)
    others_ND = np.array([[0, 1], [0.1, 0.9], [0.2, 0.8]], np.float32)
    trial = Trial(firing_ND, np.array([1.0, 0.5], np.float32), others_ND)
    names_CD = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    np.testing.assert_allclose(trial.auc(names_CD), [1, 0, 0.5])


def test_auc_counts_firing_passages_by_strength_when_asked() -> None:
    firing_ND = np.array([[1, 0], [-1, 0]], np.float32)
    trial = Trial(firing_ND, np.array([3.0, 1.0], np.float32), np.array([[0, 1]], np.float32))
    name = np.array([[1, 0]], np.float32)
    assert trial.auc(name) == pytest.approx(0.5)
    assert trial.auc(name, weighted=True) == pytest.approx(0.75)


def test_halves_share_no_passage(corpus: Corpus) -> None:
    first, second = halves(corpus.x_ND, corpus.acts_NF, 0)
    assert len(first.rows) + len(second.rows) == len(corpus.texts)
    assert not set(first.rows.tolist()) & set(second.rows.tolist())


def test_trials_take_weak_and_strong_passages_and_the_nearest_misses(corpus: Corpus) -> None:
    half, _ = halves(corpus.x_ND, corpus.acts_NF, 0)
    feature = int(np.argmax(half.acts_NF.getnnz(axis=0)))
    (trial,) = trials(np.array([feature]), half, corpus.dictionary, 0)
    rows, values = half.firing(feature)
    assert trial.activation_N.min() == values.min()
    assert trial.activation_N.max() == values.max()
    others = {row.tobytes() for row in trial.others_ND}
    assert not others & {half.x_ND[row].tobytes() for row in rows}
    near_N = half.x_ND @ corpus.dictionary.w_dec_FD[feature]
    near_N[rows] = -np.inf
    nearest = np.argsort(-near_N)[: CASES // 4]
    assert {half.x_ND[row].tobytes() for row in nearest} <= others
    assert len(others) > CASES // 2


def test_each_topic_gets_reliable_labels_of_its_own_words(corpus: Corpus, labels: list[Label]) -> None:
    assert len(labels) == corpus.dictionary.features
    strongest_N = np.asarray(corpus.acts_NF.argmax(axis=1)).ravel()
    for topic, phrases in enumerate(TOPICS.values()):
        words = {word for phrase in phrases for word in phrase.split()}
        features = np.unique(strongest_N[corpus.topic_N == topic])
        named = [labels[feature] for feature in features if labels[feature].reliable]
        assert any(words & set(label.text.lower().replace("·", " ").split()) for label in named), named


def test_a_label_is_reliable_exactly_when_its_score_says_so(labels: list[Label]) -> None:
    for label in labels:
        assert label.reliable == (label.score is not None and label.score >= RELIABLE)
        assert label.score is None or 0 <= label.score <= 1


def test_features_that_fire_at_random_are_not_given_a_name(corpus: Corpus, embedder: Embedder) -> None:
    fires_NF = np.random.default_rng(0).random(corpus.acts_NF.shape) < 0.2
    acts_NF = csr_matrix(fires_NF.astype(np.float32))
    found = label_features(corpus.texts, corpus.x_ND, acts_NF, corpus.dictionary, embedder.encode).values()
    scores = [label.score for label in found if label.score is not None]
    assert len(scores) == len(found)
    assert np.median(scores) < 0.65
    # Six tight topics: now and then a name of one topic tells some passages from hard ones of another.
    assert np.mean([label.reliable for label in found]) < 0.1


def test_a_feature_that_never_fires_is_not_named(corpus: Corpus, embedder: Embedder) -> None:
    silenced = corpus.acts_NF.tolil()
    silenced[:, 5] = 0
    found = label_features(corpus.texts, corpus.x_ND, silenced.tocsr(), corpus.dictionary, embedder.encode)
    assert found[5].score is None
    assert not found[5].reliable


def test_the_same_seed_gives_the_same_labels_and_progress_ends_full(
    corpus: Corpus, labels: list[Label], embedder: Embedder
) -> None:
    heard: list[tuple[int, int]] = []
    again = label_features(
        corpus.texts,
        corpus.x_ND,
        corpus.acts_NF,
        corpus.dictionary,
        embedder.encode,
        on_step=lambda done, total: heard.append((done, total)),
    )
    assert list(again.values()) == labels
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]


def test_texts_without_phrases_leave_only_forms_and_the_vocabulary(
    corpus: Corpus, embedder: Embedder
) -> None:
    empty = [""] * len(corpus.texts)
    found = label_features(
        empty, corpus.x_ND, corpus.acts_NF, corpus.dictionary, embedder.encode, vocabulary=["astronomy"]
    )
    singles = {part for label in found.values() for part in label.text.split(" · ")}
    assert singles <= {*KNOWN_FORMS, "astronomy"}


def test_only_the_features_asked_for_are_labelled(corpus: Corpus, embedder: Embedder) -> None:
    wanted = np.array([3, 11])
    found = label_features(
        corpus.texts, corpus.x_ND, corpus.acts_NF, corpus.dictionary, embedder.encode, features=wanted
    )
    assert list(found) == [3, 11]


def test_a_name_of_the_vocabulary_wins_where_it_is_better(corpus: Corpus, embedder: Embedder) -> None:
    empty = [""] * len(corpus.texts)
    plain, helped = (
        label_features(
            empty, corpus.x_ND, corpus.acts_NF, corpus.dictionary, embedder.encode, vocabulary=names
        )
        for names in ([], sorted({word for words in TOPICS.values() for word in words}))
    )
    means = [np.mean([label.score or 0.5 for label in found.values()]) for found in (plain, helped)]
    assert means[1] > means[0] + 0.02
