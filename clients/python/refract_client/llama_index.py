"""A retriever for LlamaIndex: pip install 'refract-client[llama-index]'."""

import asyncio
from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from refract_client.client import Client
from refract_client.records import Result
from refract_client.results import metadata


class RefractRetriever(BaseRetriever):
    """Finds passages by Refract. The metadata of nodes has the reasons of each score, which models are not
    shown. `options` go with every question: collection, steer, preset, mode, filter."""

    def __init__(self, url: str, *, key: str = "", top_k: int = 10, **options: Any) -> None:
        super().__init__()
        self._url, self._key, self._top_k, self._options = url, key, top_k, options

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        with Client(self._url, key=self._key) as refract:
            found = refract.search(query_bundle.query_str, limit=self._top_k, **self._options)
        return [NodeWithScore(node=_node(each), score=each.score) for each in found.results]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(result: Result) -> TextNode:
    told = metadata(result)
    unread = [name for name, value in told.items() if name not in ("title", "url") or not value]
    return TextNode(
        id_=f"{result.document.id}#{result.passage.start}",
        text=result.passage.text,
        metadata=told,
        excluded_llm_metadata_keys=unread,
        excluded_embed_metadata_keys=unread,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=result.document.id)},
    )
