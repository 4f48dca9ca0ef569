"""A client of Refract, the semantic search engine that explains its rankings: sync and async, typed."""

from refract_client.bulk import Document
from refract_client.client import AsyncClient, Client
from refract_client.errors import RefractError
from refract_client.retries import Retries

__all__ = ["AsyncClient", "Client", "Document", "RefractError", "Retries"]
