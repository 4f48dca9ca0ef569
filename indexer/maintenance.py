"""Cleaning up after generations."""

import shutil
from pathlib import Path

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from search.models import Generation
from search.snapshot import generation_folder


def drop_generation(session: Session, data: Path, generation: int) -> None:
    """Drops a generation that is not live: its partition, its row, its files. The caller commits."""
    session.execute(text(f"DROP TABLE IF EXISTS passages_{int(generation)}"))
    session.execute(delete(Generation).where(Generation.id == generation, Generation.state != "live"))
    shutil.rmtree(generation_folder(data, generation), ignore_errors=True)
