"""LangChain retrieves by Refract, with its own standard tests."""

from typing import Any

import pytest

from tests.support.notes import COLLECTION, Notes

pytest.importorskip("langchain_tests", reason="LangChain is NOT TESTED here; make adapters does")

from langchain_tests.integration_tests import RetrieversIntegrationTests

from refract_client.langchain import RefractRetriever
from tests.support.awaiting import finished

pytestmark = pytest.mark.database

QUESTION = "how do cells divide"


def retriever(library: Notes, **options: Any) -> RefractRetriever:
    return RefractRetriever(
        url=library.url, key=library.keys["search"], options={"collection": COLLECTION}, **options
    )


class TestStandard(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _server(self, library: Notes) -> None:
        self.library = library

    @property
    def retriever_constructor(self) -> type[RefractRetriever]:
        return RefractRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {
            "url": self.library.url,
            "key": self.library.keys["search"],
            "options": {"collection": COLLECTION},
        }

    @property
    def retriever_query_example(self) -> str:
        return QUESTION


def test_documents_carry_the_reasons_of_their_scores(library: Notes) -> None:
    found = retriever(library, k=2).invoke(QUESTION)
    assert found[0].id == "biology/mitosis"
    told = found[0].metadata
    assert sum(each["value"] for each in told["reasons"]) == pytest.approx(told["score"], abs=1e-4)
    assert ("word", "divide") in {(each["kind"], each["label"]) for each in told["reasons"]}


def test_options_go_with_one_question_too(library: Notes) -> None:
    found = retriever(library).invoke(QUESTION, k=3, filter=["lang:fr"])
    assert len(found) == 3
    assert all(each.id.startswith("sea/") for each in found)
    assert finished(retriever(library).ainvoke(QUESTION, k=3, filter=["lang:fr"])) == found


def test_a_key_is_not_shown(library: Notes) -> None:
    assert library.keys["search"] not in repr(retriever(library))
