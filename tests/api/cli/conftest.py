"""A shell, and a folder of notes to index by it."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from search.embedding.embedder import Embedder
from tests.support.commands import Shell
from tests.support.model import lend_dictionary


@pytest.fixture
def shell(database: Engine, tmp_path: Path, small_embedder: Embedder) -> Shell:
    model = small_embedder.space.model
    lend_dictionary(model, tmp_path / "data")
    return Shell(database, tmp_path / "data", REFRACT_MODEL=model)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    for name, content in {
        "a.md": "Whales sing.",
        "b.md": "Bread is baked.",
        "deep/c.md": "Stars shine.",
    }.items():
        (folder / name).write_text(content)
    return folder
