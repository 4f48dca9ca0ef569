"""A retriever for LangChain: pip install 'refract-client[langchain]'."""

import asyncio
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, SecretStr

from refract_client.client import Client
from refract_client.results import metadata


class RefractRetriever(BaseRetriever):
    """Finds passages by Refract. Their metadata has the reasons of each score.

    `options` go with every question (collection, steer, preset, mode, filter), and `invoke` takes further
    ones: `retriever.invoke("how do cells divide", k=3, filter=["lang:en"])`.
    """

    url: str
    key: SecretStr = SecretStr("")
    k: int = 10
    options: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - part of the framework's call
        **options: Any,
    ) -> list[Document]:
        return self._find(query, **options)

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 - part of the framework's call
        **options: Any,
    ) -> list[Document]:
        return await asyncio.to_thread(self._find, query, **options)

    def _find(self, query: str, *, k: int | None = None, **options: Any) -> list[Document]:
        with Client(self.url, key=self.key.get_secret_value()) as refract:
            found = refract.search(query, limit=k or self.k, **{**self.options, **options})
        return [
            Document(id=each.document.id, page_content=each.passage.text, metadata=metadata(each))
            for each in found.results
        ]
