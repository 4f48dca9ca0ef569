"""LlamaIndex retrieves by Refract."""

import pytest

from tests.support.notes import COLLECTION, Notes

pytest.importorskip("llama_index.core", reason="LlamaIndex is NOT TESTED here; make adapters does")

from llama_index.core.schema import MetadataMode

from refract_client.llama_index import RefractRetriever
from tests.support.awaiting import finished

pytestmark = pytest.mark.database

QUESTION = "how do cells divide"


@pytest.fixture
def retriever(library: Notes) -> RefractRetriever:
    return RefractRetriever(
        library.url, key=library.keys["search"], top_k=3, collection=COLLECTION, filter=["lang:en"]
    )


def test_nodes_carry_the_reasons_of_their_scores(retriever: RefractRetriever) -> None:
    found = retriever.retrieve(QUESTION)
    assert len(found) == 3
    best = found[0]
    assert best.node.ref_doc_id == "biology/mitosis"
    reasons = best.node.metadata["reasons"]
    assert sum(each["value"] for each in reasons) == pytest.approx(best.score, abs=1e-4)


def test_models_read_text_and_title_without_numbers(retriever: RefractRetriever) -> None:
    shown = retriever.retrieve(QUESTION)[0].node.get_content(MetadataMode.LLM)
    assert "Note on biology/mitosis" in shown
    assert "reasons" not in shown


def test_waiting_for_nodes_gives_the_same(retriever: RefractRetriever) -> None:
    found = finished(retriever.aretrieve(QUESTION))
    assert [each.node.node_id for each in found] == [
        each.node.node_id for each in retriever.retrieve(QUESTION)
    ]
