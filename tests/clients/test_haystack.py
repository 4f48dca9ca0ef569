"""Haystack retrieves by Refract, in pipelines that can be stored."""

import pytest

from tests.support.notes import COLLECTION, Notes

pytest.importorskip("haystack", reason="Haystack is NOT TESTED here; make adapters does")

from haystack import Pipeline
from haystack.utils import Secret

from refract_client.haystack import RefractRetriever
from tests.support.awaiting import finished

pytestmark = pytest.mark.database

QUESTION = "how do cells divide"


@pytest.fixture
def retriever(library: Notes, monkeypatch: pytest.MonkeyPatch) -> RefractRetriever:
    monkeypatch.setenv("SEARCH_KEY", library.keys["search"])
    return RefractRetriever(
        library.url, key=Secret.from_env_var("SEARCH_KEY"), top_k=3, options={"collection": COLLECTION}
    )


def test_documents_carry_the_reasons_of_their_scores(retriever: RefractRetriever) -> None:
    found = retriever.run(QUESTION)["documents"]
    assert found[0].meta["id"] == "biology/mitosis"
    assert len(found) == 3
    reasons = found[0].meta["reasons"]
    assert sum(each["value"] for each in reasons) == pytest.approx(found[0].score, abs=1e-4)
    french = retriever.run(QUESTION, filters=["lang:fr"], top_k=2)["documents"]
    assert [each.meta["id"].partition("/")[0] for each in french] == ["sea", "sea"]
    assert finished(retriever.run_async(QUESTION))["documents"] == found


def test_a_pipeline_is_stored_and_runs_again_without_its_key_in_it(
    retriever: RefractRetriever, library: Notes
) -> None:
    pipeline = Pipeline()
    pipeline.add_component("retriever", retriever)
    stored = pipeline.dumps()
    assert library.keys["search"] not in stored
    asked = {"retriever": {"query": QUESTION}}
    again = Pipeline.loads(stored, allowed_modules=["refract_client.haystack"])
    assert again.run(asked) == pipeline.run(asked)
