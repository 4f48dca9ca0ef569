"""BM25 by our own counts, beside a library that does the same."""

import re
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.sources import SourceDocument
from search.embedding.words import TOKENIZER, stems, words
from search.errors import IndexDamaged
from search.index.bm25 import ARRAYS, Counts, Lexicon
from search.index.mapped_arrays import map_arrays, save_arrays

LETTERS = re.compile(r"\b[a-z]+\b")
QUERIES = ("sorting lists quickly", "the reader of files", "asynchronous tasks tasks", "zzzz lists")
TEXTS = st.lists(st.text("ab cd AB\n'-é", max_size=40), max_size=8)


def lexicon(base: list[str], added: list[str] | None = None) -> Lexicon:
    passages = len(base) + len(added or [])
    return Lexicon(Counts.of(base), Counts.of(added or []), np.arange(passages))


def parts(lexicon: Lexicon, query: str) -> NDArray[np.float64]:
    return np.asarray(lexicon.scores(stems(query)).toarray())


@pytest.fixture(scope="module")
def texts(documents: list[SourceDocument]) -> list[str]:
    return [document.text for document in documents]


@pytest.mark.parametrize("query", QUERIES)
def test_scores_are_those_of_a_library_that_does_nothing_else(texts: list[str], query: str) -> None:
    """For words without parts: what else it counts, the library has no name for."""
    texts = [" ".join(LETTERS.findall(text.lower())) for text in texts]
    peer = bm25s.BM25(method="lucene", k1=1.5, b=0.0)
    peer.index([[word.stem for word in words(text)] for text in texts], show_progress=False)
    scores_N = parts(lexicon(texts), query).sum(axis=1)
    assert scores_N == pytest.approx(peer.get_scores(stems(query)), abs=1e-4)
    assert scores_N.max() > 1


@pytest.mark.parametrize("query", QUERIES)
def test_added_passages_count_as_if_they_had_been_there(texts: list[str], query: str) -> None:
    whole, grown = lexicon(texts), lexicon(texts[:300], texts[300:])
    assert parts(grown, query) == pytest.approx(parts(whole, query))


@given(TEXTS, TEXTS)
def test_counts_grow_as_if_counted_at_once(first: list[str], more: list[str]) -> None:
    grown, whole = Counts.of(first).followed_by(Counts.of(more)), Counts.of(first + more)
    names = list(whole.stems)
    assert list(grown.stems) == names
    assert (grown.of_stems(names) != whole.of_stems(names)).nnz == 0
    assert len(grown) == len(whole)


def test_hidden_passages_are_left_out_and_the_others_score_as_before(texts: list[str]) -> None:
    whole = lexicon(texts)
    seen = np.arange(0, len(texts), 3)
    part = Lexicon(whole.base, whole.added, seen)
    assert parts(part, QUERIES[0]) == pytest.approx(parts(whole, QUERIES[0])[seen])


def test_nothing_to_ask_and_nothing_to_find() -> None:
    assert parts(lexicon([]), "whales").shape == (0, 1)
    assert parts(lexicon(["Whales sing."]), "the of").shape == (1, 0)
    assert parts(lexicon(["", "of the"]), "whales").tolist() == [[0.0], [0.0]]


def test_a_word_that_is_said_very_often_is_counted() -> None:
    counts = Counts.of(["whale " * 70_000, "whale"])
    assert counts.of_stems(["whale"]).toarray().tolist() == [[70_000], [1]]
    grown = counts.followed_by(Counts.of(["whale whale"]))
    assert grown.of_stems(["whale"]).toarray().tolist() == [[70_000], [1], [2]]


def test_parts_of_a_word_are_found() -> None:
    counts = Counts.of(["Call json.dumps twice", "Call json twice"])
    assert counts.of_stems(["json.dumps", "json", "dump"]).toarray().tolist() == [[1, 1, 1], [0, 1, 0]]


@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_word_of_any_text_is_counted_there(texts: list[str]) -> None:
    counts = Counts.of(texts)
    for number, text in enumerate(texts):
        asked = stems(text)
        assert (counts.of_stems(asked).toarray()[number] > 0).all()


def test_counts_of_an_earlier_version_are_refused(texts: list[str], tmp_path: Path) -> None:
    counts, path = Counts.of(texts[:3]), tmp_path / "words"
    arrays = map_arrays(path, counts.save(path), ARRAYS)
    arrays["counted"] = np.array([3, TOKENIZER - 1])
    sha256 = save_arrays(path, arrays)
    with pytest.raises(IndexDamaged, match="another version"):
        Counts.load(path, sha256)


def test_a_file_comes_back_or_is_refused(texts: list[str], tmp_path: Path) -> None:
    counts, path = Counts.of(texts), tmp_path / "words"
    sha256 = counts.save(path)
    back = Counts.load(path, sha256)
    assert (back.counts_NV != counts.counts_NV).nnz == 0
    assert list(back.stems) == list(counts.stems) == sorted(counts.stems)
    assert len(back) == len(counts)
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
        path.write_bytes(damaged)
        with pytest.raises(IndexDamaged):
            Counts.load(path, sha256)


@given(TEXTS, TEXTS, st.data())
def test_words_of_some_passages_are_as_if_there_were_no_others(
    base: list[str], added: list[str], data: st.DataObject
) -> None:
    texts = base + added
    chosen = [number for number in range(len(texts)) if data.draw(st.booleans())]
    part = lexicon(base, added).only(np.array(chosen, np.int64))
    alone = lexicon([texts[number] for number in chosen])
    assert part.names() == alone.names()
    names = sorted(alone.names())
    assert np.asarray(part.scores(names).toarray()) == pytest.approx(
        np.asarray(alone.scores(names).toarray())
    )
    assert part.having(names).tolist() == alone.having(names).tolist()
    rows = np.arange(len(chosen))
    assert part.holding(rows, names).tolist() == alone.holding(rows, names).tolist()
