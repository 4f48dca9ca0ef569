"""JSON files: a document a line, or one text of many objects; what is no document says why."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from indexer.sources import Note, SourceDocument, document
from tests.support.sources import read_source, written

PROSE = "Sea water holds about thirty-five grams of salt in every litre."


def test_jsonl_fields_become_the_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    record = {
        "id": 7,
        "title": "Sea",
        "text": PROSE,
        "url": "https://x.org/7",
        "year": 1999,
        "meta": {"a": 1},
    }
    path.write_text(json.dumps(record))
    documents, failures, _ = read_source(path)
    assert documents == [SourceDocument("7", "Sea", PROSE, "https://x.org/7", {"year": 1999, "a": 1})]
    assert not failures


def test_named_columns_win_over_guessed_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "a", "key": "b", "text": "no", "story": PROSE, "head": "Sea"}))
    documents, _, _ = read_source(path, id_column="key", text_column="story", title_column="head")
    assert documents == [SourceDocument("b", "Sea", PROSE, None, {"id": "a", "text": "no"})]


def test_one_bad_line_does_not_end_the_run(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps({"_id": "good", "body": PROSE}).encode()
    bad = [
        b'{"id": "x", "text": ',
        b'["a list"]',
        b'{"id": "x", "words": "no text"}',
        b'{"id": "x", "text": 3}',
        b'{"id": "x", "text": " "}',
        b'{"id": "' + b"x" * 600 + b'", "text": "t"}',
        b"[" * 100_000,
        b'{"id": "deep", "text": "t", "x": ' + b"[" * 900 + b"]" * 900 + b"}",
    ]
    path.write_bytes(b"\n".join([*bad, b"", good]))
    documents, failures, _ = read_source(path)
    assert [document.id for document in documents] == ["good"]
    assert len(failures) == len(bad)
    assert "not JSON" in failures["a.jsonl:1"]
    assert "a list" in failures["a.jsonl:2"]
    assert "no field text or body or content or abstract among id, words" in failures["a.jsonl:3"]
    assert failures["a.jsonl:4"] == "its text is a number, not text"
    assert failures["x"] == "it has no text"
    assert failures["x" * 80 + "…"] == "its id has 600 characters, 512 is the most"
    assert failures["deep"] == "its metadata is nested too deeply"


def test_a_document_without_id_keeps_the_one_made_from_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": text}) for text in ("one", "two")]
    path.write_text("\n".join(lines))
    first, _, _ = read_source(path)
    path.write_text("\n".join(reversed(lines)))
    second, _, _ = read_source(path)
    assert {document.id: document.text for document in first} == {
        document.id: document.text for document in second
    }
    assert len({document.id for document in first}) == 2


def test_what_the_database_cannot_store_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        r'{"id": "a", "title": "t\ud800\n'
        + "x" * 400
        + r'", "text": "b\u0000\udc00é", "url": "javascript:alert(1)", '
        r'"n": NaN, "big": 1e999, "m": {"k\u0000": ["\u0000", -Infinity]}}'
    )
    (found,), failures, _ = read_source(path)
    assert (found.id, found.text, found.url) == ("a", "b\ufffd\ufffdé", None)
    assert found.title.startswith("t\ufffd xxx")
    assert found.title.endswith("…")
    assert len(found.title) == 300
    assert found.meta == {"n": None, "big": None, "m": {"k\ufffd": ["\ufffd", None]}}
    assert not failures


def test_compressed_lines_and_a_file_that_breaks_off(tmp_path: Path) -> None:
    lines = "\n".join(
        json.dumps({"id": str(n), "text": f"{PROSE} {os.urandom(50).hex()}"}) for n in range(2000)
    )
    whole = gzip.compress(lines.encode())
    (tmp_path / "whole.jsonl.gz").write_bytes(whole)
    (tmp_path / "half.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    assert len(read_source(tmp_path / "whole.jsonl.gz")[0]) == 2000
    documents, failures, _ = read_source(tmp_path / "half.jsonl.gz")
    assert 500 < len(documents) < 1500
    assert "breaks off after line" in failures["half.jsonl.gz"]


def test_an_endless_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "'
        + "x" * (2 * document.MAX_BYTES + 10)
        + '"}\n'
        + json.dumps({"id": "next", "text": PROSE})
    )
    documents, failures, _ = read_source(path)
    assert [document.id for document in documents] == ["next"]
    assert failures == {"a.jsonl:1": "it is longer than 64 MiB"}


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_empty_file_is_a_failure(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert read_source(tmp_path / name) == ([], {name: "it is empty"}, [])


def test_a_guessed_field_of_another_shape_is_metadata(tmp_path: Path) -> None:
    records = [
        {"id": "1", "text": PROSE, "name": {"en": "Whale"}},
        {"id": "2", "text": PROSE, "link": ["https://example.org/a"], "url": True},
        {"id": ["3"], "_id": 3, "text": PROSE, "title": None, "name": "Cat"},
        {"id": "4", "text": ["no"], "body": PROSE, "title": " ", "name": "Dog"},
    ]
    found = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, records)))
    assert [(each.id, each.title, each.meta) for each in found.documents] == [
        ("1", "", {"name": {"en": "Whale"}}),
        ("2", "", {"link": ["https://example.org/a"], "url": True}),
        ("3", "Cat", {"id": ["3"], "title": None}),
        ("4", "Dog", {"text": ["no"], "title": " "}),
    ]
    assert not found.failures


def test_a_named_field_of_another_shape_is_refused(tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "text": PROSE, "name": {"en": "Whale"}})
    found = written(tmp_path, "a.jsonl", line, title_column="name")
    assert found.failures == {"a.jsonl:1": "its name is a object, not text"}
    found = written(tmp_path, "a.jsonl", json.dumps({"t": [1], "text": PROSE}), text_column="t")
    assert found.failures == {"a.jsonl:1": "its t is a list, not text"}


def test_a_text_of_several_paragraphs_is_joined_and_that_is_told(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"id": "1", "text": ["Whales sing.", "Bats hunt."]},
        {"id": "2", "text": PROSE},
        {"id": "3", "text": [], "body": ["Cats sleep.", None]},
        {"id": "4", "text": ["a", {"b": 1}]},
        {"id": "5", "text": ["", " "]},
    ]
    found = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, records)))
    assert found.texts == ["Whales sing.\n\nBats hunt.", PROSE, "Cats sleep."]
    assert sorted(found.failures) == ["5", "a.jsonl:4"]
    told = {note.text for note in found.notes}
    assert told == {"text is a list in 2, read as paragraphs", "body is a list in 1, read as paragraphs"}
    (named,) = written(tmp_path, "a.jsonl", '{"t": ["a", "b"]}', text_column="t").documents
    assert named.text == "a\n\nb"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "\n\n"),
        ("a.jsonl", "[\n]"),
        ("a.jsonl", "[]"),
        ("a.csv", "id,text\n"),
        ("a.csv", "id,text"),
    ],
)
def test_a_file_that_holds_nothing_says_so(tmp_path: Path, name: str, content: str) -> None:
    found = written(tmp_path, name, content)
    assert found.failures
    assert not found.documents


RECORDS = [{"id": str(number), "text": f"{PROSE} {number}", "deep": {"x": [1, {}]}} for number in range(3)]


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "a.json": json.dumps(RECORDS),
        "b.json": json.dumps(RECORDS, indent=2),
        "c.jsonl": "\n".join(json.dumps(record, indent=4) for record in RECORDS),
        "d.jsonl": "".join(map(json.dumps, RECORDS)),
        "e.jsonl": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
        "f.json": json.dumps({"count": 3, "books": RECORDS}, indent=1),
        "g.jsonl": ",\r\n\r\n".join(map(json.dumps, RECORDS)) + ",\r\n",
    }.items(),
)
def test_json_is_read_however_it_is_laid_out(tmp_path: Path, name: str, content: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = written(tmp_path, name, content.encode(encoding))
        assert [each.id for each in found.documents] == ["0", "1", "2"]
        assert found.documents[2].meta == {"deep": {"x": [1, {}]}}
        assert not found.failures


def test_one_broken_object_of_an_array_costs_itself(tmp_path: Path) -> None:
    content = json.dumps(RECORDS, indent=2).replace('"id": "1",', '"id": "1"', 1)
    found = written(tmp_path, "a.json", content)
    assert [each.id for each in found.documents] == ["0", "2"]
    assert list(found.failures) == ["a.json:12"]
    assert "Expecting ',' delimiter" in found.failures["a.json:12"]


def test_a_field_that_is_there_twice_is_told(tmp_path: Path) -> None:
    found = written(tmp_path, "a.jsonl", '{"text": "one", "text": "two"}\n{"text": "one", "text": "one"}')
    assert found.texts == ["one"]
    assert found.failures == {"a.jsonl:1": "its field 'text' is there twice, with different values"}


def test_lines_of_another_encoding_are_read_and_told(tmp_path: Path) -> None:
    line = json.dumps({"id": "1", "text": "Ein schöner Tag für die Bücher"}, ensure_ascii=False)
    found = written(tmp_path, "a.jsonl", line.encode("cp1252"))
    assert found.texts == ["Ein schöner Tag für die Bücher"]
    assumed = (
        "it is not UTF-8 and nothing says what it is; read as Windows-1252 (--encoding NAME says another)"
    )
    assert found.notes == [Note("a.jsonl", assumed)]
    good = "".join(json.dumps({"text": f"Übung {n} äöü"}, ensure_ascii=False) + "\n" for n in range(30))
    found = written(tmp_path, "a.jsonl", good.encode() + line.encode("cp1252"))
    assert found.texts[-1] == "Ein schöner Tag für die Bücher"
    assert found.notes == [Note("a.jsonl", f"line 31: {assumed}")]
