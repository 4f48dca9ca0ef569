"""Judgements and evaluations by the command line."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.judgements.store import delete_judgements, keep_judgements
from search.embedding.embedder import Embedder
from tests.support import teaching
from tests.support.building import build
from tests.support.commands import Shell, assert_one_line
from tests.support.notes import documents

pytestmark = pytest.mark.database

NOTES = ("--collection", "notes")
LINES = [
    {"question": "how do cells divide", "document": "biology/mitosis", "grade": 1},
    {"question": "how do cells divide", "document": "sea/1", "grade": 0},
    {"question": "a base case", "document": "proofs/induction", "grade": 1},
]


def test_judgements_are_taken_in_measured_and_given_out(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    shell = Shell(database, tmp_path / "data", COLUMNS="160")
    build(database, tmp_path / "data", small_embedder, "notes", documents())
    file = tmp_path / "said.jsonl"

    assert_one_line(shell.tried("evaluate", *NOTES), "Nothing has been judged in 'notes'", "import")
    assert_one_line(shell.tried("learn", *NOTES), "Nothing has been judged in 'notes'", "import")
    assert_one_line(shell.tried("reindex", *NOTES, "--gate", "0.01"), "Nothing has been judged in 'notes'")
    assert_one_line(shell.tried("reindex", *NOTES, "--gate", "-0.5"), "The gate -0.5 is out of range")

    file.write_text("".join(json.dumps(line) + "\n" for line in LINES) + '{"question": "q"}\n')
    assert_one_line(shell.tried("judgements", "import", str(file), *NOTES), "line 4", "document")
    unknown = {**LINES[0], "document": "nobody"}
    file.write_text("".join(json.dumps(line) + "\n" for line in [*LINES, unknown]))
    failed = shell.tried("judgements", "import", str(file), *NOTES)
    assert_one_line(failed, "'nobody' (line 4)", "--skip-unknown")
    assert shell.run("judgements", "export", *NOTES) == ""
    import_it = ("judgements", "import", str(file), *NOTES, "--judge", "ann")
    assert "3 new, 0 as before or changed, 1 of unknown" in shell.run(*import_it, "--skip-unknown")
    exported = tmp_path / "out.jsonl"
    shell.run("judgements", "export", *NOTES, "--output", str(exported))
    written = [json.loads(line) for line in exported.read_text().splitlines()]
    assert [{name: line[name] for name in ("question", "document", "grade")} for line in written] == LINES
    assert {line["judge"] for line in written} == {"ann"}
    assert "0 new, 3 as before" in shell.run("judgements", "import", str(exported), *NOTES)

    told = shell.run("evaluate", *NOTES)
    for words in ("nDCG@10", "recall@100", "MRR", "success@1", "2 questions, 3 judgements of 1 judge."):
        assert words in told
    told = shell.run("evaluate", *NOTES, "--against-mode", "semantic")
    assert "difference" in told
    assert "the same by nDCG@10" in told
    assert_one_line(shell.tried("learn", *NOTES), "2 judged questions", "learning takes 50")
    found = json.loads(shell.tried("evaluate", *NOTES, "--against-mode", "semantic", "--json").stdout)
    assert (found["questions"], found["against"]["mode"]) == (2, "semantic")
    assert "no preset 'dry' in 'notes'" in shell.tried("evaluate", *NOTES, "--preset", "dry").stderr
    assert_one_line(shell.tried("evaluate", *NOTES, "--generation", "99"), "no generation 99")
    assert "is live" in shell.run("reindex", *NOTES, "--gate", "0.01")

    qrels, asked = tmp_path / "a.qrels", tmp_path / "a.tsv"
    shell.run("judgements", "export", *NOTES, "--output", str(qrels), "--questions", str(asked))
    assert qrels.read_text().splitlines()[0] == "1 0 biology/mitosis 1"
    assert_one_line(shell.tried("judgements", "import", str(qrels), *NOTES), "--questions FILE")
    again = ("judgements", "import", str(qrels), *NOTES, "--questions", str(asked), "--judge", "trec")
    assert "3 new" in shell.run(*again)
    assert_one_line(shell.tried("judgements", "delete", "eve", *NOTES), "'eve'", "ann, trec")
    assert "3 judgements of trec are deleted." in shell.run("judgements", "delete", "trec", *NOTES)
    assert_one_line(shell.tried("judgements", "import", str(tmp_path / "none.jsonl"), *NOTES), "none.jsonl")
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "7", "text": "who sings"}\n')
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n7\tsea/2\t1\n")
    assert "1 new" in shell.run("judgements", "import", str(folder), *NOTES, "--split", "dev")


def test_what_is_learned_is_shown_accepted_and_undone(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    shell = Shell(database, tmp_path / "data", COLUMNS="160")
    build(database, tmp_path / "data", small_embedder, "taught", teaching.documents())
    keep_judgements(database, "taught", teaching.said())
    of_it = ("--collection", "taught")
    told = shell.run("learn", *of_it)
    for words in ("turned", "helps", "tutorial", "On questions that did not teach them"):
        assert words in told
    assert "Not offered" not in told
    assert shell.run("presets", "list", *of_it).count("learned") == 0
    found = json.loads(shell.tried("learn", *of_it, "--accept", "--json").stdout)
    assert found["refusal"] == ""
    assert "learned" in shell.run("presets", "list", *of_it)
    measured = shell.tried("evaluate", *of_it, "--against-preset", "none", "--json")
    assert json.loads(measured.stdout)["differences"][0]["low"] > 0
    shell.run("presets", "delete", "learned", *of_it)
    assert "learned" not in shell.run("presets", "list", *of_it)

    delete_judgements(database, "taught", "ann")
    keep_judgements(database, "taught", teaching.said(tuple(teaching.KINDS)))
    refused = shell.tried("learn", *of_it, "--accept")
    assert "Not offered" in refused.stdout
    assert "nothing to accept" in refused.stderr
