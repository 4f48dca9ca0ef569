"""What a job is asked to do is checked before it is done."""

from typing import Any

import pytest

from indexer.jobs.requests import IngestRequest, VerifyRequest, read_request
from search.errors import InvalidRequest


def test_a_row_of_the_queue_is_read_with_what_it_leaves_out() -> None:
    assert read_request("verify", None, {}) == VerifyRequest(kind="verify", collection="", repair=False)
    found = read_request("ingest", "c", {"path": "/notes", "sync": True})
    assert found == IngestRequest(kind="ingest", collection="c", path="/notes", sync=True)


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("reindex", {"passage_tokens": "many"}, "passage_tokens='many'"),
        ("reindex", {"passage_tokens": 3}, "passage_tokens='3'"),
        ("reindex", {"steps": 5}, "steps='5'"),
        ("reindex", {"dimensions": 0}, "dimensions='0'"),
        ("reindex", {"dimensions": 100_000}, "dimensions='100000'"),
        ("dump", {}, "path="),
        ("ingest", {"path": "postgresql://u:secret@h/d"}, "jobs read no databases"),
        ("train", {}, "kind='train'"),
        ("", {}, "kind=''"),
        ("backup", {}, "collection='c'"),
    ],
)
def test_what_cannot_be_used_is_named(kind: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_request(kind, "c", arguments)
