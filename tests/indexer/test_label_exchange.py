"""Labels in and out of a real collection: evidence, files good and bad, edits, what stays and is shown."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.orm import Session

from indexer.labels.evidence import gather_evidence
from indexer.labels.exchange import clear_label, import_labels, keep_better, set_label
from indexer.labels.judge import Judge, is_better
from indexer.labels.lines import LabelFile, Proposal, header, read_label_file
from indexer.labels.material import EXCERPT, Material, read_material, text_reader
from indexer.sources import SourceDocument
from search.embedder import Embedder
from search.engine import Engine as SearchEngine
from search.errors import FeatureNotFound, LabelError
from search.labels import NAME, Label
from tests.conftest import build

HASH = "a" * 64

BAD_LINES = [
    (b"{nonsense", "not JSON"),
    (b"[1]", "no JSON object"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b'{"feature": 100, "label": "x"}', "no feature 100"),
    (b'{"feature": -1, "label": "x"}', "no feature -1"),
    (b'{"feature": "1", "label": "x"}', "whole number"),
    (b'{"feature": true, "label": "x"}', "whole number"),
    (b'{"label": "x"}', "whole number"),
    (b'{"feature": 1}', 'no "label"'),
    (b'{"feature": 1, "label": "  "}', "empty"),
    (b'{"feature": 1, "label": 5}', "text"),
    (b'{"feature": 1, "label": "a\\u0000b"}', "U+0000"),
    (b'{"feature": 1, "label": "a\\nb"}', "U+000A"),
    (b'{"feature": 1, "label": "a\\ud800b"}', "U+D800"),
    (b'{"feature": 1, "label": "' + b"x" * 81 + b'"}', "81 characters"),
    (b'{"feature": 1, "label": "x", "origin": "hand"}', "'hand'"),
    (b'{"feature": 1, "label": "x", "origin": "shipped"}', "'shipped'"),
    (b'{"feature": 1, "label": "x", "origin": ""}', "empty"),
]


@pytest.mark.parametrize(("line", "word"), BAD_LINES)
def test_a_bad_line_is_refused_by_number_and_the_others_are_read(
    tmp_path: Path, line: bytes, word: str
) -> None:
    path = tmp_path / "labels.jsonl"
    good = b'{"feature": 1, "label": "good"}\n'
    path.write_bytes(b"\xef\xbb\xbf" + header(HASH).encode() + good + b"\n" + line + b"\n" + good)
    read = read_label_file(path, 100, HASH)
    assert read.proposals == [Proposal(1, "good", "import")]
    (refusal,) = read.refused
    assert refusal.line == 4
    assert word in refusal.reason


def test_a_file_of_another_dictionary_or_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"feature": 1, "label": "x"}\n' + header("b" * 64))
    with pytest.raises(LabelError, match=r"line 2.*bbbb"):
        read_label_file(path, 100, HASH)
    with pytest.raises(LabelError, match="No such file"):
        read_label_file(tmp_path / "gone", 100, HASH)


def test_what_is_better() -> None:
    untested, weak, good = Label("u", None, False), Label("w", 0.6, False), Label("g", 0.9, True)
    assert is_better(good, weak)
    assert is_better(good, untested)
    assert not is_better(weak, untested)
    assert not is_better(untested, weak)
    assert not is_better(good, replace(good, text="other"))


@pytest.fixture(scope="module")
def store(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> Iterator[tuple[Engine, Path]]:
    """A small collection of this module's own: its tests write into it."""
    data = tmp_path_factory.mktemp("labels")
    with new_database() as url:
        database = create_engine(url)
        short = [replace(document, text=document.text[:300]) for document in documents[:200]]
        build(database, data, embedder, "c", short)
        yield database, data
        database.dispose()


def material(database: Engine) -> Material:
    with Session(database) as session:
        return read_material(session, "c")


def judge(found: Material, embedder: Embedder) -> Judge:
    return Judge(found.x_ND, found.acts_NF, found.dictionary, embedder.encode)


def some_feature(found: Material, embedder: Embedder) -> int:
    """A feature on which labels can be tested."""
    often = np.argsort(-found.acts_NF.getnnz(axis=0))[:50].tolist()
    scores = judge(found, embedder).score(dict.fromkeys(often, "any"))
    return next(f for f, s in scores.items() if s.score is not None and found.labels[f].origin == NAME)


