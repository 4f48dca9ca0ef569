"""The order of documents is that of a scan of all passages, whatever is asked and however few are looked at
first."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.dictionary.concepts import Concept, concept_from_members
from search.embedding.embedder import load_embedder
from search.engine.engine import SearchEngine
from search.index.snapshot import Snapshot
from search.scoring import ranking
from search.scoring.hybrid import WordScores, counted_words, no_words, word_scores

QUESTIONS = ["open a file and read its lines", "sort numbers", "dates and times"]
CONCEPTS = [[], [2.0], [4.0, -4.0]]
WORDS = [True, False]
LEFT = ["all", "a half", "seven"]


@pytest.fixture(scope="module")
def snapshot(engine: SearchEngine) -> Snapshot:
    return engine.snapshot("manual")


@pytest.fixture(scope="module")
def concepts(snapshot: Snapshot) -> list[Concept]:
    rng = np.random.default_rng(0)
    return [
        concept_from_members(f"concept {number}", rng.choice(snapshot.passages, 10), snapshot.acts_NF)
        for number in range(2)
    ]


@pytest.fixture(scope="module")
def question(snapshot: Snapshot) -> Callable[[str], NDArray[np.float32]]:
    embedder = load_embedder(snapshot.space.model, snapshot.space.precision)
    return lambda text: embedder.encode_queries([text])[0]


def allowed(snapshot: Snapshot, left: str) -> NDArray[np.bool_] | None:
    if left == "all":
        return None
    rng = np.random.default_rng(1)
    drawn = rng.permutation(snapshot.passages)[: 7 if left == "seven" else snapshot.passages // 2]
    allowed_N = np.zeros(snapshot.passages, bool)
    allowed_N[drawn] = True
    return allowed_N


def scanned(
    snapshot: Snapshot,
    q_D: NDArray[np.float32],
    steered: list[tuple[Concept, float]],
    words: WordScores,
    allowed_N: NDArray[np.bool_] | None,
) -> dict[int, float]:
    """The score of each document: that of its best passage."""
    score_N = (snapshot.index.vectors(np.arange(snapshot.passages)) @ q_D).astype(np.float64) + words.sums
    for concept, strength in steered:
        member_N = concept.membership(csr_matrix(snapshot.acts_NF))
        score_N += strength * ranking.CONCEPT_UNIT * member_N
    best: dict[int, float] = {}
    for passage in range(snapshot.passages) if allowed_N is None else np.flatnonzero(allowed_N):
        document = int(snapshot.document_N[passage])
        best[document] = max(best.get(document, -np.inf), float(score_N[passage]))
    return best


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("with_words", WORDS)
@pytest.mark.parametrize("strengths", CONCEPTS, ids=str)
def test_the_first_documents_are_those_of_a_scan(
    snapshot: Snapshot,
    concepts: list[Concept],
    question: Callable[[str], NDArray[np.float32]],
    strengths: list[float],
    with_words: bool,
    left: str,
) -> None:
    steered = list(zip(concepts, strengths, strict=False))
    allowed_N = allowed(snapshot, left)
    for text in QUESTIONS:
        q_D = question(text)
        words = word_scores(snapshot.lexicon, list(counted_words(text))) if with_words else no_words(snapshot)
        expected = scanned(snapshot, q_D, steered, words, allowed_N)
        best = sorted(expected.values(), reverse=True)
        for documents in (1, 10, 60):
            found = ranking.rank(snapshot, q_D, steered, documents, words, allowed_N)
            assert len(found.documents) >= min(documents, len(expected))
            assert len(set(found.documents.tolist())) == len(found.documents)
            first = found.scores[:documents]
            assert first == pytest.approx(best[: len(first)], abs=1e-5)
            for document, score in zip(found.documents.tolist(), found.scores.tolist(), strict=True):
                assert score == pytest.approx(expected[document], abs=1e-5)


def test_ranks_are_places_in_the_order(
    snapshot: Snapshot, question: Callable[[str], NDArray[np.float32]]
) -> None:
    found = ranking.rank(snapshot, question(QUESTIONS[0]), [], 20, no_words(snapshot))
    assert [found.ranks[document] for document in found.documents.tolist()] == [
        *range(1, len(found.documents) + 1)
    ]
    by_document = ranking.ByDocument.of(snapshot, found.candidates)
    scores_P1 = by_document.scored.scores[:, None]
    asked = found.documents[:20]
    assert by_document.ranks(scores_P1, asked).ravel().tolist() == [*range(1, len(asked) + 1)]


def test_some_passages_are_ranked_alone(
    snapshot: Snapshot, question: Callable[[str], NDArray[np.float32]]
) -> None:
    q_D = question(QUESTIONS[1])
    passages = np.array([5, 3, 40])
    found = ranking.score(snapshot, passages, q_D, [], no_words(snapshot))
    expected = snapshot.index.vectors(passages) @ q_D
    assert found.candidates.scores == pytest.approx(np.sort(expected)[::-1], abs=1e-6)
    assert set(found.candidates.passages.tolist()) == {3, 5, 40}
