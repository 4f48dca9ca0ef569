"""Judgements as files: what is exported is imported again, and a line that cannot be used is named."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from indexer.judgements.file_format import read_jsonl, read_qrels, write_jsonl, write_qrels
from indexer.judgements.listing import JudgementInfo
from search.errors import InvalidRequest, RefractError, SourceError

THEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def file(folder: Path, text: str | bytes, name: str = "a.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    kept = [
        JudgementInfo(1, "who sings “loud”?", "a b/1", 4, "ann", THEN, 7, True),
        JudgementInfo(2, "was\nist das", "ö", 0, "bob", THEN, None, False),
    ]
    path = file(tmp_path, "\n".join(write_jsonl(kept)) + "\n")
    read = read_jsonl(path, "eve")
    assert [(each.question, each.document, each.grade, each.judge) for each in read] == [
        (each.question, each.document, each.grade, each.judge) for each in kept
    ]
    assert [(each.judged_at, each.generation) for each in read] == [(THEN, 7), (THEN, None)]


def test_who_is_not_named_is_who_imports(tmp_path: Path) -> None:
    path = file(tmp_path, '\ufeff{"question": "q", "document": "d", "grade": 1}\r\n\r\n')
    (read,) = read_jsonl(path, "eve")
    assert (read.judge, read.judged_at, read.where) == ("eve", None, "line 1")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2: Invalid JSON"),
        ("[]", "line 2: "),
        ('{"question": "q", "document": "d"}', "line 2: grade: Field required"),
        ('{"question": "q", "document": "d", "grade": 5}', "line 2: grade"),
        ('{"question": "q", "document": "d", "grade": 0.5}', "line 2: grade"),
        ('{"question": "q", "document": "d", "grade": 1, "note": ""}', "line 2: note"),
        ('{"question": "q", "document": "d", "grade": 1, "judged_at": "2026-01-01T00:00:00"}', "time zone"),
        (
            '{"question": "q", "document": "d", "grade": 1, "judged_at": "0001-01-01T00:00:00Z"}',
            "time of ours",
        ),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = file(tmp_path, '{"question": "q", "document": "d", "grade": 1}\n' + line)
    with pytest.raises(SourceError, match=says) as refused:
        read_jsonl(path, "eve")
    assert refused.value.hint


def test_qrels_of_trec_and_of_beir(tmp_path: Path) -> None:
    asked = file(tmp_path, '{"_id": "1", "text": "who sings"}\n{"_id": 2, "text": "who swims"}\n', "q.jsonl")
    named = file(tmp_path, "1\twho sings\n2\twho swims\n", "q.tsv")
    trec = file(tmp_path, "1 0 a 1\n2  0  b  -2\n", "trec")
    beir = file(tmp_path, "query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t-2\n", "beir")
    for path in (trec, beir):
        for questions in (asked, named):
            read = read_qrels(path, questions, "trec")
            assert [(each.question, each.document, each.grade, each.judge) for each in read] == [
                ("who sings", "a", 1, "trec"),
                ("who swims", "b", 0, "trec"),
            ]


def test_qrels_that_cannot_be_read_are_refused_by_their_line(tmp_path: Path) -> None:
    questions = file(tmp_path, "1\twho sings\n", "q.tsv")
    odd: list[tuple[str | bytes, str]] = [
        ("1 0 a 1\n1 0 a\n", "line 2: '1 0 a' is no line"),
        ("1 0 a 1\nx\n", "line 2"),
        ("1 0 a 1\n7 0 a 1\n", "no question '7'"),
        (b"\xff\xfe", "not UTF-8"),
    ]
    for text, says in odd:
        with pytest.raises(SourceError, match=says):
            read_qrels(file(tmp_path, text, "x"), questions, "j")
    with pytest.raises(SourceError, match=r"none.*cannot be read"):
        read_qrels(tmp_path / "none", questions, "j")
    with pytest.raises(SourceError, match="is no question"):
        read_qrels(tmp_path / "x", file(tmp_path, "no tab\n", "q"), "j")


def test_qrels_are_written_and_read_again(tmp_path: Path) -> None:
    grades = {"who\nsings": {"a": 1, "b": 0}, "who swims": {"c": 4}}
    qrels, questions = write_qrels(grades)
    assert qrels == ["1 0 a 1", "1 0 b 0", "2 0 c 4"]
    read = read_qrels(file(tmp_path, "\n".join(qrels), "x"), file(tmp_path, "\n".join(questions), "q"), "j")
    assert [(each.question, each.document, each.grade) for each in read] == [
        ("who sings", "a", 1),
        ("who sings", "b", 0),
        ("who swims", "c", 4),
    ]
    with pytest.raises(InvalidRequest, match="'a b' has blanks"):
        write_qrels({"q": {"a b": 1}})


@drawn(st.binary(max_size=60))
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = file(tmp_path_factory.mktemp("any"), content)
    with contextlib.suppress(RefractError):
        assert read_jsonl(path, "j") is not None
    with contextlib.suppress(RefractError):
        assert read_qrels(path, path, "j") is not None