@pytest.mark.database
def test_evidence_is_of_the_feature(store: tuple[Engine, Path]) -> None:
    found = material(store[0])
    fired = np.unique(found.acts_NF.indices)
    wanted = [*fired[::40].tolist(), *np.setdiff1d(np.arange(1000), fired)[:20].tolist()]
    lines = list(
        gather_evidence(
            found.acts_NF,
            found.x_ND,
            found.dictionary,
            found.labels,
            text_reader(store[0], found),
            features=wanted,
        )
    )
    assert [one.feature for one in lines] == wanted
    x_ND = found.x_ND.astype(np.float32)
    texts = text_reader(store[0], found)(range(len(x_ND)))
    for one in lines:
        column_N = found.acts_NF[:, [one.feature]].toarray().ravel()
        assert one.passages == np.count_nonzero(column_N)
        values = [example.activation for example in one.examples]
        assert values == sorted(values, reverse=True)
        assert all(len(text) <= EXCERPT for text in one.near_misses)
        if one.passages:
            assert values[0] == pytest.approx(column_N.max(), abs=1e-4)
            near_N = np.where(column_N > 0, -np.inf, x_ND @ found.dictionary.w_dec_FD[one.feature])
            nearest = [int(p) for p in np.argsort(-near_N, kind="stable")[:5] if np.isfinite(near_N[p])]
            assert one.near_misses == [texts[passage] for passage in nearest]
        assert json.loads(json.dumps(one.to_json()))["current"]["label"] == one.label.text


@pytest.mark.database
def test_the_better_is_kept_a_hand_always_wins_and_a_running_engine_shows_it(
    store: tuple[Engine, Path], embedder: Embedder
) -> None:
    database, data = store
    engine = SearchEngine(database, data)
    before = engine.snapshot("c")
    found = material(database)
    feature = some_feature(found, embedder)
    with Session(database) as session:
        set_label(session, found, judge(found, embedder), feature, "my own words")
        seen = engine.snapshot("c")
        assert (seen.labels[feature].shown, seen.labels[feature].origin) == ("my own words", "hand")
        assert seen.index is before.index
        assert engine.snapshot("c") is seen

        found = material(database)
        good = LabelFile([Proposal(feature, "anything", "anna")])
        report = import_labels(session, found, judge(found, embedder), good)
        assert [kept.reason for kept in report.kept] == ["it was written by hand"]

        clear_label(session, found, feature)
        assert engine.snapshot("c").labels[feature] == before.labels[feature]  # its name
        found = material(database)
        with pytest.raises(LabelError, match="not written by hand"):
            clear_label(session, found, feature)
        names = {label.text for label in before.labels[:200]}
        proposals = LabelFile([Proposal(feature, name, "anna") for name in sorted(names)])
        tried = import_labels(session, found, judge(found, embedder), proposals, dry_run=True)
        assert engine.snapshot("c").labels[feature] == before.labels[feature]
        done = import_labels(session, found, judge(found, embedder), proposals)
        assert done == tried
        shown = engine.snapshot("c").labels[feature]
        for change in done.replaced:
            assert shown == change.new
            assert shown.origin == "anna"
        assert len(done.replaced) + len(done.kept) == 1
        again = import_labels(session, material(database), judge(found, embedder), proposals)
        assert again.replaced == []


@pytest.mark.database
def test_features_that_are_not_and_labels_that_cannot_be(
    store: tuple[Engine, Path], embedder: Embedder
) -> None:
    found = material(store[0])
    with Session(store[0]) as session:
        with pytest.raises(FeatureNotFound):
            set_label(session, found, judge(found, embedder), 10**6, "x")
        with pytest.raises(LabelError, match="empty"):
            set_label(session, found, judge(found, embedder), 0, " ")
    assert material(store[0]).labels == found.labels


@pytest.mark.database
def test_relabelling_keeps_what_does_better(store: tuple[Engine, Path], embedder: Embedder) -> None:
    found = material(store[0])
    nothing = [Label("", None, False)] * found.dictionary.features
    tested = judge(found, embedder).score({number: label.text for number, label in enumerate(found.labels)})
    holds, best = max(tested.items(), key=lambda item: item[1].score or 0)
    assert best.reliable
    earlier = {holds: replace(best, origin="anna")}
    kept = keep_better(nothing, earlier, judge(found, embedder))
    assert (kept[holds].text, kept[holds].origin) == (best.text, "anna")
    perfect = [Label("perfect", 1.0, True)] * found.dictionary.features
    assert keep_better(perfect, earlier, judge(found, embedder)) == perfect
