"""A retriever for Haystack: pip install 'refract-client[haystack]'."""

import asyncio
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.utils import Secret

from refract_client.client import Client
from refract_client.records import Result
from refract_client.results import metadata


@component
class RefractRetriever:
    """Finds passages by Refract. The meta of documents has the reasons of each score.

    `options` go with every question (collection, steer, preset, mode). Filters are Refract's, like lang:en.
    """

    def __init__(
        self,
        url: str,
        *,
        key: Secret | None = None,
        top_k: int = 10,
        filters: list[str] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.url, self.key, self.top_k = url, key, top_k
        self.filters, self.options = filters or [], options or {}

    def to_dict(self) -> dict[str, Any]:
        """Describes the component for a pipeline that is stored; of a key only where it comes from."""
        described: dict[str, Any] = default_to_dict(
            self,
            url=self.url,
            key=self.key.to_dict() if self.key else None,
            top_k=self.top_k,
            filters=self.filters,
            options=self.options,
        )
        return described

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RefractRetriever":
        """Makes the component that was described."""
        key = data["init_parameters"].get("key")
        data["init_parameters"]["key"] = Secret.from_dict(key) if key else None
        made: RefractRetriever = default_from_dict(cls, data)
        return made

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: list[str] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Finds passages for a question."""
        key = self.key.resolve_value() if self.key else None
        with Client(self.url, key=key or "") as refract:
            found = refract.search(
                query,
                limit=top_k or self.top_k,
                filter=self.filters if filters is None else filters,
                **self.options,
            )
        return {"documents": [_document(each) for each in found.results]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: list[str] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Finds passages for a question, without holding up others."""
        return await asyncio.to_thread(self.run, query, filters, top_k)


def _document(result: Result) -> Document:
    return Document(
        id=f"{result.document.id}#{result.passage.start}",
        content=result.passage.text,
        meta=metadata(result),
        score=result.score,
    )
