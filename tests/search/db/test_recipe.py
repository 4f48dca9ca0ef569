"""Recipes in the database, those that earlier versions wrote among them."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from search.db.models import CollectionRow, GenerationRow
from search.db.recipe import Recipe

LEAST = {"model": "m", "precision": "float32", "max_tokens": 256}
TODAY = Recipe(**LEAST, passage_tokens=192, index="flat", device="cpu")

pytestmark = [pytest.mark.database]


def stored(database: Engine, written: dict[str, Any]) -> Recipe:
    with Session(database) as session:
        collection = CollectionRow(name="c", model="m")
        session.add(collection)
        session.flush()
        session.execute(
            text("INSERT INTO generations (collection_id, recipe, seq) VALUES (:collection, :recipe, 0)"),
            {"collection": collection.id, "recipe": json.dumps(written)},
        )
        return session.scalars(select(GenerationRow)).one().recipe


def test_what_the_first_version_did_not_write_has_its_values(database: Engine) -> None:
    recipe = stored(database, {**LEAST, "device": "cpu"})
    assert (recipe.passage_tokens, recipe.index, recipe.engine) == (192, "flat", "faiss")


def test_a_recipe_that_says_how_to_learn_a_dictionary_is_none_of_today(database: Engine) -> None:
    assert not stored(database, {**LEAST, "dictionary": {"steps": 5}}).same(TODAY)


def test_a_recipe_is_written_whole_and_found_by_its_parts(database: Engine) -> None:
    with Session(database) as session:
        collection = CollectionRow(name="c", model="m")
        session.add(collection)
        session.flush()
        session.add(GenerationRow(collection_id=collection.id, recipe=TODAY, seq=0))
        session.commit()
        of_model = GenerationRow.recipe["model"].astext
        assert session.scalars(select(GenerationRow).where(of_model == "m")).one().recipe == TODAY
        written = session.execute(text("SELECT recipe FROM generations")).scalar_one()
    today = {"passage_tokens": 192, "index": "flat", "device": "cpu"}
    unset = {"question_prompt": "", "passage_prompt": "", "dimensions": 0, "width": 0, "engine": "faiss"}
    assert written == {**LEAST, **today, **unset}


def test_the_same_build_may_be_taken_up_on_another_device_but_not_of_other_passages() -> None:
    assert TODAY.same(TODAY.model_copy(update={"device": "cuda"}))
    assert not TODAY.same(TODAY.model_copy(update={"passage_tokens": 64}))
    assert not TODAY.same(TODAY.model_copy(update={"engine": "milvus"}))
