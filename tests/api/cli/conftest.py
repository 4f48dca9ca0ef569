"""A shell, and a folder of notes to index by it."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.api.cli.shell import Shell


@pytest.fixture
def shell(database: Engine, tmp_path: Path) -> Shell:
    return Shell(database, tmp_path / "data")


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
