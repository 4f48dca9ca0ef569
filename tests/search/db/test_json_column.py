"""Columns of JSON that hold pydantic models, in rows of this version and of others."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from search.db.card import StoredCard, Training
from search.db.models import CollectionRow, DictionaryRow, GenerationRow
from search.db.recipe import Checks, Recipe
from search.responses.collections import Progress

pytestmark = [pytest.mark.database, pytest.mark.sql]

RECIPE = Recipe(model="m", precision="float32", max_tokens=256)


@pytest.fixture
def session(database: Engine) -> Any:
    with Session(database) as session:
        session.add(CollectionRow(id=1, name="c", model="m"))
        session.flush()
        yield session


def test_what_was_not_written_yet_is_empty_and_written_as_that(session: Session) -> None:
    row = GenerationRow(collection_id=1, recipe=RECIPE, seq=0)
    session.add(row)
    session.flush()
    session.refresh(row)
    assert (row.progress, row.checks, row.timings, row.files) == (Progress(), Checks(), {}, {})
    row.progress, row.checks = Progress(step="embedding"), Checks()
    session.flush()
    written = session.execute(text("SELECT progress, checks FROM generations")).one()
    assert written == ({"step": "embedding"}, {})


def test_a_row_of_another_version_keeps_what_this_one_does_not_know(session: Session) -> None:
    card = {"model": "m", "active": 4, "training": {"seed": 1}, "scorecard": {}, "of tomorrow": [1]}
    statement = "INSERT INTO dictionaries (collection_id, weights, card) VALUES (1, '', :card)"
    session.execute(text(statement), {"card": json.dumps(card)})
    row = session.scalars(select(DictionaryRow)).one()
    assert (row.card.active, row.card.sha256) == (4, "")
    row.card = row.card.model_copy(update={"threshold": 0.5})
    session.flush()
    written = session.execute(text("SELECT card FROM dictionaries")).scalar_one()
    assert written == {**card, "threshold": 0.5}


def test_parts_of_a_model_are_found_by_name(session: Session) -> None:
    card = StoredCard(model="m", training=Training(way="named"))
    session.add(DictionaryRow(collection_id=1, weights=b"", card=card))
    session.flush()
    way = DictionaryRow.card["training"]["way"].astext
    assert session.execute(select(way, DictionaryRow.card)).one() == ("named", card)
    assert session.scalars(select(DictionaryRow.id).where(way == "other")).all() == []
